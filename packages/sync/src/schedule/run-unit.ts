// One run of one unit: makes what its lane needs, runs it, and turns how it ended into when it is due next.
// Failures are values here; only a lost lease and a bug are exceptions.
import { isRowhouseError } from '@rowhouse/contracts'
import type { Connector, Failure } from '@rowhouse/connectors'
import type { Pool } from 'pg'
import type { Organization, Rowhouse } from 'rowhouse'
import type { ConnectionScope } from '../apply/scope.ts'
import { remoteAccountOf } from '../budget/remote-account.ts'
import type { Budgets } from '../budget/budgets.ts'
import { callsPerRound, pollIntervalMs, relaxedIntervalMs } from '../budget/poll-pace.ts'
import { moveConnection, readConnection, writeHealth, writePollInterval } from '../connections/store.ts'
import type { StoredConnection } from '../connections/store.ts'
import type { Redact } from '../credentials/redact.ts'
import type { Stores } from '../credentials/store/stores.ts'
import type { StoredCredentials, Vault } from '../credentials/vault.ts'
import { runOutbound } from '../deliver/outbound-lane.ts'
import { fenced } from '../home/fence.ts'
import { canonicalBy } from '../mapping/canonical-by.ts'
import { EngineHttp, PutDown } from '../http/http.ts'
import type { Observe } from '../observe/events.ts'
import type { Latencies } from '../observe/latency.ts'
import { sentenceOf } from '../observe/public-reason.ts'
import type { PublicError } from '../observe/public-reason.ts'
import { runBackfill } from '../pull/backfill-lane.ts'
import { runInbound } from '../pull/inbound-lane.ts'
import type { PollMemory } from '../pull/poll-memory.ts'
import { wantResync } from '../pull/resync.ts'
import type { ConnectionEvent } from '../state/connection-state.ts'
import type { Lane } from '../state/connection-state.ts'
import { lanesOf } from '../state/connection-state.ts'
import { isReliedOn, missedReason, noteMissed } from '../stream/status.ts'
import type { LaneEnd, LaneRun } from './lane-run.ts'
import { wakeUnit } from './units.ts'
import type { Release, Unit } from './units.ts'

export interface UnitContext {
  readonly pool: Pool
  readonly rowhouse: Rowhouse
  readonly connectors: ReadonlyMap<string, Connector>
  readonly budgets: Budgets
  readonly vault: Vault
  readonly stores: Stores
  readonly observe: Observe
  readonly redact: Redact
  readonly now: () => number
  /** Milliseconds on a clock that nobody sets: of leases and slices. */
  readonly elapsed: () => number
  readonly random: () => number
  readonly wait: (durationMs: number) => Promise<void>
  readonly callTimeoutMs: number
  readonly shortestPollMs: number
  readonly slowestPollMs: number
}

/** What a worker keeps of a connection from run to run; losing it loses no change. */
export interface ConnectionMemory {
  readonly latencies: { readonly outbound: Latencies; readonly inbound: Latencies }
  readonly poll: PollMemory
  clockOffsetMs: number
  runs: number
  /** When its health may be measured again, on the clock that nobody sets. */
  measureAtMs: number
}

const BACKOFF_MS = 250
const BACKOFF_MS_MAX = 60_000
const BUDGET_WAIT_MS = 2000
/** This many failures in a row are more than a hiccup. */
const DEGRADED_ATTEMPTS = 3

export async function runUnit(
  context: UnitContext,
  unit: Unit,
  memory: ConnectionMemory,
  lease: { readonly leftMs: () => number; readonly ending: () => boolean },
): Promise<Release> {
  try {
    return await runClaimed(context, unit, memory, lease)
  } catch (error) {
    if (error instanceof PutDown) return { nextMs: error.retryMs, notBeforeMs: error.retryMs, failed: false }
    if (isRowhouseError(error) && error.code === 'organization_suspended')
      return { nextMs: SUSPENDED_MS, notBeforeMs: SUSPENDED_MS, failed: false }
    throw error
  }
}

