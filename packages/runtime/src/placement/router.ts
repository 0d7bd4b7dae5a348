// Which way an organization's statements go. Nothing is asked for those that live in the catalogue's shared tables: they
// are tried there first, and a database refuses whoever lives elsewhere. Only then the catalogue is asked, and the answer
// remembered: bounded, told of changes by a cheap question every second, good for a stated time without the catalogue. Long because
// what is remembered of an organization, and who is told of it, is one thing.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'

import type { Connection, Step } from '../connection/connection.ts'
import type { Bounds, Counts } from '../connection/door.ts'
import { Pool } from '../connection/pool.ts'
import type { Actor } from '../context.ts'
import { Gateway, isStaleIdentity } from '../gateway.ts'
import type { Entrance } from '../gateway.ts'
import { Flusher } from '../measures/flusher.ts'
import type { Measures } from '../measures/measures.ts'
import type { ResolvedOptions, ResolvedPool } from '../options.ts'
import { fromOutcome, fromQuery } from '../postgres-error.ts'
import { mintToken } from '../token.ts'
import type { Outcome } from '../wire/batch.ts'
import { PLACEMENT, PLACEMENT_CHANGES, isShared, keyOf, targetOf } from './placement.ts'
import type { Limits, Placement } from './placement.ts'
import { STANDBY_HOMES, Standby, WARM_HOME } from './standby.ts'
import type { StandbyHome, StandbyOptions } from './standby.ts'

/** One way to one organization's rows. */
export interface Route {
  readonly gateway: Gateway
  readonly entrance: Entrance
  /** Null: the catalogue's database. */
  readonly home: Placement | null
  readonly bounds: Bounds
}

interface Remembered {
  readonly route: Route
  readonly learnedAtMs: number
  /** Something about the organization changed since. */
  isOutdated: boolean
}

/** Who asks for changes: rowhouse.placement_changes() knows this name. */
const RUNTIME: Actor = Object.freeze({
  org: null,
  kind: 'service',
  user: null,
  service: 'rowhouse runtime',
  connection: null,
  reason: null,
  origin: 'app',
  request: null,
  ip: null,
})

/** Who carries measures: rowhouse.record_measures() counts each batch of a process once. */
const asProcess = (process: string): Actor => ({ ...RUNTIME, request: process })
const RECORD_MEASURES = 'select to_json(rowhouse.record_measures($1, $2))::text as answer'
/** How long close() waits for the last batch. */
const LAST_FLUSH_MS = 1_000

/** What became of counting. */
export interface Measured {
  /** Statements that were not counted, because more organizations asked than there is room for between two flushes. */
  readonly dropped: number
  /** Attempts to carry what was counted to the catalogue that failed. */
  readonly failedFlushes: number
}

const unreachable: ReadonlySet<string> = new Set([
  'database_unreachable',
  'database_login_refused',
  'connection_lost',
  'pool_exhausted',
])

