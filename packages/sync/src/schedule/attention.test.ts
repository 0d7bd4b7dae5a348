// When a worker is told so often that it asks by itself instead, and when it is told again.
import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'

import { Attention } from './attention.ts'

/** A clock and a pool that only counts: what is said to the catalogue is that writers tell nothing for a while. */
function scene(): { attention: Attention; clock: { ms: number }; said: () => number } {
  const clock = { ms: 0 }
  let said = 0
  const pool = Object.assign(new Pool(), {
    query: () => {
      said += 1
      return Promise.resolve({ rows: [] })
    },
  })
  return { attention: new Attention(pool, () => clock.ms), clock, said: () => said }
}

async function second(
  { attention, clock }: ReturnType<typeof scene>,
  { told, found }: { told: number; found: number },
): Promise<boolean> {
  let isQuiet = false
  for (let look = 0; look < 100; look += 1) {
    clock.ms += 10
    for (let count = 0; count < told / 100; count += 1) attention.noteTold()
    isQuiet = await attention.noteLooked(look < found)
  }
  return isQuiet
}

describe('a worker that is told of changes', () => {
  it('now and then goes on being told', async () => {
    const world = scene()
    for (let count = 0; count < 10; count += 1) expect(await second(world, { told: 0, found: 50 })).toBe(false)
    expect(world.said()).toBe(0)
  })

  it('more than a hundred times a second asks by itself, for as long as there is something most times, and then is told again', async () => {
    const world = scene()
    expect(await second(world, { told: 200, found: 100 })).toBe(true)
    expect(world.said()).toBeGreaterThan(0)
    const before = world.said()
    // Nobody tells it now; that it goes on finding is why it stays so.
    for (let count = 0; count < 5; count += 1) expect(await second(world, { told: 0, found: 90 })).toBe(true)
    expect(world.said()).toBeGreaterThanOrEqual(before + 4)
    await second(world, { told: 0, found: 10 })
    await second(world, { told: 0, found: 0 })
    expect(await second(world, { told: 0, found: 0 })).toBe(false)
  })
})
