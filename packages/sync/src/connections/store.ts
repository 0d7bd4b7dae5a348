// Connections, as rows of the catalogue: their state, which only the state machine moves, and their health.
import { RowhouseError } from '@rowhouse/contracts'
import type { Connection, ConnectionState } from '@rowhouse/contracts'
import type { Pool, PoolClient } from 'pg'
import type { MappedObject } from '../mapping/mapping.ts'
import { DISTRUST_MS } from '../stream/status.ts'
import type { HeldStream } from '../stream/status.ts'
import { lanes, lanesOf, transition } from '../state/connection-state.ts'
import type { ConnectionEvent } from '../state/connection-state.ts'

/** What a worker last measured; all numbers and codes. */
export interface Health {
  readonly lagMs?: number
  readonly latencyMs?: Connection['latencyMs']
  readonly records?: number
  readonly deadLetters?: number
  readonly conflicts?: number
  readonly lastError?: Connection['lastError']
  readonly lastSyncedAt?: string
  readonly objects?: Connection['objects']
}

export interface StoredConnection {
  readonly id: string
  readonly organizationId: string
  readonly connector: string
  readonly account: string
  readonly accountName: string | null
  readonly baseUrl: string
  readonly tokenUrl: string | null
  readonly state: ConnectionState
  readonly stateReason: string | null
  readonly mapping: readonly MappedObject[]
  readonly mappingVersion: number
  readonly deletesAllowed: boolean
  readonly pollIntervalMs: number
  readonly health: Health
  /** Null where nothing was listened to yet. */
  readonly stream: HeldStream | null
  readonly revision: string
  readonly createdAt: string
}

interface ConnectionRow {
  readonly id: string
  readonly organization_id: string
  readonly connector: string
  readonly account: string
  readonly account_name: string | null
  readonly base_url: string
  readonly token_url: string | null
  readonly state: ConnectionState
  readonly state_reason: string | null
  readonly mapping: readonly MappedObject[]
  readonly mapping_version: number
  readonly deletes_allowed: boolean
  readonly poll_interval_ms: number
  readonly health: Health
  readonly events: HeldStream | null
  readonly revision: string
  readonly created_at: Date
}

const COLUMNS = `c.id, c.organization_id, c.connector, c.account, c.account_name, c.base_url, c.token_url, c.state,
  c.state_reason, c.mapping, c.mapping_version, c.poll_interval_ms, c.health, c.revision::text, c.created_at,
  coalesce(c.deletes_allowed_until > clock_timestamp(), false) as deletes_allowed,
  c.events || jsonb_build_object(
    'held', exists (
      select from rowhouse.sync_units u
      where u.connection_id = c.id and u.lane = 'events' and u.leased_until > clock_timestamp()
    ),
    'distrusted', coalesce(
      (c.events ->> 'missedAtMs')::float8 > extract(epoch from clock_timestamp()) * 1000 - ${DISTRUST_MS}, false
    )
  ) as events`

const toConnection = (row: ConnectionRow): StoredConnection => ({
  id: row.id,
  organizationId: row.organization_id,
  connector: row.connector,
  account: row.account,
  accountName: row.account_name,
  baseUrl: row.base_url,
  tokenUrl: row.token_url,
  state: row.state,
  stateReason: row.state_reason,
  mapping: row.mapping,
  mappingVersion: row.mapping_version,
  deletesAllowed: row.deletes_allowed,
  pollIntervalMs: row.poll_interval_ms,
  health: row.health,
  stream: row.events,
  revision: row.revision,
  createdAt: row.created_at.toISOString(),
})

export async function findConnection(
  pool: Pool,
  id: string,
  organizationId: string | null = null,
): Promise<StoredConnection | null> {
  const { rows } = await pool.query<ConnectionRow>(
    `select ${COLUMNS} from rowhouse.connections c
     where c.id = $1 and c.connector <> '' and ($2::uuid is null or c.organization_id = $2)`,
    [id, organizationId],
  )
  return rows[0] === undefined ? null : toConnection(rows[0])
}

/** @throws RowhouseError connection_not_found */
export async function readConnection(
  pool: Pool,
  id: string,
  organizationId: string | null = null,
): Promise<StoredConnection> {
  const found = await findConnection(pool, id, organizationId)
  if (found === null)
    throw new RowhouseError('connection_not_found', `There is no connection ${id}.`, { details: { id } })
  return found
}

