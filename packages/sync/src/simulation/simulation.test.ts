import { describe, expect, it } from 'vitest'
import { simulate } from './simulate.ts'
import type { Mend } from './engine.ts'

const SEEDS = 2000
/** Seeds that are tried before a mend counts as one that nothing needs. */
const SEEDS_WITHOUT = 3000

/** Of a busy machine; a quiet one needs a few seconds. */

describe('random schedules', () => {
  it(`converge, without echo, doubles or silent loss: ${SEEDS} seeds`, () => {
    const failures = Array.from({ length: SEEDS }, (_, seed) => ({ seed, wrong: simulate(seed, null) })).filter(
      ({ wrong }) => wrong !== null,
    )
    expect(failures.slice(0, 5)).toEqual([])
  })

  it.each([1, 2, 3, 4, 5, 6, 7, 10] as const)('fail without mend %i', (mend: Mend) => {
    const failing = Array.from({ length: SEEDS_WITHOUT }, (_, seed) => seed).find(
      (seed) => simulate(seed, mend) !== null,
    )
    expect(failing).toBeDefined()
  })
})
