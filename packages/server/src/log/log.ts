// Everything the server says about itself, as one union of events, written as JSON lines. Ids, codes,
// numbers; no path with a tenant's values, no header, no body, no secret has a place in it.
import { isRowhouseError } from '@rowhouse/contracts'
import type { FleetEvent } from '@rowhouse/fleet'
import type { SyncEvent } from '@rowhouse/sync'
import { pino } from 'pino'

export type ServerLogEvent =
  | { readonly type: 'started'; readonly url: string; readonly worker: boolean }
  | { readonly type: 'stopping' }
  | { readonly type: 'stopped' }
  | {
      readonly type: 'request'
      readonly requestId: string
      readonly method: string
      /** The endpoint's id, not the path: a path may hold what a person typed. */
      readonly endpoint: string
      readonly status: number
      readonly durationMs: number
      readonly actor: string
      readonly code?: string | undefined
    }
  | {
      readonly type: 'failed'
      readonly where: string
      readonly requestId?: string | undefined
      readonly name: string
      readonly code?: string | undefined
      /** Frames only: a message may quote a row. */
      readonly stack: string
    }
  | {
      /** An organization became slower than it usually is, or is no longer; the shape by its fingerprint. */
      readonly type: 'alert'
      readonly change: 'opened' | 'closed'
      readonly alertId: string
      readonly organizationId: string
      readonly fingerprint: string
      readonly factor: number
    }
  | { readonly type: 'sync'; readonly event: SyncEvent }
  | { readonly type: 'fleet'; readonly event: LoggedFleetEvent }

/** A home by its id and cluster, an error by its code. */
export interface LoggedFleetEvent {
  readonly type: FleetEvent['type']
  readonly home?: string
  readonly cluster: string
  readonly isolation?: string
  readonly step?: string
  readonly code?: string
  readonly durationMs?: number
}

/** Several for every record that is synced; told at level debug. */
const frequent = new Set<SyncEvent['type']>(['call', 'sent', 'applied', 'backfilled'])

export type Log = (event: ServerLogEvent) => void

/**
 * JSON lines, at `level` and above.
 *
 * @param file appended to. @default stderr, so that stdout stays the command's own
 */
export function createLog(level: 'debug' | 'info' | 'silent' = 'info', file?: string): Log {
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: file ?? 2, sync: false }),
  )
  return (event) => {
    if (event.type === 'failed') logger.error(event)
    else if (event.type === 'sync' && frequent.has(event.event.type)) logger.debug(event)
    else logger.info(event)
  }
}

/** What of an unexpected error may be written down. */
export function failedEvent(where: string, error: unknown, requestId?: string): ServerLogEvent {
  const named = error instanceof Error ? error : new Error('not an error')
  const code = 'code' in named && typeof named.code === 'string' ? named.code : undefined
  const frames = (named.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return { type: 'failed', where, requestId, name: named.name, code, stack: frames.slice(0, 12).join('\n') }
}

export function describeFleetEvent(event: FleetEvent): LoggedFleetEvent {
  if (event.type === 'cluster_checked') {
    return { type: event.type, cluster: event.cluster, ...(event.error !== null && { code: 'cluster_down' }) }
  }
  const { id, cluster, isolation } = event.home
  const of = { type: event.type, home: id, cluster, isolation }
  if (event.type === 'home_ready') return { ...of, durationMs: Math.round(event.durationMs) }
  if (event.type === 'home_dropped') return of
  return { ...of, step: event.step, code: isRowhouseError(event.error) ? event.error.code : 'internal' }
}
