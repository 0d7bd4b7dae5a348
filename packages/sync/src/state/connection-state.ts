// The life of a connection, as one complete table. Whoever changes a state asks it; nothing else
// may decide which state follows. What a state means for the lanes is `lanesOf`.
import type { ConnectionState } from '@rowhouse/contracts'

export const connectionStates = [
  'disconnected',
  'authorizing',
  'matching',
  'backfilling',
  'live',
  'degraded',
  'resyncing',
  'paused',
] as const satisfies readonly ConnectionState[]

/**
 * `connect`: a person begins · `authorized`: credentials work · `matched`: the provider is prepared ·
 * `backfilled`: every page was read · `failing`: calls fail, or work is late · `recovered`: they work
 * again · `pause`: a person, a dead grant or a breaker · `resume`: a person · `resync`: a cursor is no
 * longer valid · `disconnect`: a person ends it.
 */
export const connectionEvents = [
  'connect',
  'authorized',
  'matched',
  'backfilled',
  'failing',
  'recovered',
  'pause',
  'resume',
  'resync',
  'disconnect',
] as const
export type ConnectionEvent = (typeof connectionEvents)[number]

/** Go there, stay (the event says nothing new), or refuse with connection_wrong_state. */
export type Outcome = { readonly to: ConnectionState } | 'stay' | 'refuse'

const to = (state: ConnectionState): Outcome => ({ to: state })

const table: Readonly<Record<ConnectionState, Readonly<Record<ConnectionEvent, Outcome>>>> = {
  disconnected: {
    connect: to('authorizing'),
    authorized: 'refuse',
    matched: 'refuse',
    backfilled: 'refuse',
    failing: 'stay',
    recovered: 'stay',
    pause: 'refuse',
    resume: 'refuse',
    resync: 'refuse',
    disconnect: 'stay',
  },
  authorizing: {
    connect: 'stay',
    authorized: to('matching'),
    matched: 'refuse',
    backfilled: 'refuse',
    failing: 'stay',
    recovered: 'stay',
    pause: to('paused'),
    resume: 'refuse',
    resync: 'refuse',
    disconnect: to('disconnected'),
  },
  matching: {
    connect: 'refuse',
    authorized: 'stay',
    matched: to('backfilling'),
    backfilled: 'refuse',
    failing: 'stay',
    recovered: 'stay',
    pause: to('paused'),
    resume: 'refuse',
    resync: 'stay',
    disconnect: to('disconnected'),
  },
  backfilling: {
    connect: 'refuse',
    authorized: 'stay',
    matched: 'stay',
    backfilled: to('live'),
    failing: 'stay',
    recovered: 'stay',
    pause: to('paused'),
    resume: 'refuse',
    resync: 'stay',
    disconnect: to('disconnected'),
  },
  live: {
    connect: 'refuse',
    authorized: 'stay',
    matched: 'stay',
    backfilled: 'stay',
    failing: to('degraded'),
    recovered: 'stay',
    pause: to('paused'),
    resume: 'refuse',
    resync: to('resyncing'),
    disconnect: to('disconnected'),
  },
  degraded: {
    connect: 'refuse',
    authorized: 'stay',
    matched: 'stay',
    backfilled: 'stay',
    failing: 'stay',
    recovered: to('live'),
    pause: to('paused'),
    resume: 'refuse',
    resync: to('resyncing'),
    disconnect: to('disconnected'),
  },
  resyncing: {
    connect: 'refuse',
    authorized: 'stay',
    matched: 'stay',
    backfilled: to('live'),
    failing: 'stay',
    recovered: 'stay',
    pause: to('paused'),
    resume: 'refuse',
    resync: 'stay',
    disconnect: to('disconnected'),
  },
  // Resuming goes through matching: preparing the provider is idempotent, and a backfill that was
  // done is found done, so a live connection is live again after one step.
  paused: {
    connect: 'refuse',
    authorized: 'stay',
    matched: 'stay',
    backfilled: 'stay',
    failing: 'stay',
    recovered: 'stay',
    pause: 'stay',
    resume: to('matching'),
    resync: 'stay',
    disconnect: to('disconnected'),
  },
}

/** What `event` does to a connection in `state`. */
export function transition(state: ConnectionState, event: ConnectionEvent): Outcome {
  return table[state][event]
}

/** The independent queues of a connection's work; `events` listens, and marks what the others do. */
export const lanes = ['outbound', 'inbound', 'backfill', 'events'] as const
export type Lane = (typeof lanes)[number]

const lanesByState: Readonly<Record<ConnectionState, readonly Lane[]>> = {
  disconnected: [],
  authorizing: [],
  matching: ['backfill'],
  // Outbound waits for the backfill: a record that is not matched yet would be created twice.
  backfilling: ['backfill', 'inbound', 'events'],
  live: ['outbound', 'inbound', 'events'],
  degraded: ['outbound', 'inbound', 'events'],
  resyncing: ['outbound', 'inbound', 'backfill', 'events'],
  paused: [],
}

/** Which lanes run in a state. */
export function lanesOf(state: ConnectionState): readonly Lane[] {
  return lanesByState[state]
}
