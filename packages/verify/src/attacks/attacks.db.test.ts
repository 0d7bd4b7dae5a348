// The attacks on what protect() makes: nothing is found, and what no schema prevents is said once.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { runAttacks } from './run-attacks.ts'
import { makeProtected } from './test-arena.ts'
import type { Protected } from './test-arena.ts'

let ground: Protected
beforeAll(async () => {
  ground = await makeProtected()
})
afterAll(() => ground.drop())

describe('what protect makes', () => {
  // `npm run soak -- verify` does so with twenty seeds, each with other rows and another order.
  it('is apart: no finding in any context', async () => {
    const { findings, undecided, coverage } = await runAttacks(ground.arena, {
      attackSeconds: 900,
      statementTimeoutMs: 10_000,
    })
    expect(findings).toEqual([])
    expect(undecided).toEqual([])
    expect(coverage.cells).toBeGreaterThan(1_000)
    expect(coverage.limits).toEqual(expect.arrayContaining([expect.stringContaining('pg_class.reltuples')]))
  })
})
