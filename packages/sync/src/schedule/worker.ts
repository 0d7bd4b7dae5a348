// A worker: asks the catalogue who has changes when it is told of one, takes due units, runs each in a slot, keeps its
// lease and gives it back. It asks by itself too, in case it was not told. Any number of workers run side by side; all they
// share is Postgres.
import { isRowhouseError, RowhouseError } from '@rowhouse/contracts'
import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { finishRemovals } from '../connections/remove.ts'
import { findConnection, writeHealth } from '../connections/store.ts'
import { eraseLeftovers } from '../credentials/store/leftovers.ts'
import { measureHealth } from '../observe/health.ts'
import { Latencies } from '../observe/latency.ts'
import { laneError, publicError } from '../observe/public-reason.ts'
import { PollMemory } from '../pull/poll-memory.ts'
import { Streams } from '../stream/streams.ts'
import type { Lane } from '../state/connection-state.ts'
import { backoffMs, retry, runUnit } from './run-unit.ts'
import type { ConnectionMemory, UnitContext } from './run-unit.ts'
import { Attention } from './attention.ts'
import { Ear } from './ear.ts'
import { releaseUnit, renewUnit, tick } from './units.ts'
import type { Release, Unit } from './units.ts'

export interface WorkerOptions {
  /** Units that run at one time in this process. @default 12 */
  readonly concurrency?: number
  /**
   * How often the catalogue is asked who has changes where nobody can tell, as behind a transaction pooler: half of it is
   * the mean delay of a change. @default 20
   */
  readonly tickMs?: number
  /** How often it is asked all the same where changes are told: as late is at most one of which nothing was heard. @default 250 */
  readonly quietTickMs?: number
  /** How long a unit stays taken when its worker dies. Calls are bounded to end within it. @default 30000 */
  readonly leaseMs?: number
  /** How long one unit may keep its slot while others wait. @default 5000 */
  readonly sliceMs?: number
  /** Event streams that this process holds open at one time, besides the units that run. @default 200 */
  readonly streams?: number
}

const defaults = {
  concurrency: 12,
  tickMs: 20,
  quietTickMs: 250,
  leaseMs: 30_000,
  sliceMs: 5000,
  streams: 200,
} as const

/** @throws RowhouseError invalid_option */
export function resolveWorkerOptions(options: WorkerOptions): Required<WorkerOptions> {
  const resolved = { ...defaults, ...options }
  const limits = {
    concurrency: [1, 1000],
    tickMs: [1, 60_000],
    quietTickMs: [1, 60_000],
    leaseMs: [200, 3_600_000],
    sliceMs: [1, 3_600_000],
    streams: [0, 10_000],
  } as const
  for (const [name, [min, max]] of Object.entries(limits)) {
    const value = resolved[name as keyof typeof limits]
    if (!Number.isInteger(value) || value < min || value > max)
      throw new RowhouseError('invalid_option', `${name} takes a whole number from ${min} to ${max}.`, {
        details: { option: name },
      })
  }
  return Object.freeze(resolved)
}

/** While changes come too fast to be told of each. */
const QUIET_TICK_MS = 10
/** Another worker may be about to take what is due. */
const DUE_MS_MIN = 5
const HEALTH_EVERY_MS = 1000
/** A connection of a million links is counted in a twentieth of the time, not in all of it. */
const MEASURE_SHARE = 20
const STREAMS_EVERY_MS = 250
const LEFTOVERS_EVERY_MS = 2000
const ERROR_PAUSE_MS = 1000
/** A worker that stops waits this long for what is under way; the lease covers the rest. */
const STOP_WAIT_MS = 20_000

export class Worker {
  readonly #context: UnitContext
  readonly #options: Required<WorkerOptions>
  readonly #name = randomUUID()
  readonly #running = new Map<string, Promise<void>>()
  readonly #memories = new Map<string, ConnectionMemory>()
  readonly #dirty = new Map<string, string>()
  readonly #stop = new AbortController()
  readonly #streams: Streams
  readonly #ear: Ear
  readonly #attention: Attention
  #snapshot: string | null = null
  #loops: Promise<unknown> = Promise.resolve()
  #isNudged = false
  #nudge: (() => void) | null = null

