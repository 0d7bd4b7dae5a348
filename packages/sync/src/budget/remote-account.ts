// Whose budget a call draws from: the account at the provider, whichever organizations are connected to it.
import type { RemoteAccount } from './budgets.ts'

export function remoteAccountOf(connection: {
  readonly connector: string
  readonly account: string
  readonly baseUrl: string
}): RemoteAccount {
  return { connector: connection.connector, account: `${connection.account}@${new URL(connection.baseUrl).origin}` }
}
