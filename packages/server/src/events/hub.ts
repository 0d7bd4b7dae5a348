// Watches the catalogue for whoever listens, and only while somebody does. It asks cheap questions at a
// fixed pace ("which organizations changed?") and lets each subscriber read for itself; it never passes
// one organization's rows from one subscriber to another.
import { RowhouseError } from '@rowhouse/contracts'
import type { Connection, Organization, Rollout } from '@rowhouse/contracts'
import { rolloutStatusSql } from '@rowhouse/fleet'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { changedAlerts } from '../measures/read-alerts.ts'
import type { Sync } from '../sync.ts'
import type { Subscriber } from './subscriber.ts'

const tickMs = 250
/** Organizations' own rows change rarely. */
const organizationTicks = 4
/** A removed member's stream ends within this, well below ten seconds. */
const refreshTicks = 20
const heartbeatTicks = 60
/** Two transactions may commit in another order than their timestamps; the first look shows this much too. */
const overlapMs = 30_000
const changedMax = 200
const alertsMax = 1000

const subscribersMax = 500

export interface HubOptions {
  readonly catalogue: Catalogue
  readonly sync: Pick<Sync, 'events'>
  readonly readOrganization: (
    id: string,
  ) => Promise<{ readonly organization: Organization; readonly connections: readonly Connection[] }>
  readonly onError: (error: unknown) => void
}

interface Listening {
  readonly subscriber: Subscriber
  readonly heartbeat: () => void
}

export class EventHub {
  readonly #options: HubOptions
  readonly #listening = new Set<Listening>()
  #timer: NodeJS.Timeout | null = null
  #unsubscribe: (() => void) | null = null
  #running = false
  #closed = false
  #ticks = 0
  #snapshot: string | null = null
  #rollout: string | null = null
  #organizations: { readonly sinceMs: number; readonly seen: Map<string, number> } | null = null
  /** By id, when each alert last changed, of those that changed lately. */
  #alerts: ReadonlyMap<string, number> | null = null

  constructor(options: HubOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#listening.size
  }