  /** @param url of the control login, for the connection that listens */
  constructor(context: UnitContext, url: string, options: WorkerOptions) {
    this.#context = context
    this.#options = resolveWorkerOptions(options)
    // A call has to end within the lease it began in, with one missed renewal to spare.
    if (this.#options.leaseMs < context.callTimeoutMs * 1.5)
      throw new RowhouseError(
        'invalid_option',
        `leaseMs (${this.#options.leaseMs}) has to be at least one and a half times callTimeoutMs (${context.callTimeoutMs}).`,
        { details: { option: 'leaseMs' } },
      )
    const { leaseMs, streams } = this.#options
    this.#attention = new Attention(context.pool, context.elapsed)
    const onWork = (): void => {
      this.#attention.noteTold()
      this.nudge()
    }
    const onHearing = (): void => context.observe({ type: 'hearing' })
    this.#ear = new Ear({ url, pool: context.pool, onWork, onHearing })
    this.#streams = new Streams(context, { worker: this.#name, leaseMs, streams }, () => this.nudge())
  }

  start(): void {
    this.#ear.start()
    this.#loops = Promise.all([
      this.#repeatTicks(),
      this.#repeat(HEALTH_EVERY_MS, () => this.#reportHealth()),
      this.#repeat(STREAMS_EVERY_MS, () => this.#streams.tick()),
      this.#repeat(LEFTOVERS_EVERY_MS, () => this.#eraseLeftovers()),
    ])
  }

  /** Looks for due work now instead of at the next tick; once more, where it is just looking. */
  nudge(): void {
    this.#isNudged = true
    this.#nudge?.()
  }

  /** Takes nothing new, lets what is under way end, and gives its units back. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all([this.#loops, this.#ear.stop()])
    const ended = Promise.all([...this.#running.values(), this.#streams.stop()])
    await Promise.race([ended, wait(STOP_WAIT_MS, undefined, { ref: false })])
    await this.#reportHealth(true).catch(() => {})
  }

  async #repeat(everyMs: number, work: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const isDone = await this.#attempt(work)
      await this.#pause(isDone ? everyMs : ERROR_PAUSE_MS, false)
    }
  }

  async #repeatTicks(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let nextMs = ERROR_PAUSE_MS
      // Whoever nudges from here on may have come too late for what is about to be asked.
      this.#isNudged = false
      await this.#attempt(async () => {
        nextMs = await this.#tick()
      })
      await this.#pause(nextMs, true)
    }
  }

  async #attempt(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#context.observe({ type: 'worker_failed', ...publicError(error) })
      return false
    }
  }

  /** Until the time is over, the worker stops, or, where it can be nudged, somebody nudges it. */
  async #pause(durationMs: number, isNudged: boolean): Promise<void> {
    const { signal } = this.#stop
    if (signal.aborted || (isNudged && this.#isNudged)) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, durationMs)
      signal.addEventListener('abort', end)
      if (isNudged) this.#nudge = end
    })
  }

  /** What homes and credential stores hold of connections that are gone. */
  async #eraseLeftovers(): Promise<void> {
    const { pool, rowhouse, stores } = this.#context
    await finishRemovals(pool, rowhouse)
    await eraseLeftovers(pool, stores)
  }

  /** Returns how long to wait for the next look. */
  async #tick(): Promise<number> {
    const { pool } = this.#context
    const { concurrency, leaseMs, quietTickMs, tickMs } = this.#options
    const free = concurrency - this.#running.size
    const claim = { worker: this.#name, leaseMs, limit: Math.max(0, free), lanes: this.#freeLanes() }
    const askedMs = this.#context.elapsed()
    const looked = await tick(pool, this.#snapshot, claim, quietTickMs)
    this.#snapshot = looked.snapshot
    for (const unit of looked.units) this.#begin(unit, askedMs)
    const isQuiet = await this.#attention.noteLooked(looked.woken > 0)
    const everyMs = this.#ear.isHearing ? (isQuiet ? QUIET_TICK_MS : quietTickMs) : Math.min(tickMs, quietTickMs)
    // Without a free slot there is nothing to take; whoever gives one back nudges.
    if (free <= 0 || looked.nextMs === null) return everyMs
    return Math.min(everyMs, Math.max(DUE_MS_MIN, Math.ceil(looked.nextMs)))
  }

  /** @param askedMs when the lease that it was given began at the earliest */
  #begin(unit: Unit, askedMs: number): void {
    const key = `${unit.connectionId}|${unit.lane}`
    const run = this.#run(unit, askedMs + this.#options.leaseMs).finally(() => {
      this.#running.delete(key)
      this.nudge()
    })
    this.#running.set(key, run)
  }

  /** Half of the slots are never given to the backfill: changes do not wait for it. */
  #freeLanes(): Lane[] {
    const bulk = [...this.#running.keys()].filter((key) => key.endsWith('|backfill')).length
    return bulk >= Math.max(1, this.#options.concurrency / 2)
      ? ['outbound', 'inbound']
      : ['outbound', 'inbound', 'backfill']
  }

  async #run(unit: Unit, firstEndMs: number): Promise<void> {
    const { leaseMs, sliceMs } = this.#options
    // The clock of the lease is one that nobody sets: set back, it would let a call outlast the lease it began in.
    const { elapsed, pool } = this.#context
    const sliceEndMs = elapsed() + sliceMs
    let leaseEndMs = firstEndMs
    const renewing = setInterval(() => {
      const askedMs = elapsed()
      const keep = async (): Promise<void> => {
        leaseEndMs = (await renewUnit(pool, unit, leaseMs)) ? askedMs + leaseMs : 0
      }
      // Without an answer the lease simply runs out, and says so through leftMs.
      keep().catch(() => {})
    }, leaseMs / 3)
    renewing.unref()
    let release: Release | null = null
    try {
      release = await runUnit(this.#context, unit, this.#memoryOf(unit.connectionId), {
        leftMs: () => leaseEndMs - elapsed(),
        ending: () => this.#stop.signal.aborted || elapsed() >= sliceEndMs,
      })
    } catch (error) {
      release = await this.#onError(unit, error)
    } finally {
      clearInterval(renewing)
    }
    this.#dirty.set(unit.connectionId, unit.organizationId)
    if (release !== null)
      await releaseUnit(pool, unit, release).catch((error: unknown) => {
        this.#context.observe({ type: 'worker_failed', ...publicError(error) })
      })
  }

  async #onError(unit: Unit, error: unknown): Promise<Release | null> {
    const { connectionId, organizationId, lane } = unit
    if (isRowhouseError(error) && error.code === 'lease_lost') {
      this.#context.observe({ type: 'lease_lost', organizationId, connectionId, lane })
      return null
    }
    const retryMs = Math.max(100, backoffMs(unit.attempts, this.#context.random))
    return retry(this.#context, unit, laneError(error), retryMs).catch(() => ({
      nextMs: retryMs,
      notBeforeMs: retryMs,
      failed: true,
    }))
  }

  #memoryOf(connectionId: string): ConnectionMemory {
    const known = this.#memories.get(connectionId)
    if (known !== undefined) return known
    const memory: ConnectionMemory = {
      latencies: { outbound: new Latencies(), inbound: new Latencies() },
      poll: new PollMemory(),
      clockOffsetMs: 0,
      runs: 0,
      measureAtMs: Number.NEGATIVE_INFINITY,
    }
    this.#memories.set(connectionId, memory)
    return memory
  }

  /** @param isLast the worker stops: each is measured once more, however much it takes */
  async #reportHealth(isLast = false): Promise<void> {
    const { elapsed } = this.#context
    for (const [connectionId, organizationId] of new Map(this.#dirty)) {
      if (!isLast && elapsed() < this.#memoryOf(connectionId).measureAtMs) continue
      this.#dirty.delete(connectionId)
      // One that cannot be measured, of an organization that is suspended or away, keeps no other from being shown.
      await this.#attempt(() => this.#measure(connectionId, organizationId))
    }
  }

  async #measure(connectionId: string, organizationId: string): Promise<void> {
    const { elapsed, pool, rowhouse } = this.#context
    const stored = await findConnection(pool, connectionId)
    if (stored === null) {
      // Removed meanwhile.
      this.#memories.delete(connectionId)
      return
    }
    const startedMs = elapsed()
    const health = await measureHealth(rowhouse.as({ organizationId, connectionId }), connectionId, stored.mapping)
    const memory = this.#memoryOf(connectionId)
    memory.measureAtMs = elapsed() + (elapsed() - startedMs) * MEASURE_SHARE
    const { latencies } = memory
    const outbound = latencies.outbound.percentiles() ?? stored.health.latencyMs?.outbound ?? null
    const inbound = latencies.inbound.percentiles() ?? stored.health.latencyMs?.inbound ?? null
    await writeHealth(pool, connectionId, {
      ...health,
      latencyMs: { outbound, inbound },
      ...(stored.state === 'paused' ? {} : { lastSyncedAt: new Date(this.#context.now()).toISOString() }),
    })
    // A lag grows by itself: look again until it is gone.
    if ((health.lagMs ?? 0) > 0) this.#dirty.set(connectionId, organizationId)
  }
}
