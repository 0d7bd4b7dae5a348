// What a policy costs on this table, as the planner estimates it from the statistics there are. Nothing is executed.
import { DatabaseError } from 'pg'
import type { ClientBase } from 'pg'
import type { Model } from '../model/model.ts'

/**
 * `plannedCost`: reading one tenant's rows through the policies; `plannedCostByTenant`: the same rows asked for by the
 * tenant column alone; `rows`: how many there are in all. In the planner's units. Null where it cannot be asked: another
 * role, a policy that fails to plan, no tenant column.
 */
export async function measureTable(
  client: ClientBase,
  oid: number,
  model: Model,
): Promise<Record<string, number> | null> {
  const table = model.tables.find((candidate) => candidate.oid === oid)
  const role = model.roles[0]
  if (table === undefined || table.att === null || role === undefined) return null
  await client.query('savepoint measure')
  try {
    const { rows } = await client.query<{ column: string; type: string; rows: number; role: string }>(
      `select quote_ident(a.attname) as column, format_type(a.atttypid, null) as type,
         greatest(c.reltuples, 0)::float8 as rows, quote_ident($3) as role
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum = $2 where c.oid = $1`,
      [oid, table.att, role.name],
    )
    const { column, type, rows: estimated, role: quotedRole } = rows[0] as (typeof rows)[0]
    const byTenant = await costOf(client, `select * from ${table.name} where ${column} = (select null::${type})`)
    await client.query(`set local role ${quotedRole}`)
    const plannedCost = await costOf(client, `select * from ${table.name}`)
    return { plannedCost, plannedCostByTenant: byTenant, rows: Math.round(estimated) }
  } catch (error) {
    if (error instanceof DatabaseError) return null
    throw error
  } finally {
    await client.query('rollback to savepoint measure; release savepoint measure')
  }
}

async function costOf(client: ClientBase, query: string): Promise<number> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
    `explain (format json) ${query}`,
  )
  return Math.round((rows[0] as (typeof rows)[0])['QUERY PLAN'][0].Plan['Total Cost'] * 10) / 10
}
