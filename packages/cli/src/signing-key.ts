// The key that logins and tokens follow from, for the commands that talk to a database. Apart from the rest of the environment:
// what judges it comes with the whole SQL layer, and commands that ask the API do without.
import { checkMasterKey } from '@rowhouse/database'
import { stackOf } from './environment.ts'

/**
 * `ROWHOUSE_SIGNING_KEY`, or the key of the development stack whose database requireUrl() gives.
 *
 * @throws RowhouseError signing_key_missing, signing_key_too_short
 */
export function requireSigningKey(environment: NodeJS.ProcessEnv): string {
  const key = stackOf(environment)?.signingKey ?? environment['ROWHOUSE_SIGNING_KEY'] ?? ''
  checkMasterKey(key)
  return key
}
