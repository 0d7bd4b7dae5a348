// One hold of one connection's event stream: open it after the positions that are stored, then wait, record, wait again,
// until the hold ends. A stream that fails is no failure of the connection: polling goes on, faster, and says why.
import type { Failure } from '@rowhouse/connectors'
import type { ChangeStream, Connector, StreamSession } from '@rowhouse/connectors'
import { isRowhouseError } from '@rowhouse/contracts'
import { remoteAccountOf } from '../budget/remote-account.ts'
import { readConnection } from '../connections/store.ts'
import type { StoredConnection } from '../connections/store.ts'
import type { StoredCredentials } from '../credentials/vault.ts'
import { readCursors } from '../home/cursors.ts'
import { raiseFence } from '../home/fence.ts'
import { EngineHttp } from '../http/http.ts'
import { sentenceOf } from '../observe/public-reason.ts'
import { backoffMs, happen } from '../schedule/run-unit.ts'
import type { UnitContext } from '../schedule/run-unit.ts'
import { wakeUnit } from '../schedule/units.ts'
import type { Release, Unit } from '../schedule/units.ts'
import { lanesOf } from '../state/connection-state.ts'
import { forgetPositions, recordChanges } from './record.ts'
import type { StreamScope } from './record.ts'
import { writeStreamStatus } from './status.ts'

export interface Listening {
  /** Aborted when the lease is lost, the worker stops or the hold has lasted long enough. */
  readonly signal: AbortSignal
  /** Inbound work is due. */
  readonly onDue: () => void
}

/** A stream that fails sooner than this was never well: its retries wait longer each time. */
const STEADY_MS = 30_000
/** What only a person can mend is tried again this often. */
const UNAVAILABLE_MS = 15 * 60_000
const REFRESHES_MAX = 5
/** A provider that says nothing and at once, again and again, is not asked as fast as it answers. */
const EMPTY_PAUSE_MS = 250
const EMPTY_ANSWERS_MAX = 3

interface Held {
  readonly stream: ChangeStream
  readonly connector: Connector
  readonly stored: StoredConnection
  readonly credentials: StoredCredentials
  readonly http: EngineHttp
  readonly scope: StreamScope
}

/** @throws RowhouseError lease_lost */
export async function listen(context: UnitContext, unit: Unit, listening: Listening): Promise<Release> {
  const [stored, credentials] = await Promise.all([
    readConnection(context.pool, unit.connectionId),
    context.vault.read(unit.connectionId),
  ])
  const connector = context.connectors.get(stored.connector)
  const stream = connector?.stream
  // Nothing to listen to: due again when the connection's state changes.
  if (connector === undefined || stream === undefined || !lanesOf(stored.state).includes(unit.lane))
    return { nextMs: null, notBeforeMs: 0, failed: false }
  const organization = context.rowhouse.as({ organizationId: unit.organizationId, connectionId: unit.connectionId })
  const hold = { connectionId: unit.connectionId, lane: unit.lane, epoch: unit.epoch }
  const held: Held = {
    stream,
    connector,
    stored,
    credentials,
    http: httpOf(context, unit, stored, credentials, listening.signal),
    scope: { organization, connectionId: unit.connectionId, hold },
  }
  try {
    await raiseFence(organization, hold)
    return await holdStream(context, unit, held, listening)
  } catch (error) {
    if (isRowhouseError(error) && error.code === 'organization_suspended')
      return { nextMs: SUSPENDED_MS, notBeforeMs: SUSPENDED_MS, failed: false }
    throw error
  }
}

const SUSPENDED_MS = 5000

async function holdStream(context: UnitContext, unit: Unit, held: Held, listening: Listening): Promise<Release> {
  const { http, scope, stream } = held
  const opened = await open(context, unit, held)
  if ('failure' in opened) return onFailure(context, unit, held, opened.failure, listening)
  const openedAtMs = context.now()
  let { session } = opened
  let empty = 0
  await writeStreamStatus(context.pool, unit, { state: 'connected', reason: opened.reason }, true)
  listening.onDue()
  while (!listening.signal.aborted) {
    const askedMs = context.now()
    const answer = await stream.next(http, session)
    if (listening.signal.aborted) break
    if (!answer.ok) return onFailure(context, steady(context, unit, openedAtMs), held, answer.failure, listening)
    ;({ session } = answer.value)
    const { committedAtMs, untold } = answer.value
    const isDue = await recordChanges(scope, answer.value)
    if (untold.length > 0) await happen(context, unit, 'resync', null)
    if (isDue || untold.length > 0) await wakeInbound(context, unit, listening)
    if (committedAtMs !== null) await noteEvent(context, unit, committedAtMs - (http.clockOffsetMs ?? 0))
    empty = committedAtMs === null && context.now() - askedMs < EMPTY_PAUSE_MS ? empty + 1 : 0
    if (empty > EMPTY_ANSWERS_MAX) await context.wait(EMPTY_PAUSE_MS)
  }
  await stream.close(httpOf(context, unit, held.stored, held.credentials, null), session).catch(() => {})
  return { nextMs: 0, notBeforeMs: 0, failed: false }
}

type Opened = { readonly session: StreamSession; readonly reason: string | null } | { readonly failure: Failure }

