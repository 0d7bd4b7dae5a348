// Says why a connection failed, without the password.
import { DatabaseError } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'

const refusedLogin = new Set(['28000', '28P01', '3D000', '42501'])

export function connectionError(error: unknown, url: string): RowhouseError {
  const where = URL.canParse(url) ? new URL(url).host + new URL(url).pathname : 'the given URL'
  const reason = error instanceof Error && error.message !== '' ? error.message : String(error)
  const refused = error instanceof DatabaseError && refusedLogin.has(error.code ?? '')
  return new RowhouseError(
    refused ? 'database_login_refused' : 'database_unreachable',
    `${refused ? 'Login refused' : 'No answer'} at ${where}: ${reason}`,
    { cause: error },
  )
}
