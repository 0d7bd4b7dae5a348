// Everything the engine says about itself, as one union. Ids, numbers and codes; no field of a tenant's
// record, no text of a provider and no secret has a place in it. Whoever logs or counts chooses what to show.
import type { ConnectionState } from '@rowhouse/contracts'
import type { Lane } from '../state/connection-state.ts'

interface OfConnection {
  readonly organizationId: string
  readonly connectionId: string
}

export type SyncEvent =
  | (OfConnection & {
      readonly type: 'call'
      readonly method: string
      /** Without the query, which may hold a tenant's values. */
      readonly path: string
      readonly status: number
      readonly durationMs: number
      readonly lane: string
    })
  | (OfConnection & {
      readonly type: 'state'
      readonly from: ConnectionState
      readonly to: ConnectionState
      readonly reason: string | null
    })
  | (OfConnection & {
      readonly type: 'sent'
      readonly object: string
      readonly records: number
      readonly parked: number
    })
  | (OfConnection & {
      readonly type: 'applied'
      readonly object: string
      readonly records: number
      readonly lane: Lane
    })
  | (OfConnection & { readonly type: 'backfilled'; readonly object: string; readonly records: number })
  | (OfConnection & {
      readonly type: 'unit_failed'
      readonly lane: Lane
      readonly code: string
      readonly message: string
      readonly retryMs: number
    })
  | (OfConnection & { readonly type: 'lease_lost'; readonly lane: Lane })
  | (OfConnection & { readonly type: 'credentials_refreshed' })
  | (OfConnection & { readonly type: 'removed' })
  /** The worker is told of commits from now on, and looks by itself more rarely. */
  | { readonly type: 'hearing' }
  | { readonly type: 'worker_failed'; readonly code: string; readonly message: string }

export type Observe = (event: SyncEvent) => void
