// A mapping of one object while it is changed: rows as they are chosen, what is wrong with each, and what the change comes to.
// Pure. What is wrong here the server would refuse too, later and at once for all.
import type { Endpoints, ObjectMappingItem, RemoteSchemaItem, ResponseOf } from '@rowhouse/contracts'

export type Column = ResponseOf<Endpoints['listMappingColumns']>['items'][number]

export interface Row {
  /** Stays while the row is there. */
  readonly key: number
  readonly kind: 'field' | 'reference'
  /** Empty while it is not chosen. */
  readonly column: string
  readonly remote: string
  /** Whether rows and records are matched by it. */
  readonly isMatched: boolean
}

export interface Choices {
  readonly table: string
  readonly columns: readonly Column[]
  readonly schema: RemoteSchemaItem
  /** Objects that are synced: a reference leads to one of them. */
  readonly objects: readonly string[]
  /** What the CRM is called. */
  readonly crm: string
}

export const rowsOf = ({ fields, references, matchBy }: ObjectMappingItem): Row[] => [
  ...fields.map(({ column, field }, key) => ({
    key,
    kind: 'field' as const,
    column,
    remote: field,
    isMatched: matchBy.includes(column),
  })),
  ...references.map(({ column, reference }, index) => ({
    key: fields.length + index,
    kind: 'reference' as const,
    column,
    remote: reference,
    isMatched: false,
  })),
]

/** The mapping that the rows are. Columns that were matched by keep their order; new ones come last. */
export function mappingOf(before: ObjectMappingItem, rows: readonly Row[]): ObjectMappingItem {
  const fields = rows.filter(({ kind }) => kind === 'field')
  const matched = fields.filter(({ isMatched }) => isMatched).map(({ column }) => column)
  return {
    object: before.object,
    table: before.table,
    fields: fields.map(({ column, remote }) => ({ column, field: remote })),
    references: rows
      .filter(({ kind }) => kind === 'reference')
      .map(({ column, remote }) => ({ column, reference: remote })),
    matchBy: [
      ...before.matchBy.filter((column) => matched.includes(column)),
      ...matched.filter((column) => !before.matchBy.includes(column)),
    ],
  }
}

/** What is wrong, by the row's key; the first thing of each. */
export function problemsOf(rows: readonly Row[], choices: Choices): ReadonlyMap<number, string> {
  return new Map(
    rows.flatMap((row) => {
      const problem = problemOf(row, rows, choices)
      return problem === null ? [] : [[row.key, problem]]
    }),
  )
}

function problemOf(row: Row, rows: readonly Row[], { table, columns, schema, objects, crm }: Choices): string | null {
  const { kind, column, remote } = row
  if (column === '') return 'Choose a column.'
  if (remote === '') return kind === 'field' ? 'Choose a field.' : 'Choose a reference.'
  const others = rows.filter(({ key }) => key !== row.key)
  if (others.some((other) => other.column === column)) return `${column} is mapped twice.`
  if (others.some((other) => other.kind === kind && other.remote === remote)) return `${remote} is mapped twice.`
  const here = columns.find((one) => one.column === column)
  if (here === undefined) return `The table ${table} has no column ${column}.`
  if (here.kinds.length === 0) return `${column} is a ${here.type}, which cannot be synced.`
  if (kind === 'reference') {
    const leads = schema.references.find(({ name }) => name === remote)
    if (leads === undefined) return `${crm} has no reference ${remote}.`
    return objects.includes(leads.object) ? null : `It leads to ${leads.object}, which is not synced.`
  }
  const field = schema.fields.find(({ name }) => name === remote)
  if (field === undefined) return `${crm} has no field ${remote}.`
  return here.kinds.includes(field.kind)
    ? null
    : `${field.label} holds values of the kind ${field.kind}, which ${column}, a ${here.type}, would change.`
}

/** Which way its values go: a field that only the CRM writes is never sent there. */
export const isInboundOnly = ({ kind, remote }: Row, { schema }: Choices): boolean =>
  kind === 'field' && schema.fields.some(({ name, readOnly }) => name === remote && readOnly)

export interface Difference {
  /** `title ↔ jobtitle`. */
  readonly added: readonly string[]
  readonly removed: readonly string[]
  /** Null where rows and records are matched as before. */
  readonly matchedBy: readonly string[] | null
}

export function differenceOf(before: ObjectMappingItem, after: ObjectMappingItem): Difference {
  const pairs = ({ fields, references }: ObjectMappingItem): string[] => [
    ...fields.map(({ column, field }) => `${column} ↔ ${field}`),
    ...references.map(({ column, reference }) => `${column} → ${reference}`),
  ]
  const [was, is] = [pairs(before), pairs(after)]
  return {
    added: is.filter((pair) => !was.includes(pair)),
    removed: was.filter((pair) => !is.includes(pair)),
    matchedBy: before.matchBy.join() === after.matchBy.join() ? null : after.matchBy,
  }
}

export const isSame = ({ added, removed, matchedBy }: Difference): boolean =>
  added.length === 0 && removed.length === 0 && matchedBy === null
