// When the backfill waits for others. The lag is given, as pg_stat_replication would give it.
import type { ClientBase } from 'pg'
import { describe, expect, it } from 'vitest'

import { yieldToOthers } from './backfill.ts'
import { defaultPace } from './run-step.ts'

/** Looks at these, one after the other, and tells how often it waited and what it said. */
async function look(answers: readonly { lagMs: number | null; waiting: number }[], lagMaxMs = defaultPace.lagMaxMs) {
  const left = [...answers]
  const said: string[] = []
  let waits = 0
  const client = { processID: 1, query: () => Promise.resolve({ rows: [left.shift()] }) } as unknown as ClientBase
  await yieldToOthers({
    client,
    pace: { ...defaultPace, lagMaxMs },
    now: () => 0,
    wait: () => Promise.resolve((waits += 1)),
    random: () => 0,
    checkSignal: () => undefined,
    onWaiting: (reason) => said.push(reason),
  })
  return { waits, said, left: left.length }
}

const lag = (lagMs: number | null, waiting = 0) => ({ lagMs, waiting })

describe('the backfill', () => {
  it('waits until the standby has caught up, and says so', async () => {
    expect(await look([lag(9000), lag(5001), lag(5000), lag(0)])).toEqual({
      waits: 2,
      said: ['a standby 9000 ms behind'],
      left: 1,
    })
  })

  it('goes on where no standby is far behind, or none can be seen', async () => {
    expect(await look([lag(4999)])).toEqual({ waits: 0, said: [], left: 0 })
    expect(await look([lag(null)])).toEqual({ waits: 0, said: [], left: 0 })
    expect((await look([lag(9000)], 10_000)).waits).toBe(0)
  })

  it('waits while sessions wait for a lock that it holds', async () => {
    expect(await look([lag(null, 2), lag(null)])).toEqual({ waits: 1, said: ['2 sessions that wait'], left: 0 })
  })
})
