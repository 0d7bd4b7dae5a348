// Statements of commands that run as rowhouse_migrator, and what their refusals are called.
import { RowhouseError } from '@rowhouse/contracts'
import { errorCodeOf, loginUrl } from '@rowhouse/database'
import { Client, DatabaseError } from 'pg'
import { requireUrl } from './environment.ts'
import { requireSigningKey } from './signing-key.ts'

/**
 * Runs one statement on the database of ROWHOUSE_URL, as the login that migrates.
 *
 * @throws RowhouseError database_unreachable, database_login_refused, the code of a refusal by Rowhouse's SQL, query_failed
 */
export function asMigrator<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
  return withMigrator(async (client) => (await client.query<Row>(text, [...values])).rows)
}

/** The same for several statements. @throws as asMigrator() */
export async function withMigrator<Result>(use: (client: Client) => Promise<Result>): Promise<Result> {
  const connectionString = loginUrl(requireUrl(process.env), 'rowhouse_migrator', requireSigningKey(process.env))
  const client = new Client({ connectionString, connectionTimeoutMillis: 10_000 })
  try {
    await client.connect()
  } catch (cause) {
    const refused = cause instanceof DatabaseError && cause.code?.startsWith('28') === true
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RowhouseError(
      refused ? 'database_login_refused' : 'database_unreachable',
      `rowhouse_migrator cannot log in: ${reason}`,
      { cause, ...(refused && { hint: 'Run rowhouse install with this signing key.' }) },
    )
  }
  try {
    return await use(client)
  } catch (cause) {
    if (!(cause instanceof DatabaseError)) throw cause
    throw new RowhouseError(errorCodeOf(cause.code) ?? 'query_failed', cause.message, {
      cause,
      ...(cause.hint !== undefined && { hint: cause.hint }),
    })
  } finally {
    await client.end()
  }
}
