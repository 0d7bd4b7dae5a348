import { describe, expect, it } from 'vitest'

import type { AdviceSignal } from '@rowhouse/contracts'

import { decide } from './decide.ts'
import type { Situation } from './decide.ts'

const situation = (
  exceeded: readonly AdviceSignal['signal'][] = [],
  changes: Partial<Omit<Situation, 'exceeded'>> = {},
): Situation => ({
  isolation: 'shared',
  region: 'eu',
  plan: { isolation: 'shared', region: null, ownKey: false },
  ...changes,
  exceeded: new Set(exceeded),
})
const brief = (given: Situation): unknown[] => {
  const { change, isolation, region, otherCluster } = decide(given)
  return [change, isolation, region, otherCluster]
}

describe('advice', () => {
  it.each([
    [[], ['stay', 'shared', null, false]],
    [['rows'], ['move', 'schema', null, false]],
    [['policy_time'], ['move', 'schema', null, false]],
    [
      ['rows', 'policy_time'],
      ['move', 'database', null, false],
    ],
    [
      ['rows', 'schemas'],
      ['move', 'database', null, false],
    ],
    [['schemas'], ['stay', 'shared', null, false]],
    [['connections'], ['move', 'database', null, true]],
    [['own_key'], ['move', 'database', null, true]],
  ] as const)('for one that shares tables, with %j: %j', (exceeded, advised) =>
    expect(brief(situation(exceeded))).toEqual(advised),
  )

  it('is to stay where all is well, whatever the model', () => {
    for (const isolation of ['shared', 'schema', 'database'] as const) {
      const plan = { isolation, region: 'eu', ownKey: isolation === 'database' }
      expect(brief(situation([], { isolation, plan }))).toEqual(['stay', isolation, null, false])
      expect(decide(situation([], { isolation, plan })).why).toHaveLength(1)
    }
  })

  it('follows the plan, up and down, and never below it', () => {
    const plan = { isolation: 'schema', region: null, ownKey: false } as const
    expect(brief(situation([], { plan }))).toEqual(['move', 'schema', null, false])
    expect(brief(situation([], { isolation: 'database', plan }))).toEqual(['move', 'schema', null, false])
    expect(brief(situation(['rows'], { isolation: 'database', plan }))).toEqual(['move', 'schema', null, false])
    expect(brief(situation(['connections'], { isolation: 'schema', plan }))).toEqual(['move', 'database', null, true])
  })

  it('names the region that the plan keeps it in', () => {
    const plan = { isolation: 'shared', region: 'us', ownKey: false } as const
    expect(brief(situation(['residency'], { plan }))).toEqual(['move', 'shared', 'us', true])
  })

  it('is a database where a database holds too many schemas', () => {
    const plan = { isolation: 'schema', region: null, ownKey: false } as const
    expect(brief(situation(['schemas'], { isolation: 'schema', plan }))).toEqual(['move', 'database', null, false])
  })

  it('has a reason for everything', () => {
    const { why } = decide(situation(['rows', 'policy_time', 'connections', 'own_key', 'residency']))
    expect(why).toHaveLength(4)
    expect(why.every((reason) => /^[A-Z].*\.$/.test(reason))).toBe(true)
  })
})
