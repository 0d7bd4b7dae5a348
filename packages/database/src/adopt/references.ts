// Foreign keys between adopted tables, with organization_id: added beside the old ones, validated, and then in their place.
import { RowhouseError } from '@rowhouse/contracts'
import { columnList, freeName, quote } from './names.ts'
import { indexStep, isIndexed } from './keys.ts'
import { statement } from './step.ts'
import type { Statement, Step } from './step.ts'
import type { Reference, Table } from './facts.ts'
import type { Source } from './fill.ts'

/** The column of each table that always equals organization_id, by oid. */
export type Mirrors = ReadonlyMap<number, string>

interface NewReference {
  readonly old: Reference
  readonly name: string
  readonly clause: string
  /** Of this table, organization_id first. */
  readonly columns: readonly string[]
  /** Of the target, opposite to `columns`. */
  readonly targetColumns: readonly string[]
}

const organizationAligned = ({ columns, targetColumns }: Reference): boolean =>
  columns.includes('organization_id') && columns.indexOf('organization_id') === targetColumns.indexOf('organization_id')

function newReferences(table: Table, adopted: ReadonlySet<number>, mirrors: Mirrors): NewReference[] {
  return table.references
    .filter((reference) => adopted.has(reference.target) || reference.targetIsProtected)
    .filter((reference) => !organizationAligned(reference))
    .map((reference) => ({
      old: reference,
      name: freeName(reference.name, 'organization', table.takenNames),
      ...compositeClause(table, reference, mirrors),
    }))
}

/** @throws RowhouseError adopt_key_unsupported */
function compositeClause(
  table: Table,
  reference: Reference,
  mirrors: Mirrors,
): Pick<NewReference, 'clause' | 'columns' | 'targetColumns'> {
  const names = (column: string, oid: number): boolean =>
    column === 'organization_id' || column === (mirrors.get(oid) ?? 'organization_id')
  const pairs = reference.columns.map((column, index) => [column, reference.targetColumns[index] as string] as const)
  const kept = pairs.filter(([column, target]) => !(names(column, table.oid) && names(target, reference.target)))
  if (kept.some(([column, target]) => names(column, table.oid) || names(target, reference.target)))
    throw new RowhouseError(
      'adopt_key_unsupported',
      `The foreign key ${reference.name} of ${table.qualified} pairs the organization with another column.`,
      { hint: 'Drop it; adopt; and add one whose organizations stand opposite each other.' },
    )
  const columns = kept.map(([column]) => column)
  // SET NULL of the whole key would null organization_id; SET NULL (columns) does not.
  const nulled = columns.filter(
    (column) => reference.onDeleteColumns.length === 0 || reference.onDeleteColumns.includes(column),
  )
  const onDelete = {
    c: ' on delete cascade',
    r: ' on delete restrict',
    n: ` on delete set null (${columnList(nulled)})`,
    d: ` on delete set default (${columnList(nulled)})`,
  }[reference.onDelete]
  const onUpdate = { c: ' on update cascade', r: ' on update restrict' }[reference.onUpdate]
  const deferral = reference.deferrable ? ` deferrable${reference.deferred ? ' initially deferred' : ''}` : ''
  const targetColumns = ['organization_id', ...kept.map(([, target]) => target)]
  const clause =
    `foreign key (${columnList(['organization_id', ...columns])}) references ${reference.targetName} ` +
    `(${columnList(targetColumns)})${onDelete ?? ''}${onUpdate ?? ''}${deferral}`
  return { clause, columns: ['organization_id', ...columns], targetColumns }
}

/** Without it the delete of one row reads the whole referring table; protect() would build it under its lock. */
export function indexReferences(table: Table, adopted: ReadonlySet<number>, mirrors: Mirrors): Step[] {
  const mirror = mirrors.get(table.oid) ?? null
  return newReferences(table, adopted, mirrors)
    .filter(({ columns }) => !isIndexed(table, mirror, columns))
    .map(({ columns, old }) => {
      const name = freeName(old.name, 'organization_idx', table.takenNames)
      return indexStep(
        table,
        name,
        `create index concurrently ${quote(name)} on ${table.qualified} (${columnList(columns)})`,
      )
    })
}

export function addReferences(
  table: Table,
  { expression }: Source,
  adopted: ReadonlySet<number>,
  mirrors: Mirrors,
): Step[] {
  const keyColumns = table.keys.find(({ isPrimary }) => isPrimary)?.columns ?? []
  return newReferences(table, adopted, mirrors).flatMap(({ old, name, clause, columns, targetColumns }): Step[] => {
    const drop = `alter table ${table.qualified} drop constraint if exists ${quote(name)}`
    return [
      {
        table: table.qualified,
        name: `reference ${name}`,
        mode: 'short',
        statements: [
          statement.noWrites(
            `alter table ${table.qualified} add constraint ${quote(name)} ${clause} not valid`,
            `${table.qualified} and ${old.targetName}`,
          ),
        ],
        undo: [drop],
      },
      {
        table: table.qualified,
        name: `validate ${name}`,
        mode: 'long',
        statements: [
          statement.scan(`alter table ${table.qualified} validate constraint ${quote(name)}`, table.qualified),
        ],
        undo: [],
        agreement: {
          alias: table.name,
          expression: expression?.sql ?? null,
          keyColumns,
          targetName: old.targetName,
          columns: columns.slice(1),
          targetColumns: targetColumns.slice(1),
        },
      },
    ]
  })
}

/** The old keys go, the new ones take their names. */
export function swapReferences(table: Table, adopted: ReadonlySet<number>, mirrors: Mirrors): Statement[] {
  return newReferences(table, adopted, mirrors).flatMap(({ old, name }) => [
    statement.exclusive(
      `alter table ${table.qualified} drop constraint ${quote(old.name)}`,
      `${table.qualified} and ${old.targetName}`,
    ),
    statement.exclusive(
      `alter table ${table.qualified} rename constraint ${quote(name)} to ${quote(old.name)}`,
      table.qualified,
    ),
  ])
}
