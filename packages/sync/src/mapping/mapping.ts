// A connector's default mapping, met with the tables that an organization really has: names resolved,
// types known, objects in the order parents first. Nothing else may read the database's catalogue.
import { RowhouseError } from '@rowhouse/contracts'
import type { Connector, ObjectDescription, ObjectMapping } from '@rowhouse/connectors'
import type { Organization } from 'rowhouse'

export interface MappedField {
  readonly column: string
  readonly field: string
  /** SQL type of the column, as Postgres formats it. */
  readonly type: string
  readonly readOnly: boolean
}

export interface MappedReference {
  readonly column: string
  readonly reference: string
  /** Object of the parent. */
  readonly parent: string
  readonly type: string
}

export interface MappedObject {
  readonly object: string
  readonly schema: string
  readonly table: string
  readonly fields: readonly MappedField[]
  readonly references: readonly MappedReference[]
  readonly matchBy: readonly string[]
  readonly uniqueFields: readonly string[]
  readonly pageSizeMax: number
  readonly batchSizeMax: number
  readonly hasCreateToken: boolean
}

interface ColumnRow {
  readonly table_schema: string
  readonly table_name: string
  readonly column_name: string
  readonly type: string
}

const COLUMNS = `
select n.nspname as table_schema, c.relname as table_name, a.attname as column_name,
  pg_catalog.format_type(a.atttypid, null) as type
from pg_catalog.unnest($1::text[]) as wanted(name)
join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(pg_catalog.quote_ident(wanted.name))
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid
where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p')`

/** Types whose text form is the canonical form of a field, or becomes it by one expression. */
const supported = new Set([
  'text',
  'character varying',
  'integer',
  'bigint',
  'smallint',
  'numeric',
  'boolean',
  'date',
  'uuid',
  'timestamp with time zone',
])

/**
 * Which objects are synced, and how: those whose table exists here.
 *
 * @throws RowhouseError mapping_invalid when no table exists, a column is missing, or a type has no canonical text
 */
export async function resolveMapping(connector: Connector, organization: Organization): Promise<MappedObject[]> {
  const description = connector.describe()
  const wanted = description.defaultMapping
  const { rows } = await organization.query<ColumnRow>(COLUMNS, [wanted.map(({ table }) => table)])
  const mapped = wanted.flatMap((mapping) => {
    const columns = rows.filter((row) => row.table_name === mapping.table)
    const described = description.objects.find(({ name }) => name === mapping.object)
    if (columns.length === 0 || described === undefined) return []
    return [mapObject(mapping, described, columns)]
  })
  if (mapped.length === 0)
    throw new RowhouseError(
      'mapping_invalid',
      `None of the tables ${wanted.map(({ table }) => table).join(', ')} exists here.`,
    )
  return parentsFirst(mapped)
}

function mapObject(mapping: ObjectMapping, described: ObjectDescription, columns: readonly ColumnRow[]): MappedObject {
  const typeOf = (column: string): string => {
    const found = columns.find((row) => row.column_name === column)
    if (found === undefined)
      throw new RowhouseError('mapping_invalid', `The table ${mapping.table} has no column ${column}.`, {
        details: { table: mapping.table, column },
      })
    if (!supported.has(found.type))
      throw new RowhouseError(
        'mapping_invalid',
        `The column ${mapping.table}.${column} has the type ${found.type}, which cannot be synced.`,
        { details: { table: mapping.table, column, type: found.type } },
      )
    return found.type
  }
  if (typeOf('id') !== 'uuid')
    throw new RowhouseError('mapping_invalid', `The column ${mapping.table}.id has to be a uuid.`, {
      details: { table: mapping.table, column: 'id' },
    })
  return {
    object: mapping.object,
    schema: columns[0]?.table_schema ?? 'public',
    table: mapping.table,
    fields: mapping.fields.map(({ column, field }) => ({
      column,
      field,
      type: typeOf(column),
      readOnly: described.readOnlyFields.includes(field),
    })),
    references: mapping.references.flatMap(({ column, reference }) => {
      const parent = described.references.find(({ name }) => name === reference)?.object
      return parent === undefined ? [] : [{ column, reference, parent, type: typeOf(column) }]
    }),
    matchBy: mapping.matchBy,
    uniqueFields: described.uniqueFields,
    pageSizeMax: described.pageSizeMax,
    batchSizeMax: described.batchSizeMax,
    hasCreateToken: described.createTokenField !== null,
  }
}

/** Parents before children; a cycle is broken where it is entered. */
export function parentsFirst(objects: readonly MappedObject[]): MappedObject[] {
  const ordered: MappedObject[] = []
  const visit = (object: MappedObject, path: readonly string[]): void => {
    if (ordered.includes(object) || path.includes(object.object)) return
    for (const { parent } of object.references) {
      const found = objects.find((other) => other.object === parent)
      if (found !== undefined) visit(found, [...path, object.object])
    }
    ordered.push(object)
  }
  for (const object of objects) visit(object, [])
  // A reference to an object that is not synced here could never be resolved.
  return ordered.map((object) => ({
    ...object,
    references: object.references.filter(({ parent }) => objects.some((other) => other.object === parent)),
  }))
}
