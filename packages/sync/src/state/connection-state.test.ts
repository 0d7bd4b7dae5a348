import { describe, expect, it } from 'vitest'
import type { ConnectionState } from '@rowhouse/contracts'
import { connectionEvents, connectionStates, lanes, lanesOf, transition } from './connection-state.ts'
import type { ConnectionEvent } from './connection-state.ts'

describe('the state machine of a connection', () => {
  const reaches = (state: ConnectionState, event: ConnectionEvent): ConnectionState | null => {
    const outcome = transition(state, event)
    return typeof outcome === 'object' ? outcome.to : null
  }

  it.each(connectionStates.flatMap((state) => connectionEvents.map((event) => ({ state, event }))))(
    '$state × $event leads to another known state, stays or refuses',
    ({ state, event }) => {
      const others: unknown[] = connectionStates.filter((other) => other !== state).map((other) => ({ to: other }))
      expect([...others, 'stay', 'refuse']).toContainEqual(transition(state, event))
    },
  )

  it('pauses from every state that works, and only a person leads out again', () => {
    const working = connectionStates.filter((state) => lanesOf(state).length > 0)
    expect(working.map((state) => reaches(state, 'pause'))).toEqual(working.map(() => 'paused'))
    expect(connectionEvents.filter((event) => reaches('paused', event) !== null)).toEqual(['resume', 'disconnect'])
  })

  it('reaches live from disconnected', () => {
    const path = (['connect', 'authorized', 'matched', 'backfilled'] as const).reduce<ConnectionState | null>(
      (state, event) => (state === null ? null : reaches(state, event)),
      'disconnected',
    )
    expect(path).toBe('live')
  })

  it('runs nothing when paused, and never sends before the backfill has matched', () => {
    expect(lanesOf('paused')).toEqual([])
    expect(lanesOf('matching')).not.toContain('outbound')
    expect(lanesOf('backfilling')).not.toContain('outbound')
    for (const state of connectionStates) for (const lane of lanesOf(state)) expect(lanes).toContain(lane)
  })
})
