// What is done about a refusal that came before the statement did anything: look again where the organization lives, wait
// for a copy that is on its way, read the database's time and keys anew. Everything is bounded; when it says no, the refusal
// is the answer.
import { setTimeout as delay } from 'node:timers/promises'

import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'

import type { Connection } from '../connection/connection.ts'
import type { Actor } from '../context.ts'
import { isStaleIdentity } from '../gateway.ts'
import { isCopied } from './placement.ts'
import type { Route, Router } from './router.ts'

const LOOKS_MAX = 3
const TOO_MANY_CONNECTIONS = '53300'
/** Each time a table changed between Parse and Bind; a rollout of several statements does it several times. */
const REPARSES_MAX = 3
const WAIT_MS_MIN = 25
const WAIT_MS_MAX = 400

/** What a home refuses when it has not heard yet of a person, a connection, or the organization itself. */
const unheard: ReadonlySet<string> = new Set([
  'not_a_member',
  'organization_not_found',
  'connection_not_found',
  'organization_suspended',
])

/** Refused before anything was asked of a server. */
const ours: ReadonlySet<string> = new Set([
  'closed',
  'pool_exhausted',
  'organization_busy',
  'too_many_waiting',
  'tls_required',
])

/** Whether it is worth asking; the cheap question for the many refusals that are final. */
export function mayRecover(refusal: RowhouseError, route: Route, isBeforeStatement: boolean): boolean {
  if (refusal.code === 'statement_forgotten') return true
  if (!isBeforeStatement) return false
  if (isStaleIdentity(refusal)) return true
  if (route.entrance === 'enter_catalogue') return false
  if (refusal.code === 'organization_moved' || refusal.code === 'copy_outdated') return true
  return isCopied(route.home) && unheard.has(refusal.code)
}

export class Recovery {
  readonly #router: Router
  readonly #actor: Actor
  readonly #copyWaitMs: number
  #looks = 0
  #reparses = 0
  #hasFreshIdentity = false
  #waitedMs = 0

  constructor(router: Router, actor: Actor) {
    this.#router = router
    this.#actor = actor
    this.#copyWaitMs = router.copyWaitMs
  }

  /** Gives the connection back, and says whether the same is worth trying again, by the way that the router then knows. */
  async after(refusal: RowhouseError, route: Route, connection: Connection): Promise<boolean> {
    const { gateway } = route
    if (isStaleIdentity(refusal)) {
      try {
        if (this.#hasFreshIdentity) return false
        this.#hasFreshIdentity = true
        await gateway.refresh(connection)
        return true
      } finally {
        gateway.pool.give(connection)
      }
    }
    gateway.pool.give(connection)
    if (refusal.code === 'statement_forgotten') {
      this.#reparses += 1
      return this.#reparses <= REPARSES_MAX
    }
    if (refusal.code === 'copy_outdated') return this.#wait()
    if (unheard.has(refusal.code)) return this.#isNewer(route)
    return this.#hasMoved(route)
  }

  /** The same where no connection could be had. Not for lack of a free one. */
  async afterConnect(error: unknown, route: Route): Promise<boolean> {
    if (route.home === null || !isRowhouseError(error) || isOurs(error)) return false
    this.#looks += 1
    if (this.#looks > LOOKS_MAX) return false
    try {
      return (await this.#router.find(this.#actor)).gateway !== route.gateway
    } catch {
      // What the home failed with says more than that the catalogue is down as well.
      return false
    }
  }

  /** What a refused connection means where it leads to a home. */
  explain(error: unknown, { home }: Route): unknown {
    if (home === null || !isRowhouseError(error) || isOurs(error)) return error
    const { cluster, database_name: database, login } = home
    const where = `${database === null ? 'the catalogue' : `database ${database}`} of cluster ${cluster}`
    const details = { organizationId: this.#actor.org, cluster, database, login }
    if (sqlstateOf(error) === TOO_MANY_CONNECTIONS && login !== null && / for role /.test(error.message)) {
      return new RowhouseError('organization_busy', `The login of ${where} has as many connections as it may.`, {
        details,
        hint: 'Try again in a moment; a plan says how many a login may have, over all processes.',
        cause: error,
      })
    }
    if (error.code === 'database_login_refused' || sqlstateOf(error) === '3D000') {
      return new RowhouseError('home_missing', `The organization is said to live in ${where}, and is not there.`, {
        details,
        cause: error,
      })
    }
    if (error.code !== 'database_unreachable') return error
    const what = sqlstateOf(error) === TOO_MANY_CONNECTIONS ? 'takes no more connections' : 'does not answer'
    return new RowhouseError('home_unreachable', `The home of the organization, ${where}, ${what}.`, {
      details,
      cause: error,
    })
  }

  async #hasMoved(route: Route): Promise<boolean> {
    this.#looks += 1
    if (this.#looks > LOOKS_MAX && this.#waitedMs === 0) return false
    const found = await this.#router.find(this.#actor)
    if (found.gateway !== route.gateway || found.entrance !== route.entrance) return true
    // The catalogue says that it lives there. A home that was told of later than the catalogue hears of it in a moment.
    return isCopied(route.home) ? this.#wait() : this.#looks === 1
  }

  async #isNewer(route: Route): Promise<boolean> {
    this.#looks += 1
    if (this.#looks > LOOKS_MAX) return false
    const found = await this.#router.find(this.#actor)
    return found.gateway !== route.gateway || (found.home?.version ?? 0) > (route.home?.version ?? 0)
  }

  async #wait(): Promise<boolean> {
    const ms = Math.min(WAIT_MS_MAX, Math.max(WAIT_MS_MIN, this.#waitedMs))
    if (this.#waitedMs + ms > this.#copyWaitMs) return false
    this.#waitedMs += ms
    await delay(ms)
    return true
  }
}

/** Refused by this side: closed, or no free connection. */
function isOurs({ code }: RowhouseError): boolean {
  return ours.has(code)
}

function sqlstateOf({ details }: RowhouseError): unknown {
  return details?.['sqlState']
}
