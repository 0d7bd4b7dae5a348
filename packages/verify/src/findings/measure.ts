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
  const settings = new Map<string, string>()
  for (;;) {
    await client.query('savepoint measure')
    try {
      return await measured(client, { oid, att: table.att, name: table.name, role: role.name, settings })
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      // A policy that reads a setting without saying that it may be missing cannot even be planned where nobody has set it.
      const missing = /^unrecognized configuration parameter "([^"]+)"/.exec(error.message)?.[1]
      if (missing === undefined || settings.has(missing) || settings.size >= SETTINGS_MAX) return null
      settings.set(missing, /claims|json/.test(missing) ? '{}' : '')
    } finally {
      await client.query('rollback to savepoint measure; release savepoint measure')
    }
  }
}

const SETTINGS_MAX = 8
/** What stands for one tenant where a policy wants some value of its setting. */
const nobodys: Readonly<Record<string, string>> = {
  uuid: '00000000-0000-0000-0000-000000000000',
  integer: '0',
  bigint: '0',
  smallint: '0',
}

interface Measured {
  readonly oid: number
  readonly att: number
  readonly name: string
  readonly role: string
  /** What policies read that nobody has set. */
  readonly settings: ReadonlyMap<string, string>
}

async function measured(
  client: ClientBase,
  { oid, att, name, role, settings }: Measured,
): Promise<Record<string, number>> {
  const { rows } = await client.query<{ column: string; type: string; rows: number; role: string }>(
    `select quote_ident(a.attname) as column, format_type(a.atttypid, null) as type,
       greatest(c.reltuples, 0)::float8 as rows, quote_ident($3) as role
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum = $2 where c.oid = $1`,
    [oid, att, role],
  )
  const { column, type, rows: estimated, role: quotedRole } = rows[0] as (typeof rows)[0]
  for (const [setting, value] of settings)
    await client.query('select set_config($1, $2, true)', [setting, value === '' ? (nobodys[type] ?? '') : value])
  const byTenant = await costOf(client, `select * from ${name} where ${column} = (select null::${type})`)
  await client.query(`set local role ${quotedRole}`)
  const plannedCost = await costOf(client, `select * from ${name}`)
  return { plannedCost, plannedCostByTenant: byTenant, rows: Math.round(estimated) }
}

async function costOf(client: ClientBase, query: string): Promise<number> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
    `explain (format json) ${query}`,
  )
  return Math.round((rows[0] as (typeof rows)[0])['QUERY PLAN'][0].Plan['Total Cost'] * 10) / 10
}
