// A mapping, met with the tables that an organization really has and the objects its account really has: names
// resolved, types known, objects in the order parents first. What does not fit is refused here, before anything
// is synced, or left out where the connector only offered it.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import type { Connector, ObjectDefinition, ObjectMapping, RemoteSchema } from '@rowhouse/connectors'
import type { Organization } from 'rowhouse'
import { readColumns } from './columns.ts'
import { mapObject } from './map-object.ts'

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
  /** What the account told of it; null or absent where the connector's description is enough. */
  readonly definition?: ObjectDefinition | null
}

/** The account, as far as a mapping asks about it. */
export interface MappedAccount {
  /** Null: it has no such object, or the grant does not let it be read. */
  schema(object: string): Promise<RemoteSchema | null>
}

/** The connector's default mapping, as far as it fits: what it only offers is left out where a table, a column, an object or a right is missing. @throws RowhouseError mapping_invalid */
export async function resolveDefaultMapping(
  connector: Connector,
  organization: Organization,
  account: MappedAccount,
): Promise<MappedObject[]> {
  const wanted = connector.describe().defaultMapping
  const tables = wanted.map(({ table }) => table)
  const columns = await readColumns(organization, tables)
  const mapped: MappedObject[] = []
  for (const mapping of wanted) {
    const own = columns.filter((row) => row.table_name === mapping.table)
    if (own.length === 0) continue
    if (!mapping.optional) {
      mapped.push(mapObject(connector.describe(), mapping, own, null))
      continue
    }
    const named = [...mapping.fields, ...mapping.references].map(({ column }) => column)
    if (!named.every((name) => own.some((row) => row.column_name === name))) continue
    const schema = await account.schema(mapping.object)
    const object = schema === null ? null : fitting(() => mapObject(connector.describe(), mapping, own, schema))
    if (object !== null) mapped.push(object)
  }
  if (mapped.length === 0)
    throw new RowhouseError('mapping_invalid', `None of the tables ${tables.join(', ')} exists here.`)
  return parentsFirst(mapped)
}

/**
 * A mapping that somebody chose. Nothing of it is left out.
 *
 * @throws RowhouseError mapping_invalid when a table, column, object, field or reference does not exist, a type has no
 * canonical text or would change the values, a table or an object is named twice, or a reference leads to what is not mapped
 */
export async function resolveMapping(
  connector: Connector,
  organization: Organization,
  account: MappedAccount,
  wanted: readonly ObjectMapping[],
): Promise<MappedObject[]> {
  if (wanted.length === 0) throw new RowhouseError('mapping_invalid', 'A mapping names at least one object.')
  requireDistinct(wanted.map(({ object }) => object))
  requireDistinct(wanted.map(({ table }) => table))
  const columns = await readColumns(
    organization,
    wanted.map(({ table }) => table),
  )
  const mapped: MappedObject[] = []
  for (const mapping of wanted) {
    const own = columns.filter((row) => row.table_name === mapping.table)
    if (own.length === 0)
      throw new RowhouseError('mapping_invalid', `There is no table ${mapping.table}.`, {
        details: { table: mapping.table },
      })
    const schema = await account.schema(mapping.object)
    if (schema === null)
      throw new RowhouseError('mapping_invalid', `The account has no object ${mapping.object}.`, {
        details: { object: mapping.object },
      })
    mapped.push(mapObject(connector.describe(), mapping, own, schema))
  }
  for (const { object, references } of mapped)
    for (const { reference, parent } of references)
      if (!mapped.some((other) => other.object === parent))
        throw new RowhouseError(
          'mapping_invalid',
          `The reference ${reference} of ${object} leads to ${parent}, which is not mapped.`,
          { details: { object, reference, parent } },
        )
  return parentsFirst(mapped)
}

function requireDistinct(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new RowhouseError('mapping_invalid', `${twice} is mapped twice.`, { details: { name: twice } })
}

/** Null when the table is another one that has the same name. */
function fitting(map: () => MappedObject): MappedObject | null {
  try {
    return map()
  } catch (error) {
    if (isRowhouseError(error) && error.code === 'mapping_invalid') return null
    throw error
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
