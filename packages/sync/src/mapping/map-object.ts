// One object of a mapping, met with its table and with what the account says of it. Pure: columns and schema
// are given. Refuses what could not be synced, and what would be changed on the way without anybody's doing.
import { RowhouseError } from '@rowhouse/contracts'
import { definitionOf } from '@rowhouse/connectors'
import type { ConnectorDescription, FieldKind, ObjectMapping, RemoteSchema } from '@rowhouse/connectors'
import type { ColumnRow } from './columns.ts'
import type { MappedObject } from './mapping.ts'

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
  'jsonb',
  'timestamp with time zone',
])

/** Columns that take values of one kind only. A day in a column of instants, or the reverse, would come back as another value and be sent as an edit. */
const kindsOf: ReadonlyMap<string, readonly FieldKind[]> = new Map([
  ['date', ['date']],
  ['timestamp with time zone', ['instant']],
  ['boolean', ['boolean']],
  ['jsonb', ['json']],
])
/** And kinds that need such a column. */
const wholeTypes: ReadonlyMap<FieldKind, readonly string[]> = new Map([
  ['number', ['numeric', 'integer', 'bigint', 'smallint', 'text', 'character varying']],
])

/** Set by the database, never by a mapping. */
const ownColumns = new Set(['id', 'organization_id'])

export function mapObject(
  description: ConnectorDescription,
  mapping: ObjectMapping,
  columns: readonly ColumnRow[],
  schema: RemoteSchema | null,
): MappedObject {
  const { table } = mapping
  const described = description.objects.find(({ name }) => name === mapping.object)
  const limits = described ?? description.customObjects
  if (limits === undefined)
    throw invalid(`${description.name} has no object ${mapping.object} that can be synced.`, { object: mapping.object })
  const typeOf = (column: string): string => {
    const found = columns.find((row) => row.column_name === column)
    if (found === undefined) throw invalid(`The table ${table} has no column ${column}.`, { table, column })
    if (supported.has(found.type)) return found.type
    throw invalid(`The column ${table}.${column} has the type ${found.type}, which cannot be synced.`, {
      table,
      column,
      type: found.type,
    })
  }
  if (typeOf('id') !== 'uuid') throw invalid(`The column ${table}.id has to be a uuid.`, { table, column: 'id' })
  requireOnce(mapping)
  const fields = mapping.fields.map(({ column, field }) => {
    const type = typeOf(column)
    const known = schema?.fields.find(({ name }) => name === field)
    if (schema !== null && known === undefined)
      throw invalid(`${schema.label} has no field ${field}.`, { object: mapping.object, field })
    if (known !== undefined) requireKind(table, column, type, known.kind, field)
    const readOnly = known?.readOnly ?? described?.readOnlyFields.includes(field) ?? false
    return { column, field, type, readOnly }
  })
  const references = mapping.references.flatMap(({ column, reference }) => {
    const known = schema?.references ?? described?.references ?? []
    const parent = known.find(({ name }) => name === reference)?.object
    if (parent === undefined && schema !== null)
      throw invalid(`${schema.label} has no reference ${reference}.`, { object: mapping.object, reference })
    return parent === undefined ? [] : [{ column, reference, parent, type: typeOf(column) }]
  })
  for (const column of mapping.matchBy)
    if (!fields.some((field) => field.column === column))
      throw invalid(`${table} is matched by ${column}, which is not mapped.`, { table, column })
  return {
    object: mapping.object,
    schema: columns[0]?.table_schema ?? 'public',
    table,
    fields,
    references,
    matchBy: mapping.matchBy,
    uniqueFields: described?.uniqueFields ?? schema?.fields.flatMap(({ name, unique }) => (unique ? [name] : [])) ?? [],
    pageSizeMax: limits.pageSizeMax,
    batchSizeMax: limits.batchSizeMax,
    hasCreateToken: limits.createTokenField !== null,
    definition:
      schema === null
        ? null
        : definitionOf(
            schema,
            fields.map(({ field }) => field),
            references.map(({ reference }) => reference),
          ),
  }
}

/** Whether a column of this type gives a field of this kind back as it was. */
export function holds(type: string, kind: FieldKind): boolean {
  const kinds = kindsOf.get(type)
  const types = wholeTypes.get(kind)
  return supported.has(type) && (kinds === undefined || kinds.includes(kind)) && (types?.includes(type) ?? true)
}

/** Set by the database, whatever a mapping says. */
export const isOwnColumn = (column: string): boolean => ownColumns.has(column)

function requireKind(table: string, column: string, type: string, kind: FieldKind, field: string): void {
  if (holds(type, kind)) return
  throw invalid(`${field} holds values of the kind ${kind}, which ${table}.${column}, a ${type}, would change.`, {
    table,
    column,
    type,
    field,
    kind,
  })
}

function requireOnce({ table, fields, references }: ObjectMapping): void {
  const columns = [...fields, ...references].map(({ column }) => column)
  const names = [...fields.map(({ field }) => field), ...references.map(({ reference }) => `@${reference}`)]
  for (const list of [columns, names]) {
    const twice = list.find((name, index) => list.indexOf(name) !== index)
    if (twice !== undefined) throw invalid(`${table} maps ${twice} twice.`, { table, name: twice })
  }
  const own = columns.find(isOwnColumn)
  if (own !== undefined) throw invalid(`${table}.${own} is set by the database.`, { table, column: own })
}

const invalid = (message: string, details: Readonly<Record<string, string>>): RowhouseError =>
  new RowhouseError('mapping_invalid', message, { details })
