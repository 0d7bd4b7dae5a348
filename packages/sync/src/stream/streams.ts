// The event streams that a worker holds: one unit each, claimed as all units are, but kept for as long as the lease is
// renewed instead of for a slice, because a stream that is put down has to be opened again. They take no slot from the
// lanes that move data. After a while each is given back, so that workers which come later get their share.
import { isRowhouseError } from '@rowhouse/contracts'
import { publicError } from '../observe/public-reason.ts'
import { backoffMs } from '../schedule/run-unit.ts'
import type { UnitContext } from '../schedule/run-unit.ts'
import { claimUnits, releaseUnit, renewUnits } from '../schedule/units.ts'
import type { Release, Unit } from '../schedule/units.ts'
import { listen } from './listen.ts'

export interface StreamsOptions {
  readonly worker: string
  readonly leaseMs: number
  /** Streams held at one time. */
  readonly streams: number
}

interface Hold {
  readonly unit: Unit
  readonly end: AbortController
  readonly done: Promise<void>
  leaseEndMs: number
  readonly holdEndMs: number
}

/** How long a stream is held before it is anybody's again. */
const HOLD_MS = 20 * 60_000
const CLAIMED_AT_ONCE = 20

export class Streams {
  readonly #context: UnitContext
  readonly #options: StreamsOptions
  readonly #onDue: () => void
  readonly #holds = new Map<string, Hold>()
  #renewedAtMs = Number.NEGATIVE_INFINITY

  constructor(context: UnitContext, options: StreamsOptions, onDue: () => void) {
    this.#context = context
    this.#options = options
    this.#onDue = onDue
  }

  /** Keeps what is held, ends what is lost or has been held long enough, and takes what is free. */
  async tick(): Promise<void> {
    const { elapsed, pool } = this.#context
    const { leaseMs, streams, worker } = this.#options
    this.#endOverdue()
    if (elapsed() - this.#renewedAtMs >= leaseMs / 3) await this.#renew()
    const free = streams - this.#holds.size
    if (free <= 0) return
    const limit = Math.min(free, CLAIMED_AT_ONCE)
    for (const unit of await claimUnits(pool, { worker, leaseMs, limit, lanes: ['events'] })) this.#hold(unit)
  }

  async stop(): Promise<void> {
    const holds = [...this.#holds.values()]
    for (const { end } of holds) end.abort()
    await Promise.all(holds.map(({ done }) => done))
  }

  #endOverdue(): void {
    const nowMs = this.#context.elapsed()
    for (const { end, holdEndMs, leaseEndMs } of this.#holds.values())
      if (nowMs >= leaseEndMs || nowMs >= holdEndMs) end.abort()
  }

  async #renew(): Promise<void> {
    const askedMs = this.#context.elapsed()
    this.#renewedAtMs = askedMs
    const holds = [...this.#holds.values()]
    if (holds.length === 0) return
    const units = holds.map(({ unit }) => unit)
    const kept = await renewUnits(this.#context.pool, units, this.#options.leaseMs)
    for (const hold of holds)
      if (kept.has(hold.unit.connectionId)) hold.leaseEndMs = askedMs + this.#options.leaseMs
      // Taken over, or the connection was paused.
      else hold.end.abort()
  }

  #hold(unit: Unit): void {
    const nowMs = this.#context.elapsed()
    const end = new AbortController()
    const done = this.#run(unit, end.signal).finally(() => this.#holds.delete(unit.connectionId))
    const holdMs = HOLD_MS * (0.75 + this.#context.random() / 2)
    const leaseEndMs = nowMs + this.#options.leaseMs
    this.#holds.set(unit.connectionId, { unit, end, done, leaseEndMs, holdEndMs: nowMs + holdMs })
  }

  async #run(unit: Unit, signal: AbortSignal): Promise<void> {
    const { observe, pool } = this.#context
    const { connectionId, organizationId, lane } = unit
    let release: Release
    try {
      release = await listen(this.#context, unit, { signal, onDue: this.#onDue })
    } catch (error) {
      if (isRowhouseError(error) && error.code === 'lease_lost')
        return observe({ type: 'lease_lost', organizationId, connectionId, lane })
      const retryMs = Math.max(100, backoffMs(unit.attempts, this.#context.random))
      observe({ type: 'unit_failed', organizationId, connectionId, lane, ...publicError(error), retryMs })
      release = { nextMs: retryMs, notBeforeMs: retryMs, failed: true }
    }
    await releaseUnit(pool, unit, release).catch((error: unknown) => {
      observe({ type: 'worker_failed', ...publicError(error) })
    })
  }
}
