// How fast and how frugal sync is, with the simulated HubSpot on the same machine: from a local commit to the request
// at the CRM, from a webhook's arrival to the row, calls against the fewest there can be, and a backfill. The
// provider's rate limits are lifted on both sides: they would measure HubSpot's numbers, not ours.
import { createHmac } from 'node:crypto'

import { connectors } from '@rowhouse/connectors'
import type { Connector } from '@rowhouse/connectors'
import { startSandbox } from '@rowhouse/sandbox'
import type { CreatedAccount, Sandbox } from '@rowhouse/sandbox'
import { createSync } from '@rowhouse/sync'
import type { Sync, SyncEvent } from '@rowhouse/sync'
import { createRowhouse } from 'rowhouse'
import type { Organization } from 'rowhouse'

import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY } from './database.ts'
import { hearEvents } from './sync-events.ts'
import { installDatabase, percentile, unlimited, until } from './sync-world.ts'

const DATABASE = 'rowhouse_bench_sync'
const COMPANIES = 500
const CONTACTS = 5000
const BULK_ROWS = 2000
const BATCH_SIZE = 100
/** Polls would only add calls that are none of what is measured. */
const POLL_MS = 3_600_000

interface Heard {
  readonly event: SyncEvent
  readonly atMs: number
}

interface World {
  readonly sync: Sync
  readonly person: Organization
  readonly organizationId: string
  readonly account: CreatedAccount
  readonly heard: Heard[]
  close(): Promise<void>
}

const isWrite = ({ event }: Heard): boolean =>
  event.type === 'call' && event.lane === 'outbound' && /batch\/(create|update|upsert|archive)$/.test(event.path)

const isCall = ({ event }: Heard): boolean => event.type === 'call' && event.lane === 'outbound'

async function fill(account: CreatedAccount): Promise<void> {
  const create = async (object: string, properties: readonly object[]): Promise<void> => {
    for (let from = 0; from < properties.length; from += BATCH_SIZE) {
      const inputs = properties.slice(from, from + BATCH_SIZE).map((one) => ({ properties: one }))
      await callCrm(account, `/crm/v3/objects/${object}/batch/create`, { inputs })
    }
  }
  await create(
    'companies',
    Array.from({ length: COMPANIES }, (_, n) => ({ name: `Company ${n}`, domain: `c${n}.example` })),
  )
  await create(
    'contacts',
    Array.from({ length: CONTACTS }, (_, n) => ({ email: `p${n}@bench.example`, firstname: `P${n}` })),
  )
}