/** Opens the stream; where a position is lost, what came after it is read anew before the stream begins without it. */
async function open(context: UnitContext, unit: Unit, { http, scope, stored, stream }: Held): Promise<Opened> {
  const cursors = await readCursors(scope.organization, scope.connectionId, 'events')
  const wanted = stored.mapping.map(({ object }) => ({
    object,
    position: (cursors.get(object)?.position as string | null | undefined) ?? null,
  }))
  const first = await stream.open(http, wanted)
  if (!first.ok) return first
  const lost = first.value.refused.filter(({ failure }) => failure.action === 'resync').map(({ object }) => object)
  if (lost.length === 0) return admitted(first.value.session, first.value.refused, wanted.length)
  await stream.close(http, first.value.session)
  // Listening begins before anything is read anew, so that nothing falls between the two.
  const again = await stream.open(
    http,
    wanted.map(({ object, position }) => ({ object, position: lost.includes(object) ? null : position })),
  )
  if (!again.ok) return again
  await forgetPositions(scope, lost)
  await happen(context, unit, 'resync', null)
  return admitted(again.value.session, again.value.refused, wanted.length)
}

/** A stream of some objects is one; of none it is the failure of the first. */
function admitted(session: StreamSession, refused: readonly { readonly failure: Failure }[], objects: number): Opened {
  const [first] = refused
  if (first !== undefined && refused.length >= objects) return { failure: first.failure }
  return { session, reason: first === undefined ? null : reasonOf(first.failure) }
}

const reasonOf = (failure: Failure): string =>
  (failure.action === 'pause' ? failure.advice : null) ?? sentenceOf('connector_failed')

const steady = (context: UnitContext, unit: Unit, openedAtMs: number): Unit =>
  context.now() - openedAtMs < STEADY_MS ? unit : { ...unit, attempts: 0 }

/** Never a pause of the connection: what is dead for the stream only is dead for the stream only. */
async function onFailure(
  context: UnitContext,
  unit: Unit,
  held: Held,
  failure: Failure,
  listening: Listening,
): Promise<Release> {
  if (listening.signal.aborted) return { nextMs: 0, notBeforeMs: 0, failed: false }
  const { connectionId } = unit
  if (failure.action === 'refresh_credentials' && unit.attempts < REFRESHES_MAX) {
    const outcome = await context.vault.refresh(held.connector, held.http, connectionId, held.credentials)
    if (outcome.ok) {
      if (outcome.refreshed)
        context.observe({ type: 'credentials_refreshed', organizationId: unit.organizationId, connectionId })
      await down(context, unit, 'reconnecting', null, listening)
      return { nextMs: 0, notBeforeMs: 0, failed: true }
    }
  }
  if (failure.action !== 'retry') {
    const reason = failure.action === 'refresh_credentials' ? sentenceOf('credentials_refused') : reasonOf(failure)
    await down(context, unit, 'unavailable', reason, listening)
    return { nextMs: UNAVAILABLE_MS, notBeforeMs: UNAVAILABLE_MS, failed: true }
  }
  const retryMs = Math.max(failure.afterMs ?? 0, unit.attempts === 0 ? 0 : backoffMs(unit.attempts, context.random))
  await down(context, unit, 'reconnecting', sentenceOf('connector_unreachable'), listening)
  return { nextMs: retryMs, notBeforeMs: retryMs, failed: true }
}

async function down(
  context: UnitContext,
  unit: Unit,
  state: 'reconnecting' | 'unavailable',
  reason: string | null,
  listening: Listening,
): Promise<void> {
  await writeStreamStatus(context.pool, unit, { state, reason })
  listening.onDue()
}

async function wakeInbound(context: UnitContext, unit: Unit, { onDue }: Listening): Promise<void> {
  await wakeUnit(context.pool, unit.connectionId, 'inbound')
  onDue()
}

async function noteEvent(context: UnitContext, unit: Unit, committedAtMs: number): Promise<void> {
  const lagMs = Math.max(0, Math.round(context.now() - committedAtMs))
  const lastEventAt = new Date(committedAtMs).toISOString()
  await writeStreamStatus(context.pool, unit, { lastEventAt, lagMs })
}

function httpOf(
  context: UnitContext,
  unit: Unit,
  stored: StoredConnection,
  credentials: StoredCredentials,
  signal: AbortSignal | null,
): EngineHttp {
  const { budgets, callTimeoutMs, now, observe, redact, wait } = context
  const { connectionId, organizationId } = unit
  return new EngineHttp({
    baseUrl: stored.baseUrl,
    tokenUrl: stored.tokenUrl,
    accessToken: () => credentials.accessToken,
    budgets: context.connectors.get(stored.connector)?.describe().budgets ?? [],
    take: (budget) => budgets.take(remoteAccountOf(stored), budget, 'live'),
    timeoutMs: callTimeoutMs,
    // A poll outlasts a lease that is renewed under it; losing the lease aborts it.
    leftMs: null,
    budgetWaitMs: callTimeoutMs,
    wait,
    now,
    redact,
    onAnswer: () => {},
    observe: (call) => observe({ type: 'call', organizationId, connectionId, lane: unit.lane, ...call }),
    ...(signal === null ? {} : { signal }),
  })
}
