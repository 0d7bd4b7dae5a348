// What every handler works with, and who is calling. Built once in start.ts; nothing here has behaviour.
import type { EndpointId, Endpoints, PathParams, ResponseOf } from '@rowhouse/contracts'
import type { Fleet } from '@rowhouse/fleet'
import type { Organization as OrganizationHandle, Rowhouse } from 'rowhouse'
import type { z } from 'zod'
import type { Catalogue } from './catalogue/catalogue.ts'
import type { Copies } from './catalogue/copies.ts'
import type { ServerConfig } from './config/config.ts'
import type { Verifier } from './findings/verifier.ts'
import type { RolloutRunner } from './rollouts/runner.ts'
import type { Log } from './log/log.ts'
import type { Sync } from './sync.ts'
import type { SessionCookies } from './session/cookies.ts'
import type { SignIn } from './session/sign-in.ts'
import type { FailureLimit } from './auth/failure-limit.ts'

export type Actor =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'operator' }
  | { readonly kind: 'user'; readonly userId: string }

export interface Services {
  readonly config: ServerConfig
  /** How browsers and CRMs reach this server; known once it listens. */
  readonly publicUrl: () => string
  readonly catalogue: Catalogue
  /** What homes in other databases know of it. */
  readonly copies: Copies
  readonly rowhouse: Rowhouse
  readonly sync: Sync
  readonly fleet: Fleet
  readonly rollouts: RolloutRunner
  readonly cookies: SessionCookies
  /** Null when no identity provider is configured. */
  readonly signIn: SignIn | null
  readonly failures: FailureLimit
  readonly verifier: Verifier
  /** Origins that persons may connect as CRMs besides the providers' own. */
  readonly simulatedProviders: readonly string[]
  readonly log: Log
  readonly now: () => number
}

/** One request, after identity, access and validation. */
export interface Call<Id extends EndpointId> {
  readonly services: Services
  readonly actor: Actor
  readonly requestId: string
  readonly ip: string | null
  readonly params: PathParams<Endpoints[Id]>
  readonly query: QueryOutput<Endpoints[Id]>
  readonly body: BodyOutput<Endpoints[Id]>
  /** The organization of the path, entered as the caller in its home: the database itself refuses what is not theirs. */
  readonly organization: () => OrganizationHandle
  readonly setCookie: (cookie: string) => void
}

type QueryOutput<E> = E extends { query: infer Query extends z.ZodType } ? z.output<Query> : undefined
type BodyOutput<E> = E extends { body: infer Body extends z.ZodType } ? z.output<Body> : undefined

export type Handler<Id extends EndpointId> = (call: Call<Id>) => Promise<ResponseOf<Endpoints[Id]>>

/** One handler per endpoint: a missing one does not compile. */
export type Handlers = { readonly [Id in EndpointId]: Handler<Id> }
