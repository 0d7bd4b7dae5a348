// When the application moves a row to another organization while its tables are adopted, the rows that refer to it go
// along, in its own transaction: their organization was taken from it, and the composite foreign key holds both together
// at the end. Each child asks its own expression again, so one whose organization is its own column stays where it is.
import { escapeLiteral } from 'pg'

import type { Table } from './facts.ts'
import type { Source } from './fill.ts'
import { quote } from './names.ts'
import { statement } from './step.ts'
import type { Statement, Step } from './step.ts'

/** Before the triggers of foreign keys, `RI_…`: they ask when the children are there already. */
const trigger = '!rowhouse_follow'
/** A tree that refers to itself could be deeper than the stack of the server; what is left, validation finds and mends. */
const DEPTH_MAX = 50

const functionName = (table: Table): string => `rowhouse_adopt.${quote(`follow_${table.oid}`)}`

/** One UPDATE a foreign key of each child that was filled by an expression. */
function childUpdates(table: Table, tables: readonly Table[], sourceOf: (table: Table) => Source): string[] {
  return tables.flatMap((child) => {
    const expression = sourceOf(child).expression
    if (expression === null) return []
    const alias = quote(child.name)
    return child.references
      .filter(({ target }) => target === table.oid)
      .map(({ columns, targetColumns }) => {
        const same = columns.map(
          (column, index) => `${alias}.${quote(column)} = new.${quote(targetColumns[index] as string)}`,
        )
        // A row that was not filled yet is left to the backfill.
        return `update only ${child.qualified} as ${alias} set organization_id = (${expression.sql})
    where ${same.join(' and ')} and ${alias}.organization_id <> (${expression.sql});`
      })
  })
}

/** After the columns are there, and before the first row is filled. */
export function followParents(table: Table, tables: readonly Table[], sourceOf: (table: Table) => Source): Step[] {
  const updates = childUpdates(table, tables, sourceOf)
  if (updates.length === 0) return []
  const body = `
#variable_conflict use_column
begin
  if pg_trigger_depth() > ${DEPTH_MAX} then
    return null;
  end if;
  ${updates.join('\n  ')}
  return null;
end`
  const create = `create trigger ${quote(trigger)} after update on ${table.qualified} for each row when (old.organization_id <> new.organization_id) execute function ${functionName(table)}()`
  return [
    {
      table: table.qualified,
      name: 'take children along',
      mode: 'short',
      statements: [
        statement.none(
          `create function ${functionName(table)}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp set row_security = off as ${escapeLiteral(body)}`,
        ),
        statement.none(`revoke all on function ${functionName(table)}() from public`),
        statement.noWrites(create, table.qualified),
        statement.noWrites(`alter table ${table.qualified} enable always trigger ${quote(trigger)}`, table.qualified),
      ],
      undo: dropFollow(table, tables, sourceOf).map(({ sql }) => sql),
    },
  ]
}

/** Gone before the first table is protected: from then on no statement moves a row. */
export function dropFollow(table: Table, tables: readonly Table[], sourceOf: (table: Table) => Source): Statement[] {
  if (childUpdates(table, tables, sourceOf).length === 0) return []
  return [
    statement.exclusive(`drop trigger if exists ${quote(trigger)} on ${table.qualified}`, table.qualified),
    statement.none(`drop function if exists ${functionName(table)}()`),
  ]
}