async function runClaimed(
  context: UnitContext,
  unit: Unit,
  memory: ConnectionMemory,
  lease: { readonly leftMs: () => number; readonly ending: () => boolean },
): Promise<Release> {
  const { connectionId, organizationId } = unit
  const organization = context.rowhouse.as({ organizationId, connectionId })
  // Waited for where a call needs them: until then there is enough to ask of the home.
  const credentials = context.vault.read(connectionId)
  credentials.catch(() => {})
  const stored = await readConnection(context.pool, connectionId)
  if (!lanesOf(stored.state).includes(unit.lane)) return { nextMs: null, notBeforeMs: 0, failed: false }
  const connector = context.connectors.get(stored.connector)
  if (connector === undefined) return { nextMs: null, notBeforeMs: BACKOFF_MS_MAX, failed: true }
  const pollMs = unit.lane === 'inbound' ? await paceOf(context, stored, connector) : stored.pollIntervalMs
  const work = prepareRun(
    context,
    unit,
    organization,
    { ...stored, pollIntervalMs: pollMs },
    connector,
    credentials,
    memory,
    lease,
  )
  const { due } = work.run.scope
  // Whoever held it before may have made something due and died before saying so.
  if (unit.inherited || unit.attempts > 0) for (const direction of directions) due.add(direction)
  try {
    const end = await runLane(unit, work.run, memory)
    if (work.http.clockOffsetMs !== null) memory.clockOffsetMs = work.http.clockOffsetMs
    if (end.kind === 'done') {
      await recovered(context, unit, stored)
      return { nextMs: end.nextMs, notBeforeMs: 0, failed: false }
    }
    return await onFailure(context, unit, work, end.failure)
  } finally {
    // A lane looks at what it made due for itself before it ends.
    for (const direction of due) if (direction !== unit.lane) await wakeUnit(context.pool, connectionId, direction)
  }
}

const directions = ['outbound', 'inbound'] as const

const SUSPENDED_MS = 5000

function runLane(unit: Unit, run: LaneRun, memory: ConnectionMemory): Promise<LaneEnd> {
  memory.runs += 1
  const runLaneOf: Readonly<Record<Lane, () => Promise<LaneEnd>>> = {
    outbound: () => runOutbound(run, memory.runs),
    inbound: () => runInbound(run),
    backfill: () => runBackfill(run),
    // Held by streams.ts; claimed as a slice of work it has none.
    events: () => Promise.resolve({ kind: 'done', nextMs: null }),
  }
  return runLaneOf[unit.lane]()
}

/** The interval by what is known of the account now, which the catalogue shows from then on. */
async function paceOf(context: UnitContext, stored: StoredConnection, connector: Connector): Promise<number> {
  const known = await context.budgets.known(remoteAccountOf(stored))
  const { budgets, shortestPollMs = 0 } = connector.describe()
  const callsOfRound = callsPerRound(connector, stored.mapping.length)
  const shortestMs = Math.max(context.shortestPollMs, shortestPollMs)
  const pacedMs = pollIntervalMs(budgets, known, callsOfRound, shortestMs)
  const intervalMs = isReliedOn(stored.stream) ? relaxedIntervalMs(pacedMs, context.slowestPollMs) : pacedMs
  if (intervalMs !== stored.pollIntervalMs) await writePollInterval(context.pool, stored.id, intervalMs)
  return intervalMs
}

interface Work {
  readonly run: LaneRun
  readonly http: EngineHttp
  readonly stored: StoredConnection
  readonly connector: Connector
  readonly credentials: Promise<StoredCredentials>
}

