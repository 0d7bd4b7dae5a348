// One open stream: who listens, what they may see, and what they were already sent. Every read is made
// as the listener, so the database refuses what is not theirs; membership is asked again and again.
import type {
  ActivityItem,
  Alert,
  Connection,
  ConnectionDetail,
  Organization,
  Permission,
  Rollout,
  ServerEvent,
} from '@rowhouse/contracts'
import { RowhouseError, allows } from '@rowhouse/contracts'
import type { ActivityFilter } from '../activity/read-activity.ts'
import { withoutText } from '../measures/read-alerts.ts'
import { firstOf } from '../organizations/handlers.ts'

/** Newest changes looked at in one tick; a burst beyond it is read by listActivity, not streamed. */
const itemsMax = 200
const sentMax = 2000
const pendingMax = 500

export interface Outlet {
  /** @returns false when the listener is too slow and the stream was ended */
  send(event: ServerEvent, id?: string): boolean
  end(): void
  readonly isOpen: boolean
}

/** What the listener may see now, by organization; null: everything (an operator). */
export type Sight = ReadonlyMap<string, readonly string[]> | null

export interface SubscriberOptions {
  readonly outlet: Outlet
  /** Changes of the one organization of the stream, read as the listener; null for all they see. */
  readonly readActivity: ((filter: ActivityFilter) => Promise<ActivityItem[]>) | null
  readonly organizationId: string | null
  /** Asks anew; throws when the listener may listen no longer. */
  readonly look: () => Promise<Sight>
  readonly lastEventId: string | null
}

export class Subscriber {
  readonly organizationId: string | null
  readonly #options: SubscriberOptions
  readonly #sent = new Set<string>()
  readonly #pending = new Map<string, ActivityItem['status']>()
  #sight: Sight = new Map()
  #hasLooked = false

  constructor(options: SubscriberOptions) {
    this.#options = options
    this.organizationId = options.organizationId
  }

  get isOpen(): boolean {
    return this.#options.outlet.isOpen
  }

  /** First look, and what happened since the event the listener saw last. */
  async begin(): Promise<void> {
    await this.refresh()
    const { readActivity, lastEventId } = this.#options
    if (readActivity === null) return
    const items = await readActivity({ limit: itemsMax })
    const missed = lastEventId === null ? [] : items.filter(({ seq }) => BigInt(seq) > BigInt(lastEventId))
    for (const item of items) this.#remember(item)
    this.#sendItems(missed)
  }

  /** Whether the listener may still listen, and to what. Ends the stream when not. */
  async refresh(): Promise<void> {
    try {
      this.#sight = await this.#options.look()
    } catch (error) {
      // A database that is away for a moment ends the stream too: it could not be asked, so nothing is shown.
      this.end()
      if (!(error instanceof RowhouseError)) throw error
    }
  }

  end(): void {
    this.#options.outlet.end()
  }

  /** @param connections the organization's, of which the listener may see some */
  showOrganization(organization: Organization, connections: readonly Connection[]): void {
    if (!this.#sees(organization.id, 'organization.read')) return
    const connection = firstOf(connections, ({ id }) => this.#sees(organization.id, 'connections.read', id))
    this.#options.outlet.send({ type: 'organization', organization: { ...organization, connection } })
  }

  showConnection(connection: ConnectionDetail): void {
    if (!this.#sees(connection.organizationId, 'connections.read', connection.id)) return
    this.#options.outlet.send({ type: 'connection', connection })
  }

  showAlert(alert: Alert): void {
    if (!this.#sees(alert.organizationId, 'organization.read')) return
    this.#options.outlet.send({ type: 'alert', alert: this.#sight === null ? alert : withoutText(alert) })
  }

  /** An operator's stream of all organizations. */
  get seesRollouts(): boolean {
    return this.#sight === null && this.organizationId === null
  }

  showRollout(rollout: Rollout): void {
    if (this.seesRollouts) this.#options.outlet.send({ type: 'rollout', rollout })
  }

  /** New changes, when there are some, and changes of status of the pending ones. */
  async showActivity(hasNew: boolean): Promise<void> {
    const { readActivity } = this.#options
    // The first time in any case: something may have come between begin() and joining the hub.
    const looks = hasNew || !this.#hasLooked
    if (readActivity === null || (!looks && this.#pending.size === 0)) return
    this.#hasLooked = true
    try {
      const news = looks ? (await readActivity({ limit: itemsMax })).filter(({ seq }) => !this.#sent.has(seq)) : []
      const due = [...this.#pending.keys()]
      const settled =
        due.length === 0
          ? []
          : (await readActivity({ seqs: due, limit: due.length })).filter(
              ({ seq, status }) => this.#pending.get(seq) !== status,
            )
      for (const item of [...news, ...settled]) this.#remember(item)
      this.#sendItems([...news, ...settled])
    } catch {
      // Removed, suspended or unreachable: the client asks again, and then hears why.
      this.end()
    }
  }

  #sendItems(items: readonly ActivityItem[]): void {
    if (items.length === 0 || this.organizationId === null) return
    const oldestFirst = items.toSorted((a, b) => Number(BigInt(a.seq) - BigInt(b.seq)))
    this.#options.outlet.send(
      { type: 'activity', organizationId: this.organizationId, items: oldestFirst },
      oldestFirst.at(-1)?.seq,
    )
  }

  #remember(item: ActivityItem): void {
    this.#sent.add(item.seq)
    if (item.status === 'pending') this.#pending.set(item.seq, item.status)
    else this.#pending.delete(item.seq)
    for (const [bounded, max] of [
      [this.#sent, sentMax],
      [this.#pending, pendingMax],
    ] as const) {
      if (bounded.size > max) bounded.delete(bounded.keys().next().value ?? '')
    }
  }

  #sees(organizationId: string, permission: Permission, connectionId?: string): boolean {
    if (this.organizationId !== null && this.organizationId !== organizationId) return false
    if (this.#sight === null) return true
    return allows(this.#sight.get(organizationId) ?? [], permission, connectionId)
  }
}
