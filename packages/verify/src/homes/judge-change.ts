// What a transaction changes in a schema that many organizations share, judged by every rule before it is committed, as errors
// only. It answers for what it brings, not for what was there.
import type { ClientBase } from 'pg'

import type { Finding } from '../report/report.ts'
import { verifyDatabase } from '../verify-database.ts'
import { withProtectedTables } from './judge-homes.ts'
import type { JudgedHome } from './judge-homes.ts'

/**
 * Looks at the schema as it is, and gives what looks at it again: one line for each error that has come since.
 *
 * @param client inside an open transaction, which goes on as it was
 * @example
 * await client.query('begin')
 * const judge = await judgeChange(client, home)
 * await client.query(migration)
 * await client.query((await judge()).length > 0 ? 'rollback' : 'commit')
 */
export async function judgeChange(
  client: ClientBase,
  home: Pick<JudgedHome, 'schemaName'>,
): Promise<() => Promise<readonly string[]>> {
  const before = await look(client, home, [])
  const doubts = new Set(before.undecided)
  return async () => {
    const { errors, undecided } = await look(client, home, before.errors)
    return [
      ...errors.map(({ rule, object, message }) => `${rule} ${object}: ${message}`),
      ...undecided.filter((reason) => !doubts.has(reason)).map((reason) => `It could not be judged: ${reason}`),
    ]
  }
}

interface Look {
  readonly errors: readonly Finding[]
  readonly undecided: readonly string[]
}

async function look(
  client: ClientBase,
  home: Pick<JudgedHome, 'schemaName'>,
  before: readonly Finding[],
): Promise<Look> {
  const schemas = await withProtectedTables(client, [home])
  if (schemas.length === 0) return { errors: [], undecided: [] }
  const { findings, undecided } = await verifyDatabase(client, { schemas, before, failOn: 'error' })
  return { errors: findings.filter(({ severity }) => severity === 'error'), undecided }
}