function prepareRun(
  context: UnitContext,
  unit: Unit,
  organization: Organization,
  stored: StoredConnection,
  connector: Connector,
  credentials: Promise<StoredCredentials>,
  memory: ConnectionMemory,
  lease: { readonly leftMs: () => number; readonly ending: () => boolean },
): Work {
  const { organizationId, connectionId } = unit
  const account = remoteAccountOf(stored)
  const description = connector.describe()
  const http = new EngineHttp({
    baseUrl: stored.baseUrl,
    tokenUrl: stored.tokenUrl,
    accessToken: async () => (await credentials).accessToken,
    budgets: description.budgets,
    take: (budget) => context.budgets.take(account, budget, unit.lane === 'backfill' ? 'bulk' : 'live'),
    timeoutMs: context.callTimeoutMs,
    leftMs: lease.leftMs,
    budgetWaitMs: BUDGET_WAIT_MS,
    wait: context.wait,
    now: context.now,
    redact: context.redact,
    onAnswer: (answer) => {
      const usage = connector.usage(answer)
      // Told too late or not at all, the account is only as careful as before.
      if (usage.length > 0) context.budgets.correct(account, usage).catch(() => {})
    },
    observe: (call) => context.observe({ type: 'call', organizationId, connectionId, lane: unit.lane, ...call }),
  })
  const scope: ConnectionScope = {
    organization,
    organizationId,
    connectionId,
    mappingVersion: stored.mappingVersion,
    objects: stored.mapping,
    canonical: canonicalBy(connector, stored.mapping),
    hold: { connectionId, lane: unit.lane, epoch: unit.epoch },
    options: {
      policy: 'newest',
      deletePolicy: 'propagate',
      times: { localMs: null, remoteMs: null, uncertaintyMs: UNCERTAINTY_MS, fixedSide: 'local' },
    },
    due: new Set(),
    looksBack: connector.history !== undefined,
    clockOffsetMs: () => memory.clockOffsetMs,
    providerNow: () => new Date(context.now() + memory.clockOffsetMs).toISOString(),
  }
  const run: LaneRun = {
    scope,
    connector,
    http,
    observe: context.observe,
    now: context.now,
    pollIntervalMs: stored.pollIntervalMs,
    streamOpens: stored.stream?.opens ?? 0,
    streamSinceMs: Date.parse(stored.stream?.since ?? ''),
    missed: (object) => noteMissed(context.pool, connectionId, missedReason(object)),
    isStreamRelied: isReliedOn(stored.stream),
    deletesAllowed: stored.deletesAllowed,
    state: stored.state,
    latencies: memory.latencies,
    pollMemory: memory.poll,
    happen: (event, reason) => happen(context, unit, event, reason),
    ready: async () => {
      const [first] = description.budgets
      if (first !== undefined) context.budgets.expect(account, first, 'live')
      await credentials
    },
    ending: lease.ending,
  }
  return { run, http, stored, connector, credentials }
}

/** The Date header has a resolution of one second. */
const UNCERTAINTY_MS = 1000

export async function happen(
  context: Pick<UnitContext, 'pool' | 'observe'>,
  unit: Pick<Unit, 'connectionId' | 'organizationId' | 'lane' | 'epoch'>,
  event: ConnectionEvent,
  reason: string | null,
): Promise<void> {
  const { connectionId, organizationId } = unit
  const moved = await moveConnection(context.pool, connectionId, event, reason, unit)
  if (moved !== null) context.observe({ type: 'state', organizationId, connectionId, ...moved, reason })
}

async function recovered(context: UnitContext, unit: Unit, stored: StoredConnection): Promise<void> {
  if (stored.state === 'degraded' && unit.attempts > 0) await happen(context, unit, 'recovered', null)
}

async function onFailure(context: UnitContext, unit: Unit, work: Work, failure: Failure): Promise<Release> {
  if (failure.action === 'refresh_credentials') return refresh(context, unit, work)
  if (failure.action === 'pause') {
    await pause(context, unit, work, failure.advice)
    return { nextMs: null, notBeforeMs: 0, failed: true }
  }
  const backoff = backoffMs(unit.attempts, context.random)
  if (failure.action === 'resync' && unit.lane === 'inbound') return resyncAll(context, unit, work, backoff)
  // Of a read as a whole these three only mean that it failed: there is no record to park and no batch to split.
  if (failure.action !== 'retry') return retry(context, unit, errorOf('connector_failed'), backoff)
  const retryMs = failure.afterMs ?? backoff
  if (failure.scope === 'call') return retry(context, unit, errorOf('connector_unreachable'), retryMs)
  // A full window is the budget at work, not a fault of the connection.
  await context.budgets.close(remoteAccountOf(work.stored), retryMs)
  return { nextMs: retryMs, notBeforeMs: retryMs, failed: false }
}