export async function readConnections(pool: Pool, organizationIds: readonly string[]): Promise<StoredConnection[]> {
  const { rows } = await pool.query<ConnectionRow>(
    `select ${COLUMNS} from rowhouse.connections c
     where c.organization_id = any ($1) and c.connector <> '' order by c.created_at, c.id`,
    [organizationIds],
  )
  return rows.map(toConnection)
}

const CHANGED_MAX = 500

/** Connections whose state or health changed after a revision, oldest change first. */
export async function readChangedConnections(pool: Pool, revision: string): Promise<StoredConnection[]> {
  const { rows } = await pool.query<ConnectionRow>(
    `select ${COLUMNS} from rowhouse.connections c where c.revision > $1 order by c.revision limit $2`,
    [revision, CHANGED_MAX],
  )
  return rows.map(toConnection)
}

export async function lastRevision(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ revision: string }>(
    'select coalesce(max(c.revision), 0)::text as revision from rowhouse.connections c',
  )
  return rows[0]?.revision ?? '0'
}

export type NewConnection = Pick<
  StoredConnection,
  'organizationId' | 'connector' | 'account' | 'accountName' | 'baseUrl' | 'tokenUrl' | 'mapping' | 'pollIntervalMs'
>

/** @throws RowhouseError connection_exists, organization_not_found */
export async function insertConnection(client: PoolClient, fresh: NewConnection): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into rowhouse.connections (
       organization_id, connector, account, account_name, base_url, token_url, mapping, poll_interval_ms, state, revision
     )
     values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, 'matching', nextval('rowhouse.connection_revisions'))
     on conflict (organization_id, connector, account, base_url) where connector <> '' do nothing
     returning id`,
    [
      fresh.organizationId,
      fresh.connector,
      fresh.account,
      fresh.accountName,
      fresh.baseUrl,
      fresh.tokenUrl,
      JSON.stringify(fresh.mapping),
      fresh.pollIntervalMs,
    ],
  )
  const [row] = rows
  if (row === undefined)
    throw new RowhouseError('connection_exists', undefined, { details: { account: fresh.account } })
  const enabled = lanesOf('matching')
  await client.query(
    `insert into rowhouse.sync_units (connection_id, lane, organization_id, enabled)
     select $1, lane, $2, lane = any ($4) from unnest($3::text[]) as lane`,
    [row.id, fresh.organizationId, lanes, enabled],
  )
  await client.query('select rowhouse.notify_sync()')
  return row.id
}

/**
 * Where a connection's account is reached from now on. What it is told apart by stays; its budget is that of the new address.
 *
 * @throws RowhouseError connection_exists when another connection of the organization is there
 */
export async function writeAddress(
  client: PoolClient,
  id: string,
  { baseUrl, tokenUrl }: Pick<StoredConnection, 'baseUrl' | 'tokenUrl'>,
): Promise<void> {
  const { rows } = await client.query<{ taken: boolean }>(
    `select exists (
       select from rowhouse.connections o
       where o.organization_id = c.organization_id and o.connector = c.connector and o.account = c.account
         and o.base_url = $2 and o.id <> c.id
     ) as taken
     from rowhouse.connections c where c.id = $1 for update`,
    [id, baseUrl],
  )
  if (rows[0]?.taken === true) throw new RowhouseError('connection_exists')
  await client.query(
    `update rowhouse.connections c
     set base_url = $2, token_url = $3, updated_at = now(), revision = nextval('rowhouse.connection_revisions')
     where c.id = $1 and (c.base_url, c.token_url) is distinct from ($2, $3)`,
    [id, baseUrl, tokenUrl],
  )
}

export interface Moved {
  readonly from: ConnectionState
  readonly to: ConnectionState
}

/** The lane in whose name something happens, and the epoch it was taken with. */
export interface HeldLane {
  readonly lane: string
  readonly epoch: string
}

/**
 * Lets an event happen to a connection. Null: it changed nothing.
 *
 * @param held where a worker says so; null where a person does
 * @throws RowhouseError connection_not_found, connection_wrong_state; lease_lost: somebody else runs the lane by now, and
 * what the worker knows may be of a mapping before this one
 */
export async function moveConnection(
  pool: Pool,
  id: string,
  event: ConnectionEvent,
  reason: string | null,
  held: HeldLane | null = null,
): Promise<Moved | null> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rows } = await client.query<{ state: ConnectionState }>(
      'select c.state from rowhouse.connections c where c.id = $1 for update',
      [id],
    )
    const from = rows[0]?.state
    if (from === undefined) throw new RowhouseError('connection_not_found')
    if (held !== null) await requireLane(client, id, held)
    const outcome = transition(from, event)
    if (outcome === 'refuse')
      throw new RowhouseError('connection_wrong_state', `A connection that is ${from} cannot ${event}.`, {
        details: { state: from, event },
      })
    if (outcome !== 'stay') await writeState(client, id, event, outcome.to, reason)
    await client.query('commit')
    return outcome === 'stay' ? null : { from, to: outcome.to }
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  } finally {
    client.release()
  }
}

/** @throws RowhouseError lease_lost */
async function requireLane(client: PoolClient, id: string, { epoch, lane }: HeldLane): Promise<void> {
  const { rowCount } = await client.query(
    'select from rowhouse.sync_units u where u.connection_id = $1 and u.lane = $2 and u.epoch = $3 for share',
    [id, lane, epoch],
  )
  if (rowCount !== 1) throw new RowhouseError('lease_lost')
}

/** A person who resumes has answered the breaker's question for this long. */
const DELETES_ALLOWED = '1 hour'

async function writeState(
  client: PoolClient,
  id: string,
  event: ConnectionEvent,
  to: ConnectionState,
  reason: string | null,
): Promise<void> {
  await client.query(
    `update rowhouse.connections c
     set state = $2, state_reason = $3, updated_at = now(), revision = nextval('rowhouse.connection_revisions'),
       deletes_allowed_until = case when $4 then now() + $5::interval else c.deletes_allowed_until end
     where c.id = $1`,
    [id, to, reason, event === 'resume', DELETES_ALLOWED],
  )
  await client.query(
    `update rowhouse.sync_units u
     set enabled = u.lane = any ($2), wake = u.wake + 1, due_at = least(u.due_at, now()),
       not_before = case when $3 then '-infinity' else u.not_before end,
       attempts = case when $3 then 0 else u.attempts end
     where u.connection_id = $1`,
    [id, lanesOf(to), event === 'resume'],
  )
  await client.query('select rowhouse.notify_sync()')
}

/** The lanes of a connection, and whether a worker holds each. */
export async function readUnits(pool: Pool, id: string): Promise<{ lane: string; leased: boolean }[]> {
  const { rows } = await pool.query<{ lane: string; leased: boolean }>(
    `select u.lane, coalesce(u.leased_until > clock_timestamp(), false) as leased
     from rowhouse.sync_units u where u.connection_id = $1`,
    [id],
  )
  return rows
}

/**
 * Another mapping, in place of the version that was read. Its health is that of objects not read yet.
 *
 * @throws RowhouseError connection_wrong_state when it was changed or resumed in between
 */
export async function writeMapping(
  pool: Pool,
  id: string,
  version: number,
  mapping: readonly MappedObject[],
  pollMs: number,
): Promise<void> {
  const { rowCount } = await pool.query(
    `update rowhouse.connections c
     set mapping = $3::jsonb, mapping_version = c.mapping_version + 1, poll_interval_ms = $4,
       health = c.health - 'objects', updated_at = now(), revision = nextval('rowhouse.connection_revisions')
     where c.id = $1 and c.mapping_version = $2 and c.state = 'paused'`,
    [id, version, JSON.stringify(mapping), pollMs],
  )
  if (rowCount !== 1)
    throw new RowhouseError('connection_wrong_state', 'The connection was changed or resumed in between.')
}

export async function writePollInterval(pool: Pool, id: string, pollIntervalMs: number): Promise<void> {
  await pool.query(
    `update rowhouse.connections c
     set poll_interval_ms = $2, updated_at = now(), revision = nextval('rowhouse.connection_revisions')
     where c.id = $1 and c.poll_interval_ms <> $2`,
    [id, pollIntervalMs],
  )
}

export async function writeHealth(pool: Pool, id: string, health: Health): Promise<void> {
  await pool.query(
    `update rowhouse.connections c
     set health = c.health || $2::jsonb, updated_at = now(), revision = nextval('rowhouse.connection_revisions')
     where c.id = $1 and not c.health @> $2::jsonb`,
    [id, JSON.stringify(health)],
  )
}
