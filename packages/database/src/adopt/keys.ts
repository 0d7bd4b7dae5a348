// The key of each kind, with organization_id first: what is built beside the old one, and how the two change places.
import { columnList, freeName, quote } from './names.ts'
import { statement } from './step.ts'
import type { Statement, Step } from './step.ts'
import type { Key, Table, UniqueIndex } from './facts.ts'

/** organization_id first, and no more the column that always equals it. */
export function rekey(columns: readonly string[], mirror: string | null): string[] {
  return ['organization_id', ...columns.filter((column) => column !== 'organization_id' && column !== mirror)]
}

const needsOrganization = (columns: readonly string[]): boolean => columns[0] !== 'organization_id'

const same = (one: readonly string[], other: readonly string[]): boolean => one.join('\0') === other.join('\0')

interface NewKey {
  readonly key: Key
  readonly columns: readonly string[]
  readonly index: string
}

/** Keys to build. One that comes out as the primary key is left out: it would say the same twice. */
function newKeys(table: Table, mirror: string | null): NewKey[] {
  const primary = table.keys.find(({ isPrimary }) => isPrimary)
  const primaryColumns = rekey(primary?.columns ?? [], mirror)
  return table.keys
    .filter((key) => needsOrganization(key.columns))
    .map((key) => ({
      key,
      columns: rekey(key.columns, mirror),
      index: freeName(key.name, 'organization', table.takenNames),
    }))
    .filter(({ key, columns }) => key.isPrimary || !same(columns, primaryColumns))
}

const newIndexes = (table: Table): { index: UniqueIndex; name: string }[] =>
  table.indexes
    .filter(({ first }) => needsOrganization(first))
    .map((index) => ({ index, name: freeName(index.name, 'organization', table.takenNames) }))

/** Builds one index concurrently. */
export function indexStep(table: Table, name: string, sql: string): Step {
  return {
    table: table.qualified,
    name: `index ${name}`,
    mode: 'index',
    statements: [statement.concurrent(sql, table.qualified)],
    undo: [`drop index concurrently if exists ${quote(table.schema)}.${quote(name)}`],
    index: { schema: table.schema, name },
  }
}

/** Whether an index that is there, or will be, begins with these columns in any order. */
export function isIndexed(table: Table, mirror: string | null, columns: readonly string[]): boolean {
  const wanted = columns.toSorted().join('\0')
  return [...table.indexed, ...table.keys.map((key) => rekey(key.columns, mirror))].some(
    (index) => index.slice(0, columns.length).toSorted().join('\0') === wanted,
  )
}

/** One step an index; nothing of the old keys is touched. */
export function buildIndexes(table: Table, mirror: string | null): Step[] {
  return [
    ...newKeys(table, mirror).map(({ key, columns, index }) =>
      indexStep(
        table,
        index,
        `create unique index concurrently ${quote(index)} on ${table.qualified} (${columnList(columns)})${
          key.included.length > 0 ? ` include (${columnList(key.included)})` : ''
        }${key.nullsNotDistinct ? ' nulls not distinct' : ''}`,
      ),
    ),
    ...newIndexes(table).map(({ index, name }) =>
      indexStep(
        table,
        name,
        `create unique index concurrently ${quote(name)} ${index.on}organization_id, ${index.definition.slice(index.head.length)}`,
      ),
    ),
  ]
}

/** The old keys go, the new ones take their names: changes of the catalogue only. */
export function swapKeys(table: Table, mirror: string | null): Statement[] {
  const alter = (clause: string): Statement =>
    statement.exclusive(`alter table ${table.qualified} ${clause}`, table.qualified)
  const built = newKeys(table, mirror)
  const doubled = table.keys.filter(
    (key) => needsOrganization(key.columns) && !built.some((other) => other.key === key),
  )
  return [
    ...doubled.map((key) => alter(`drop constraint ${quote(key.name)}`)),
    ...built.map(({ key, index }) =>
      alter(
        `drop constraint ${quote(key.name)}, add constraint ${quote(key.name)} ${key.isPrimary ? 'primary key' : 'unique'} using index ${quote(index)}${
          key.deferrable ? ` deferrable${key.deferred ? ' initially deferred' : ''}` : ''
        }`,
      ),
    ),
    ...newIndexes(table).flatMap(({ index, name }) => [
      statement.exclusive(`drop index ${quote(table.schema)}.${quote(index.name)}`, table.qualified),
      statement.exclusive(
        `alter index ${quote(table.schema)}.${quote(name)} rename to ${quote(index.name)}`,
        `the index ${name}`,
      ),
    ]),
    ...(table.identity === 'i' && table.identityIndex !== null
      ? [alter(`replica identity using index ${table.identityIndex}`)]
      : []),
  ]
}