/**
 * A position of polls or deletions is not valid any more: everything is read anew, which gives new ones. A provider that
 * says so again and again is asked ever later.
 */
async function resyncAll(context: UnitContext, unit: Unit, { run }: Work, backoff: number): Promise<Release> {
  const { connectionId, hold, objects, organization } = run.scope
  const names = objects.map(({ object }) => object)
  await fenced(organization, hold, (tx) => wantResync(tx, connectionId, names, true))
  await happen(context, unit, 'resync', null)
  return retry(context, unit, errorOf('connector_failed'), Math.max(RESYNC_LOOK_MS, backoff))
}

/** Until the walk has begun and the positions are new. */
const RESYNC_LOOK_MS = 1000

/** Exponential with full jitter: somewhere between nothing and the cap of this attempt. */
export function backoffMs(attempts: number, random: () => number): number {
  return Math.ceil(random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.min(attempts, 20)))
}

export async function retry(
  context: UnitContext,
  unit: Unit,
  { code, message }: PublicError,
  retryMs: number,
): Promise<Release> {
  const { connectionId, organizationId, lane } = unit
  context.observe({ type: 'unit_failed', organizationId, connectionId, lane, code, message, retryMs })
  await note(context, unit, code, message)
  if (unit.attempts + 1 >= DEGRADED_ATTEMPTS) await happen(context, unit, 'failing', message)
  return { nextMs: retryMs, notBeforeMs: retryMs, failed: true }
}

const errorOf = (code: PublicError['code']): PublicError => ({ code, message: sentenceOf(code) })

async function note(
  context: UnitContext,
  unit: Unit,
  code: PublicError['code'],
  message = sentenceOf(code),
): Promise<void> {
  await writeHealth(context.pool, unit.connectionId, {
    lastError: { code, message, at: new Date(context.now()).toISOString() },
  })
}

/**
 * Until a person acts. `advice` is our own sentence on what to do, where there is one. A refusal from before
 * somebody resumed the connection says nothing of it now; if it still holds, the next run meets it again.
 */
async function pause(context: UnitContext, unit: Unit, { stored }: Work, advice: string | null): Promise<void> {
  const now = await readConnection(context.pool, unit.connectionId)
  if (now.state !== stored.state) return
  const reason = advice ?? sentenceOf('credentials_refused')
  await happen(context, unit, 'pause', reason)
  await note(context, unit, 'credentials_refused', reason)
}

async function refresh(context: UnitContext, unit: Unit, work: Work): Promise<Release> {
  const { connectionId, organizationId } = unit
  const outcome = await context.vault.refresh(work.connector, work.http, connectionId, await work.credentials)
  if (!outcome.ok && outcome.retryMs === null) {
    await pause(context, unit, work, outcome.advice)
    return { nextMs: null, notBeforeMs: 0, failed: true }
  }
  if (!outcome.ok) return retry(context, unit, errorOf('connector_unreachable'), outcome.retryMs ?? BACKOFF_MS)
  if (outcome.refreshed) context.observe({ type: 'credentials_refreshed', organizationId, connectionId })
  // A fresh token that is refused as well, again and again, will not become better.
  if (unit.attempts >= REFRESHES_MAX) {
    await pause(context, unit, work, 'The CRM refuses each fresh access token.')
    return { nextMs: null, notBeforeMs: 0, failed: true }
  }
  return { nextMs: 0, notBeforeMs: 0, failed: true }
}

const REFRESHES_MAX = 5
