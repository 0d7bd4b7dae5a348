// Who waits for a connection, and who has one.
import type { Bounds, Door } from './door.ts'
import type { Crowd } from './refusal.ts'

export interface Waiter<C> {
  readonly door: Door<C>
  readonly organization: string | null
  readonly bounds: Bounds
  readonly resolve: (connection: C) => void
  readonly reject: (error: unknown) => void
  readonly timer: NodeJS.Timeout
  /** On the pool's clock. */
  readonly sinceMs: number
  /** A connection is being opened on its behalf. */
  covered: boolean
}

/** A connection that somebody has. */
export interface Held<C> {
  readonly door: Door<C>
  readonly organization: string | null
}

/** @param waiting those of one organization, in order */
export const crowdOf = (waiting: readonly Pick<Waiter<unknown>, 'sinceMs'>[], nowMs: number): Crowd => ({
  count: waiting.length,
  waitedMs: nowMs - (waiting[0]?.sinceMs ?? nowMs),
})
