// Everything the two simulated CRMs share, put together once by sandbox.ts and passed down. Owns no
// behaviour. A CRM's own state (portals, organizations) lives in that CRM's folder.
import type { HttpBindings } from '@hono/node-server'
import type { Chaos } from './chaos/chaos.ts'
import type { RequestLog } from './http/request-log.ts'
import type { Account } from './oauth/account.ts'
import type { Accounts } from './oauth/accounts.ts'
import type { Token, Tokens } from './oauth/tokens.ts'
import type { ResolvedOptions, Sleep } from './options.ts'
import type { Seeded } from './store/seeded.ts'
import type { Store } from './store/store.ts'

export interface World {
  readonly options: ResolvedOptions
  readonly now: () => number
  readonly sleep: Sleep
  readonly log: (line: string) => void
  readonly seeded: Seeded
  readonly store: Store
  readonly accounts: Accounts
  readonly tokens: Tokens
  readonly chaos: Chaos
  readonly requests: RequestLog
  /** Aborted when the sandbox closes: nothing may wait longer. */
  readonly signal: AbortSignal
  /** Base URL of the running server, without a slash at the end. */
  readonly origin: () => string
}

/** Who a request acts for, found from its access token. */
export interface Caller {
  readonly account: Account
  readonly token: Token
}

export interface Env {
  Bindings: HttpBindings
  Variables: {
    caller: Caller
    /** Records this request has written so far, for the request log. */
    written: number
  }
}