async function callCrm(
  account: CreatedAccount,
  path: string,
  json: object,
  method: 'POST' | 'PATCH' = 'POST',
): Promise<unknown> {
  const answer = await fetch(`${account.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${account.personToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(json),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return answer.json()
}

async function build(adminUrl: string, sandbox: Sandbox): Promise<World> {
  const { urls, ids } = await installDatabase(adminUrl, DATABASE)
  const [organizationId = '', userId = ''] = ids
  const limits = { tenSecondlyMax: 1_000_000, searchSecondlyMax: 1_000_000, dailyMax: 10_000_000 }
  const account = sandbox.createAccount({ connector: 'hubspot', name: 'Bench', limits })
  await fill(account)
  const rowhouse = createRowhouse({ url: urls.app, signingKey: SIGNING_KEY, pool: { max: 10 } })
  const heard: Heard[] = []
  const sync = createSync({
    rowhouse,
    controlUrl: urls.control,
    encryptionKey: SIGNING_KEY,
    connectors: new Map([['hubspot', unlimited(connectors.get('hubspot') as Connector)]]),
    shortestPollMs: POLL_MS,
    observe: (event) => void heard.push({ event, atMs: Date.now() }),
  })
  const person = rowhouse.as({ organizationId, userId })
  const close = async (): Promise<void> => {
    await sync.close()
    await rowhouse.close()
  }
  return { sync, person, organizationId, account, heard, close }
}

const nothingIsDue = async ({ person }: World): Promise<boolean> =>
  (await person.query('select from rowhouse_home.sync_marks limit 1')).rowCount === 0

async function backfill(world: World): Promise<{ connectionId: string; seconds: number; calls: number }> {
  const startedMs = Date.now()
  const { id } = await world.sync.connections.create({
    organizationId: world.organizationId,
    connector: 'hubspot',
    accessToken: world.account.accessToken,
    clientId: 'bench',
    clientSecret: world.account.webhookSecret,
    baseUrl: world.account.url,
  })
  world.sync.worker.start()
  const state = async (): Promise<boolean> =>
    (await world.sync.connections.get(world.organizationId, id)).state === 'live'
  await until('the backfill', state, 50)
  const seconds = Math.round((Date.now() - startedMs) / 100) / 10
  const calls = world.heard.filter(({ event }) => event.type === 'call' && event.lane === 'backfill').length
  return { connectionId: id, seconds, calls }
}

/** Milliseconds from a commit to the request that carries it, edit by edit, and the writes it took. */
async function edit(world: World, edits: number): Promise<{ latencies: number[]; writes: number }> {
  const latencies: number[] = []
  const { rows } = await world.person.query<{ id: string }>('select id from contacts order by email limit $1', [edits])
  const from = world.heard.length
  for (const [index, { id }] of rows.entries()) {
    const before = world.heard.length
    await world.person.query('update contacts set title = $2 where id = $1', [id, `Title ${index}`])
    const committedMs = Date.now()
    const request = (): Heard | undefined => world.heard.slice(before).find((one) => isWrite(one))
    await until('an edit', () => request() !== undefined, 1)
    const { atMs, event } = request() as Heard
    latencies.push(Math.max(0, atMs - (event.type === 'call' ? event.durationMs : 0) - committedMs))
  }
  await until('the edits', () => nothingIsDue(world), 20)
  return { latencies, writes: world.heard.slice(from).filter((one) => isWrite(one)).length }
}

/** Milliseconds from a webhook's arrival to the commit of the row. */
async function hear(world: World, connectionId: string, webhooks: number): Promise<number[]> {
  const latencies: number[] = []
  const { rows } = await world.person.query<{ remote_id: string }>(
    `select remote_id from rowhouse_home.sync_links where object = 'contact' order by remote_id limit $1`,
    [webhooks],
  )
  for (const [index, { remote_id: id }] of rows.entries()) {
    await callCrm(world.account, `/crm/v3/objects/contacts/${id}`, { properties: { phone: `${index}` } }, 'PATCH')
    const before = world.heard.length
    const arrivedMs = Date.now()
    await sendWebhook(world, connectionId, id)
    const applied = (): Heard | undefined => world.heard.slice(before).find(({ event }) => event.type === 'applied')
    await until('a webhook', () => applied() !== undefined, 1)
    latencies.push((applied()?.atMs ?? 0) - arrivedMs)
  }
  return latencies
}

async function sendWebhook({ account, sync }: World, connectionId: string, objectId: string): Promise<void> {
  const event = {
    eventId: 1,
    subscriptionId: 1,
    portalId: Number(account.id),
    appId: 1,
    occurredAt: Date.now(),
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId: Number(objectId),
  }
  const rawBody = Buffer.from(JSON.stringify([event]))
  const url = `https://app.example/webhooks/hubspot/${connectionId}`
  const timestamp = String(Date.now())
  const signature = createHmac('sha256', account.webhookSecret)
    .update(`POST${url}${rawBody.toString()}${timestamp}`)
    .digest('base64')
  const headers = { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp }
  const verdict = await sync.webhooks.receive('hubspot', connectionId, { method: 'POST', url, headers, rawBody })
  if (!verdict.ok) throw new Error(verdict.reason)
}

/** Calls of one update of many rows, reads included, until nothing is due. */
async function updateMany(world: World): Promise<{ calls: number; seconds: number }> {
  const from = world.heard.length
  const startedMs = Date.now()
  await world.person.query(
    `update contacts set last_name = 'Bulk' where id in (select id from contacts order by email limit $1)`,
    [BULK_ROWS],
  )
  const sent = async (): Promise<boolean> =>
    world.heard.slice(from).some((one) => isWrite(one)) && (await nothingIsDue(world))
  await until('the bulk update', sent, 20)
  const calls = world.heard.slice(from).filter((one) => isCall(one)).length
  return { calls, seconds: Math.round((Date.now() - startedMs) / 100) / 10 }
}

async function run({ adminUrl, log, quick }: BenchContext): Promise<Record<string, number>> {
  const times = quick ? 100 : 500
  const sandbox = await startSandbox()
  const world = await build(adminUrl, sandbox)
  try {
    log(`backfill: ${COMPANIES + CONTACTS} records`)
    const filled = await backfill(world)
    log(`edits: ${times}, one after the other`)
    const edited = await edit(world, times)
    log(`webhooks: ${times}, one after the other`)
    const heard = await hear(world, filled.connectionId, times)
    log(`bulk update: ${BULK_ROWS} rows`)
    const bulk = await updateMany(world)
    const callsMin = BULK_ROWS / BATCH_SIZE
    log(`change events: ${times}, one after the other, while polls are an hour apart`)
    const events = await hearEvents(adminUrl, sandbox, times)
    return {
      commit_to_request_p50_ms: percentile(edited.latencies, 0.5),
      commit_to_request_p99_ms: percentile(edited.latencies, 0.99),
      webhook_to_row_p50_ms: percentile(heard, 0.5),
      webhook_to_row_p99_ms: percentile(heard, 0.99),
      event_to_row_p50_ms: percentile(events.latencies, 0.5),
      event_to_row_p99_ms: percentile(events.latencies, 0.99),
      event_polls: events.polls,
      writes_per_edit: Math.round((edited.writes / times) * 1000) / 1000,
      bulk_calls: bulk.calls,
      bulk_calls_min: callsMin,
      bulk_calls_over_min: Math.round((bulk.calls / callsMin) * 1000) / 1000,
      bulk_seconds: bulk.seconds,
      backfill_seconds: filled.seconds,
      backfill_calls: filled.calls,
    }
  } finally {
    await world.close()
    await sandbox.close()
  }
}

export const sync: Bench = {
  name: 'sync',
  measures:
    'latency both ways, calls against the fewest possible, and a backfill, with the simulated HubSpot, and the change events of the simulated Salesforce',
  aims: {
    commit_to_request_p50_ms: { max: 10 },
    commit_to_request_p99_ms: { max: 100 },
    webhook_to_row_p50_ms: { max: 10 },
    webhook_to_row_p99_ms: { max: 100 },
    event_to_row_p99_ms: { max: 5000 },
    // The one that follows an opening may come after it was seen to be open.
    event_polls: { max: 1 },
    writes_per_edit: { max: 1 },
    bulk_calls_over_min: { max: 1.05 },
  },
  run,
}
