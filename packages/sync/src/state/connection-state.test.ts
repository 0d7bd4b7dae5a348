import { describe, expect, it } from 'vitest'
import { connectionEvents, connectionStates, lanes, lanesOf, transition } from './connection-state.ts'

describe('the state machine of a connection', () => {
  for (const state of connectionStates) {
    for (const event of connectionEvents) {
      it(`${state} × ${event} has an outcome that leads to a known state`, () => {
        const outcome = transition(state, event)
        if (typeof outcome === 'object') {
          expect(connectionStates).toContain(outcome.to)
          expect(outcome.to).not.toBe(state)
        } else {
          expect(['stay', 'refuse']).toContain(outcome)
        }
      })
    }
  }

  it('pauses from every state that works, and only a person leads out again', () => {
    for (const state of connectionStates) {
      if (lanesOf(state).length > 0) expect(transition(state, 'pause')).toEqual({ to: 'paused' })
    }
    for (const event of connectionEvents) {
      const outcome = transition('paused', event)
      expect(typeof outcome === 'object').toBe(event === 'resume' || event === 'disconnect')
    }
  })

  it('reaches live from disconnected', () => {
    let state = 'disconnected' as (typeof connectionStates)[number]
    for (const event of ['connect', 'authorized', 'matched', 'backfilled'] as const) {
      const outcome = transition(state, event)
      expect(outcome).toBeTypeOf('object')
      if (typeof outcome === 'object') state = outcome.to
    }
    expect(state).toBe('live')
  })

  it('runs nothing when paused, and never sends before the backfill has matched', () => {
    expect(lanesOf('paused')).toEqual([])
    expect(lanesOf('matching')).not.toContain('outbound')
    expect(lanesOf('backfilling')).not.toContain('outbound')
    for (const state of connectionStates) for (const lane of lanesOf(state)) expect(lanes).toContain(lane)
  })
})
