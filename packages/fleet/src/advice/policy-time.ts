// What policies cost the organization, measured: the same bounded read as the organization, held by its policies, and as
// the login that they do not hold, with the condition written by hand. What is left is the policies' time. At most a thousand
// rows of the largest tables, each within half a second: a policy that cannot use an index would otherwise read the table.
import type { ClientBase } from 'pg'
import type { Organization, QueryResult } from 'rowhouse'

import { isRowhouseError } from '@rowhouse/contracts'

export const TABLES_MAX = 5
export const ROWS_MAX = 1_000
export const TIMEOUT_MS = 500
/** Of which the quickest counts: what else the machine did is no policy's. */
const ROUNDS = 3

export interface PolicyTime {
  readonly ms: number
  /** The table that it was measured at; null where there is none. */
  readonly table: string | null
  readonly tables: number
  /** It did not end within the bound. */
  readonly isCut: boolean
}

interface Plan {
  readonly 'Planning Time': number
  readonly 'Execution Time': number
}

const EXPLAIN = 'explain (analyze, costs off, timing off, format json)'

/**
 * @param organization entered as an operator, in its home
 * @param client as rowhouse_migrator, in the same database
 * @param tables as SQL names them, largest first
 */
export async function measurePolicies(
  organization: Organization,
  client: ClientBase,
  organizationId: string,
  tables: readonly string[],
): Promise<PolicyTime> {
  let worst: PolicyTime = { ms: 0, table: null, tables: 0, isCut: false }
  for (const table of tables.slice(0, TABLES_MAX)) {
    const bare = await timeBare(client, table, organizationId)
    const held = bare === null ? null : await timeHeld(organization, table)
    const measured = { tables: worst.tables + 1 }
    if (bare === null || held === null) continue
    const isCut = held === 'cut'
    const ms = Math.max(0, (isCut ? TIMEOUT_MS : held) - bare)
    worst = ms > worst.ms || worst.table === null ? { ...measured, ms, table, isCut } : { ...worst, ...measured }
  }
  return worst
}

/** Null where the table could not be read so. */
async function timeBare(client: ClientBase, table: string, organizationId: string): Promise<number | null> {
  await client.query('begin read only')
  try {
    await client.query(`set local statement_timeout = ${TIMEOUT_MS}`)
    await client.query('set local row_security = off')
    let best: number | null = null
    for (let round = 0; round < ROUNDS; round += 1) {
      const result = await client.query(
        `${EXPLAIN} select from ${table} where organization_id = $1 limit ${ROWS_MAX}`,
        [organizationId],
      )
      best = Math.min(best ?? Number.POSITIVE_INFINITY, timeOf(result as QueryResult))
    }
    return best
  } catch {
    return null
  } finally {
    await client.query('rollback')
  }
}

async function timeHeld(organization: Organization, table: string): Promise<number | 'cut' | null> {
  try {
    return await organization.transaction(
      async (tx) => {
        await tx.query(`set local statement_timeout = ${TIMEOUT_MS}`)
        let best = Number.POSITIVE_INFINITY
        for (let round = 0; round < ROUNDS; round += 1) {
          best = Math.min(best, timeOf(await tx.query(`${EXPLAIN} select from ${table} limit ${ROWS_MAX}`)))
        }
        return best
      },
      { readOnly: true },
    )
  } catch (error) {
    return isRowhouseError(error) && error.code === 'statement_timeout' ? 'cut' : null
  }
}

/** EXPLAIN answers one row with one column of JSON, which pg parses where nobody told it otherwise. */
function timeOf({ rows }: Pick<QueryResult, 'rows'>): number {
  const answer = Object.values(rows[0] as object)[0] as string | readonly Plan[]
  const [plan] = typeof answer === 'string' ? (JSON.parse(answer) as readonly Plan[]) : answer
  return (plan?.['Planning Time'] ?? 0) + (plan?.['Execution Time'] ?? 0)
}
