// Connections to databases that organizations to come will live in, opened and rehearsed before anybody waits: connecting to a
// database for the first time, and the first statements there, are most of what moving into a warm one takes. As
// rowhouse_control, whose statements are no tenant's. What could not be opened early is opened when it is needed.
import { randomUUID } from 'node:crypto'
import { Client } from 'pg'

import { connectionTo } from '../databases/connection-to.ts'
import type { DatabasePlace, Reach } from '../databases/connection-to.ts'
import type { Catalogue } from './carry-copy.ts'

const CONNECT_TIMEOUT_MS = 5_000
const QUERY_TIMEOUT_MS = 15_000
/** Of each cluster, those first that are handed out first. */
const MOST = 2
/** Over all clusters. */
const MOST_AT_ALL = 16
/** One that is next no more may have been given away a moment ago; whoever carries its first copy asks for it within this time. */
const KEPT_MS = 30_000

const NEXT = `
  select s.cluster, c.host, c.port, c.tls, c.tls_ca as "tlsCa", s.database_name as "databaseName"
  from (
    select h.cluster, h.database_name, h.created_at, row_number() over (
      partition by coalesce(at.parent, at.id) order by h.version desc nulls last, h.created_at) as position
    from rowhouse.homes h join rowhouse.clusters at on at.id = h.cluster
    where h.state = 'spare' and h.isolation = 'database'
  ) s
  join rowhouse.clusters c on c.id = s.cluster
  where s.position <= $1
  order by s.position, s.created_at
  limit $2`

type Place = DatabasePlace & { readonly cluster: string }

export class EarlyConnections {
  readonly #catalogue: Catalogue
  readonly #reach: Reach
  readonly #clients = new Map<string, { readonly client: Promise<Client | null>; seenAtMs: number }>()
  #asking: Promise<void> | null = null
  #isClosed = false

  constructor(catalogue: Catalogue, reach: Reach) {
    this.#catalogue = catalogue
    this.#reach = reach
  }

  /** The connection to a database, where it was opened early; from then on it is the caller's to end. */
  async take(place: Pick<Place, 'cluster' | 'databaseName'>): Promise<Client | null> {
    const key = keyOf(place)
    const early = this.#clients.get(key)
    this.#clients.delete(key)
    return (await early?.client) ?? null
  }

  /** Connects to the databases that are next, and lets go of those that are next no more. Never rejects. */
  refill(): void {
    if (this.#isClosed) return
    this.#asking ??= this.#refill()
      .catch(() => {})
      .finally(() => (this.#asking = null))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#asking
    const clients = [...this.#clients.values()]
    this.#clients.clear()
    await Promise.all(clients.map(async ({ client }) => (await client)?.end().catch(() => undefined)))
  }

  async #refill(): Promise<void> {
    const { rows } = await this.#catalogue.query(NEXT, [MOST, MOST_AT_ALL])
    if (this.#isClosed) return
    const nowMs = performance.now()
    for (const place of rows as Place[]) {
      const key = keyOf(place)
      const early = this.#clients.get(key) ?? { client: this.#open(key, place), seenAtMs: nowMs }
      early.seenAtMs = nowMs
      this.#clients.set(key, early)
    }
    for (const [key, { client, seenAtMs }] of this.#clients) {
      if (nowMs - seenAtMs < KEPT_MS) continue
      this.#clients.delete(key)
      void client.then((opened) => opened?.end().catch(() => undefined))
    }
  }

  async #open(key: string, place: Place): Promise<Client | null> {
    const client = new Client({
      ...connectionTo(place, 'rowhouse_control', this.#reach),
      application_name: 'rowhouse copies',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
    })
    // A database that is dropped ends its connections; the place is free again.
    client.on('error', () => {})
    client.on('end', () => this.#clients.delete(key))
    try {
      await client.connect()
      await rehearse(client, place.databaseName)
      return client
    } catch {
      await client.end().catch(() => undefined)
      return null
    }
  }
}

const keyOf = ({ cluster, databaseName }: Pick<Place, 'cluster' | 'databaseName'>): string =>
  `${cluster}/${databaseName}`

/** Applies the copy of an organization that there is not, and takes it back: what the first copy needs is loaded then. */
async function rehearse(client: Client, databaseName: string): Promise<void> {
  const [id, at] = [randomUUID(), new Date().toISOString()]
  const copy = {
    version: 1,
    organization: { id, slug: id, name: id, plan: id, status: 'active', created_at: at, updated_at: at },
    plan: { id, name: id, isolation: 'database' },
    placement: {
      databaseName,
      schemaName: 'public',
      login: `rowhouse_h_${id}`,
      isolation: 'database',
      epoch: 1,
      state: 'active',
    },
    limits: null,
    retention: null,
    roles: [],
    members: [{ userId: id, role: 'owner', createdAt: at }],
    users: [],
    connections: [],
    grants: [],
  }
  await client.query('begin')
  await client.query('select rowhouse.apply_catalogue_copy($1)', [JSON.stringify(copy)]).catch(() => undefined)
  await client.query('rollback')
}
