// What a rollout says while it runs: shown as a bar on a terminal, printed as JSON lines for programs.
import type { ErrorCode } from '@rowhouse/contracts'

export type RolloutEvent =
  | {
      readonly type: 'started'
      readonly rolloutId: string
      readonly target: string
      readonly homes: number
      readonly waves: readonly { readonly name: string; readonly homes: number }[]
      readonly isResumed: boolean
    }
  | {
      readonly type: 'wave'
      readonly name: string
      readonly position: number
      readonly of: number
      readonly homes: number
    }
  | {
      readonly type: 'progress'
      readonly done: number
      readonly failed: number
      readonly blocked: number
      readonly of: number
      readonly homesPerSecond: number
      /** Null until there is something to reckon with. */
      readonly leftMs: number | null
    }
  | {
      readonly type: 'home'
      readonly state: 'failed' | 'blocked'
      readonly homeId: string
      readonly name: string
      readonly organizationId: string | null
      readonly code: ErrorCode
      readonly message: string
      readonly version: string | null
      readonly line: number | null
    }
  | { readonly type: 'verifying'; readonly homes: number }
  | { readonly type: 'waiting'; readonly homes: number; readonly forMs: number; readonly reason: string }
