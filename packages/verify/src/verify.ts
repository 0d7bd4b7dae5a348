// One verification of a database by its URL: what the command and a script call.
import type { VerifyReport } from './report/report.ts'
import { verifyDatabase } from './verify-database.ts'
import type { VerifyDatabaseOptions } from './verify-database.ts'

export interface VerifyOptions extends VerifyDatabaseOptions {
  /** The database under test, as any login; it is read only. */
  readonly url: string
}

/**
 * `verifyDatabase(url, options)` with its options in one object.
 *
 * @example const { outcome, findings } = await verify({ url: process.env.DATABASE_URL })
 * @example await verify({ url, attack: { attackSeconds: 120, clone: { scratch: 'same-server' } } })
 * @throws RowhouseError database_unreachable, database_login_refused, postgres_too_old, invalid_option
 */
export const verify = ({ url, ...options }: VerifyOptions): Promise<VerifyReport> => verifyDatabase(url, options)