export class Router {
  /** The catalogue's shared tables. */
  readonly shared: Route
  /** What the catalogue knows of an organization, wherever its rows are. */
  readonly catalogue: Route
  readonly #options: ResolvedOptions
  readonly #main: Pool<Connection>
  readonly #servers = new Map<string, Pool<Connection>>()
  readonly #remembered = new Map<string, Remembered>()
  readonly #looking = new Map<string, Promise<Route>>()
  /** What was heard to change while it was being asked for: the answer that is on its way may be older. */
  readonly #changedMeanwhile = new Set<string>()
  /** Ways to databases that several organizations share, by key. */
  readonly #sharedGateways = new Map<string, Gateway>()
  readonly #flusher: Flusher | null
  readonly #standby: Standby | null
  #snapshot: string | null = null
  /** The first question after changes, for all who wait for it. */
  #beginning: Promise<void> | null = null
  #confirmedAtMs = 0
  #poller: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#main = new Pool(options.pool)
    const gateway = new Gateway(options, this.#main, { connectionString: options.url })
    const bounds = boundsOf(null, options.pool)
    this.shared = { gateway, entrance: 'enter', home: null, bounds }
    this.catalogue = { gateway, entrance: 'enter_catalogue', home: null, bounds }
    const { standby } = options.placement
    this.#standby =
      standby === 0
        ? null
        : new Standby({
            homes: async () => (await this.#question(RUNTIME, STANDBY_HOMES, [standby])) as readonly StandbyHome[],
            open: (home) => this.#openStandby(home),
            keyOf,
            now: options.now,
          })
    const { flushMs } = options.measures
    this.#flusher =
      flushMs === 0
        ? null
        : new Flusher({
            flushMs,
            send: async (process, batch) => {
              await this.#question(asProcess(process), RECORD_MEASURES, [batch])
            },
            sendNow: (process, batch) => this.#sendNow(asProcess(process), RECORD_MEASURES, batch),
          })
  }

  /** Where statements are counted; null where they are not. */
  get measures(): Measures | null {
    return this.#flusher?.measures ?? null
  }

  /** What became of counting since the process began. */
  get measured(): Measured {
    return { dropped: this.#flusher?.measures.dropped ?? 0, failedFlushes: this.#flusher?.failures ?? 0 }
  }

  /** Carries what was counted to the catalogue now. Never rejects. */
  flushMeasures(): Promise<void> {
    return this.#flusher?.flush() ?? Promise.resolve()
  }

  /** How long a home may take to hear what the catalogue knows. */
  get copyWaitMs(): number {
    return this.#options.placement.copyWaitMs
  }

  /** Over all servers. */
  get counts(): Counts {
    const all = [this.#main, ...this.#servers.values()].map((pool) => pool.counts)
    const sum = (of: keyof Counts): number => all.reduce((total, counts) => total + counts[of], 0)
    return { idle: sum('idle'), busy: sum('busy'), opening: sum('opening'), waiting: sum('waiting') }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    // Takes a connection before the pools hand out none.
    const flushed = this.#flusher?.close(LAST_FLUSH_MS)
    if (this.#poller !== null) clearTimeout(this.#poller)
    await Promise.all([this.#main, ...this.#servers.values()].map((pool) => pool.close()))
    await flushed
  }

  /** The way that is known, or null where the catalogue must be asked first: then `find` is the way. */
  current(actor: Actor): Route | null {
    const organization = actor.org
    if (organization === null) return this.shared
    const known = this.#remembered.get(organization)
    if (known === undefined) {
      // What its plan allows is of no account to one query at a time.
      if (this.#main.heldBy(organization) > 0) this.#learn(organization, actor)
      return this.shared
    }
    const isGood = !known.isOutdated && this.#isGood(known)
    if (known.route.home !== null && !isGood) return null
    if (!isGood) this.#learn(organization, actor)
    if (this.#remembered.size > this.#options.placement.rememberedMax / 2) {
      this.#remembered.delete(organization)
      this.#remembered.set(organization, known)
    }
    return known.route
  }

  /** Asks what an organization that shares tables may have, beside its queries: they wait for nothing. */
  #learn(organization: string, actor: Actor): void {
    if (this.#looking.has(organization)) return
    // Where nobody answers, the bound stays as it was, and the next query asks again.
    this.#look(organization, actor).catch(() => {})
  }

  /**
   * Asks the catalogue. Where it does not answer, a way that is known goes on for `placement.staleMaxMs`.
   *
   * @throws RowhouseError catalogue_unreachable, organization_not_found, tls_required
   */
  async find(actor: Actor): Promise<Route> {
    const organization = actor.org
    if (organization === null) return this.shared
    const known = this.#remembered.get(organization)
    try {
      return await this.#look(organization, actor)
    } catch (error) {
      if (!isRowhouseError(error) || !unreachable.has(error.code)) throw error
      if (known !== undefined && this.#isGood(known)) return known.route
      throw new RowhouseError(
        'catalogue_unreachable',
        `Where organization ${organization} lives is not known, and the catalogue does not answer: ${error.message}`,
        { details: { organizationId: organization }, cause: error },
      )
    }
  }

  #isGood({ learnedAtMs }: Remembered): boolean {
    const confirmedAtMs = Math.max(learnedAtMs, this.#confirmedAtMs)
    return this.#options.now() - confirmedAtMs <= this.#options.placement.staleMaxMs
  }

  /** Once for all who ask at the same time. */
  #look(organization: string, actor: Actor): Promise<Route> {
    const under = this.#looking.get(organization)
    if (under !== undefined) return under
    const looking = this.#ask(organization, actor).finally(() => {
      this.#looking.delete(organization)
      this.#changedMeanwhile.delete(organization)
    })
    this.#looking.set(organization, looking)
    return looking
  }

  async #ask(organization: string, actor: Actor): Promise<Route> {
    // Before the answer, so that no change between the two goes unnoticed.
    if (this.#snapshot === null) await (this.#beginning ??= this.#hear().finally(() => (this.#beginning = null)))
    const learnedAtMs = this.#options.now()
    this.#changedMeanwhile.delete(organization)
    let placement: Placement
    try {
      placement = (await this.#question(actor, PLACEMENT, [])) as Placement
    } catch (error) {
      if (isRowhouseError(error) && error.code === 'organization_not_found') this.#forget(organization)
      throw error
    }
    const former = this.#remembered.get(organization)?.route
    const pool = this.#poolOf(placement)
    const early = placement.login === null ? undefined : await this.#standby?.adopt(keyOf(placement))
    const route = isShared(placement)
      ? { ...this.shared, bounds: boundsOf(placement.limits, this.#options.pool) }
      : this.#routeTo(placement, pool, former, early)
    if (placement.login !== null && !this.#isClosed) this.#standby?.refill()
    if (former !== undefined && former.gateway !== route.gateway) this.#forget(organization)
    this.#remembered.delete(organization)
    const isOutdated = this.#changedMeanwhile.has(organization)
    this.#remembered.set(organization, { route, learnedAtMs, isOutdated })
    if (this.#remembered.size > this.#options.placement.rememberedMax) {
      const [oldest] = this.#remembered.keys()
      if (oldest !== undefined) this.#forget(oldest)
    }
    return route
  }

  #forget(organization: string): void {
    const route = this.#remembered.get(organization)?.route
    this.#remembered.delete(organization)
    // The way to shared tables is others' as well.
    if (route !== undefined && route.home !== null && route.home.login !== null)
      route.gateway.pool.forget(route.gateway)
  }

  #routeTo(placement: Placement, pool: Pool<Connection>, former: Route | undefined, early?: Gateway): Route {
    const gateway = early ?? this.#gatewayTo(placement, pool, former)
    // Its connections are this organization's alone, so how long they rest is for its plan to say.
    if (placement.login !== null) gateway.keep(placement.limits)
    return { gateway, entrance: 'enter_home', home: placement, bounds: boundsOf(placement.limits, this.#options.pool) }
  }

  #gatewayTo(placement: Placement, pool: Pool<Connection>, former: Route | undefined): Gateway {
    const key = keyOf(placement)
    if (former?.home && keyOf(former.home) === key) return former.gateway
    const open = (): Gateway =>
      new Gateway(this.#options, pool, targetOf(placement, this.#options.url, this.#options.signingKey))
    if (placement.login !== null) return open()
    let gateway = this.#sharedGateways.get(key)
    if (gateway === undefined) {
      gateway = open()
      this.#sharedGateways.set(key, gateway)
    }
    return gateway
  }

  /** As the login of a home that nobody lives in yet: it finds nothing there, and the organization to come finds it open. */
  #openStandby(home: StandbyHome): ReturnType<StandbyOptions['open']> {
    const pool = this.#poolOf(home)
    const gateway = new Gateway(this.#options, pool, targetOf(home, this.#options.url, this.#options.signingKey))
    gateway.min = 1
    const token = (): string => mintToken({ ...RUNTIME, org: home.id }, gateway.identity, gateway.nowMs, 0)
    const prepare = async (connection: Connection): Promise<void> => {
      const { status } = await new Promise<Outcome>((resolve) => {
        connection.run(null, [{ text: WARM_HOME, values: [token()] }], resolve)
      })
      // Nobody has worked by it: what the first one does comes after no one else's.
      connection.organization = undefined
      if (status !== 'I') connection.destroy()
    }
    return { gateway, opened: pool.warm(gateway, prepare) }
  }

  #poolOf({
    cluster,
    host,
    cluster_connections_max,
  }: Pick<Placement, 'cluster' | 'host' | 'cluster_connections_max'>): Pool<Connection> {
    let pool = host === null ? this.#main : this.#servers.get(cluster)
    if (pool === undefined) {
      pool = new Pool(this.#options.pool)
      this.#servers.set(cluster, pool)
    }
    pool.bound(cluster_connections_max)
    return pool
  }

  /** Learns what changed, and goes on asking. Does nothing else, so an answer that does not come delays no query. */
  async #hear(): Promise<void> {
    if (this.#poller !== null) clearTimeout(this.#poller)
    const askedAtMs = this.#options.now()
    try {
      const { snapshot, organization_ids: changed } = (await this.#question(RUNTIME, PLACEMENT_CHANGES, [
        this.#snapshot,
      ])) as { readonly snapshot: string; readonly organization_ids: readonly string[] | null }
      for (const id of changed ?? [...this.#remembered.keys(), ...this.#looking.keys()]) {
        const known = this.#remembered.get(id)
        if (known !== undefined) known.isOutdated = true
        if (this.#looking.has(id)) this.#changedMeanwhile.add(id)
      }
      this.#snapshot = snapshot
      this.#confirmedAtMs = askedAtMs
    } finally {
      if (!this.#isClosed) {
        this.#poller = setTimeout(() => {
          this.#hear().catch(() => {})
        }, this.#options.placement.pollMs)
        this.#poller.unref()
      }
    }
  }

  /** Sends over a connection that is idle now; null where there is none. */
  #sendNow(actor: Actor, text: string, value: string): Promise<void> | null {
    const { gateway } = this.shared
    const connection = gateway.pool.tryTake(gateway, null)
    if (connection === undefined) return null
    return new Promise((resolve) => {
      const late = setTimeout(() => connection.destroy(), LAST_FLUSH_MS)
      const settle = (): void => {
        clearTimeout(late)
        gateway.pool.give(connection)
        resolve()
      }
      try {
        const token = mintToken(actor, gateway.identity, gateway.nowMs)
        connection.run(null, [{ text, values: [token, value] }], ({ status }) => {
          if (status !== 'I') connection.destroy()
          settle()
        })
      } catch {
        connection.destroy()
        settle()
      }
    })
  }

  /** Asks the catalogue with a token, outside any organization; the answer is one JSON value. */
  async #question(actor: Actor, text: string, values: readonly unknown[], retry = true): Promise<unknown> {
    const { gateway } = this.shared
    const connection = await gateway.pool.take(gateway, null)
    let outcome: Outcome
    let refusal: RowhouseError | null = null
    try {
      const step: Step = { text, values: [mintToken(actor, gateway.identity, gateway.nowMs), ...values] }
      // Where the other end is gone without a word, no answer would ever come: not to this question, nor to the next one.
      const late = setTimeout(() => connection.destroy(), this.#options.placement.answerMs)
      outcome = await new Promise<Outcome>((resolve) => {
        connection.run(null, [step], resolve)
      }).finally(() => clearTimeout(late))
      if (outcome.error !== null) refusal = fromOutcome(outcome)
      if (outcome.status !== 'I') connection.destroy()
      if (retry && refusal !== null && isStaleIdentity(refusal) && !connection.broken) await gateway.refresh(connection)
    } catch (error) {
      connection.destroy()
      throw fromQuery(error)
    } finally {
      gateway.pool.give(connection)
    }
    if (refusal === null) return JSON.parse((outcome.result.rows[0] as { answer: string }).answer)
    if (retry && (isStaleIdentity(refusal) || refusal.code === 'statement_forgotten')) {
      return this.#question(actor, text, values, false)
    }
    throw refusal
  }
}

/** What plan and organization say, within what the options of this process say. */
function boundsOf(limits: Limits | null, pool: ResolvedPool): Bounds {
  const { connections = pool.organizationMax, concurrency = pool.organizationMax } = limits ?? {}
  return {
    share: Math.min(connections, concurrency, pool.organizationMax),
    acquireTimeoutMs: limits?.acquireTimeoutMs ?? pool.acquireTimeoutMs,
  }
}