  /** @throws RowhouseError rate_limited, server_stopping */
  requireRoom(): void {
    if (this.#closed) throw new RowhouseError('server_stopping')
    if (this.size >= subscribersMax) {
      throw new RowhouseError('rate_limited', 'Too many live streams are open.', { details: { retryAfterS: 5 } })
    }
  }

  /** @returns the way to leave @throws as requireRoom */
  join(subscriber: Subscriber, heartbeat: () => void): () => void {
    this.requireRoom()
    const listening = { subscriber, heartbeat }
    this.#listening.add(listening)
    this.#timer ??= setInterval(() => {
      this.#tick().catch(this.#options.onError)
    }, tickMs)
    this.#unsubscribe ??= this.#options.sync.events.subscribe((connection) => {
      for (const { subscriber } of this.#listening) subscriber.showConnection(connection)
    })
    return () => {
      this.#listening.delete(listening)
      if (this.#listening.size === 0) this.#rest()
    }
  }

  /** Ends every stream and takes no more. */
  close(): void {
    this.#closed = true
    for (const { subscriber } of this.#listening) subscriber.end()
    this.#listening.clear()
    this.#rest()
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#unsubscribe?.()
    this.#timer = null
    this.#unsubscribe = null
    this.#snapshot = null
    this.#organizations = null
    this.#alerts = null
    this.#rollout = null
  }

  async #tick(): Promise<void> {
    if (this.#running) return
    this.#running = true
    try {
      this.#ticks += 1
      const listening = [...this.#listening].filter(({ subscriber }) => subscriber.isOpen)
      if (this.#ticks % heartbeatTicks === 0) for (const { heartbeat } of listening) heartbeat()
      if (this.#ticks % refreshTicks === 0) await Promise.all(listening.map(({ subscriber }) => subscriber.refresh()))
      if (this.#ticks % organizationTicks === 0) {
        await this.#showOrganizations()
        await this.#showAlerts()
        await this.#showRollout(listening)
      }
      const changed = await this.#changedOrganizations(listening)
      await Promise.all(
        listening.map(({ subscriber }) => subscriber.showActivity(changed.has(subscriber.organizationId ?? ''))),
      )
    } finally {
      this.#running = false
    }
  }

  async #changedOrganizations(listening: readonly Listening[]): Promise<ReadonlySet<string>> {
    if (!listening.some(({ subscriber }) => subscriber.organizationId !== null)) {
      this.#snapshot = null
      return new Set()
    }
    const rows = await this.#options.catalogue.query<{ snapshot: string; organization_ids: string[] }>(
      this.#snapshot === null
        ? // What came before is read by each subscriber's own first look.
          `select pg_current_snapshot()::text as snapshot, '{}'::uuid[] as organization_ids where $1::text is null`
        : 'select snapshot::text, organization_ids from rowhouse.changed_organizations($1::pg_snapshot)',
      [this.#snapshot],
    )
    this.#snapshot = rows[0]?.snapshot ?? null
    // The catalogue does not see what changes in another database: there each one that listens looks for itself.
    const elsewhere = await this.#options.catalogue.query<{ id: string }>(
      `select p.organization_id as id from rowhouse.placements p
      where p.organization_id = any ($1::uuid[]) and p.database_name is not null`,
      [listening.flatMap(({ subscriber }) => subscriber.organizationId ?? [])],
    )
    return new Set([...(rows[0]?.organization_ids ?? []), ...elsewhere.map(({ id }) => id)])
  }

  /** The last rollout, whenever something of it has changed. */
  async #showRollout(listening: readonly Listening[]): Promise<void> {
    if (!listening.some(({ subscriber }) => subscriber.seesRollouts)) {
      this.#rollout = null
      return
    }
    const [rollout] = await this.#options.catalogue.query<Rollout>(
      `${rolloutStatusSql} order by r.started_at desc limit 1`,
    )
    const text = JSON.stringify(rollout ?? null)
    if (rollout === undefined || text === this.#rollout) return
    this.#rollout = text
    for (const { subscriber } of listening) subscriber.showRollout(rollout)
  }

  async #showOrganizations(): Promise<void> {
    const rows = await this.#options.catalogue.query<{ id: string; at_ms: number; now_ms: number }>(
      `select o.id, (extract(epoch from o.updated_at) * 1000)::float8 as at_ms, n.now_ms
      from (select (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms) n
      left join lateral (
        select * from rowhouse.organizations o
        where o.updated_at > to_timestamp(coalesce($1::float8, n.now_ms) / 1000) - make_interval(secs => $2::float8 / 1000)
        order by o.updated_at limit $3
      ) o on true`,
      [this.#organizations?.sinceMs ?? null, overlapMs, changedMax],
    )
    const before = this.#organizations
    const found = rows.filter(({ id }) => id !== null)
    this.#organizations = {
      // A full page goes on where it ended; else what is newer than now comes next time.
      sinceMs: found.length === changedMax ? (found.at(-1)?.at_ms ?? 0) + overlapMs : (rows[0]?.now_ms ?? 0),
      seen: new Map(found.map(({ id, at_ms }) => [id, at_ms])),
    }
    for (const { id } of found.filter(({ id, at_ms }) => before?.seen.get(id) !== at_ms)) {
      const { organization, connections } = await this.#options.readOrganization(id)
      for (const { subscriber } of this.#listening) subscriber.showOrganization(organization, connections)
    }
  }

  /** Each is judged every some seconds, so what changed within the overlap is all there is to remember. */
  async #showAlerts(): Promise<void> {
    const before = this.#alerts
    const changed = await changedAlerts(this.#options.catalogue, overlapMs, alertsMax)
    this.#alerts = new Map(changed.map(({ alert, updatedAtMs }) => [alert.id, updatedAtMs]))
    for (const { alert, updatedAtMs } of changed) {
      if (before?.get(alert.id) === updatedAtMs) continue
      for (const { subscriber } of this.#listening) subscriber.showAlert(alert)
    }
  }
}
