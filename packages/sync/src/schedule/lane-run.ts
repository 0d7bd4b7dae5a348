// What every lane is given for one run, and what it answers. A run is bounded: it ends after a slice of
// work and says when it wants to go on, so that one connection's queue never holds up another's.
import type { Connector, Failure } from '@rowhouse/connectors'
import type { ConnectionState } from '@rowhouse/contracts'
import type { ConnectionScope } from '../apply/scope.ts'
import type { EngineHttp } from '../http/http.ts'
import type { Observe } from '../observe/events.ts'
import type { Latencies } from '../observe/latency.ts'
import type { ConnectionEvent } from '../state/connection-state.ts'
import type { PollMemory } from '../pull/poll-memory.ts'

export interface LaneRun {
  readonly scope: ConnectionScope
  readonly connector: Connector
  readonly http: EngineHttp
  readonly observe: Observe
  readonly now: () => number
  readonly pollIntervalMs: number
  /** How often the connection's event stream was opened; 0: never. */
  readonly streamOpens: number
  /** Since when it has been open, epoch milliseconds. */
  readonly streamSinceMs: number
  /** Whether polls are rare because the stream tells of changes. */
  readonly isStreamRelied: boolean
  /** Polling found a change of this object that the stream should have told. */
  readonly missed: (object: string) => Promise<void>
  readonly deletesAllowed: boolean
  readonly state: ConnectionState
  readonly latencies: { readonly outbound: Latencies; readonly inbound: Latencies }
  readonly pollMemory: PollMemory
  /** Once a call can be made: with credentials, and while a part of the budget is asked for. */
  readonly ready: () => Promise<void>
  /** Moves the connection through its state machine. */
  readonly happen: (event: ConnectionEvent, reason: string | null) => Promise<void>
  /** Whether the run should end soon: the worker stops, or its slice is over. */
  readonly ending: () => boolean
}

export type LaneEnd =
  /** `nextMs` null: nothing to do until somebody wakes it. */
  { readonly kind: 'done'; readonly nextMs: number | null } | { readonly kind: 'failed'; readonly failure: Failure }

export const done = (nextMs: number | null): LaneEnd => ({ kind: 'done', nextMs })
export const failed = (failure: Failure): LaneEnd => ({ kind: 'failed', failure })
