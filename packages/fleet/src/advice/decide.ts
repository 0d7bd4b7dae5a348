// From signals to advice: pure, so that every case can be looked at. The plan's model is the least that is advised; signals
// only ask for more.
import type { Advice, AdviceSignal } from '@rowhouse/contracts'

import type { Isolation } from '../provision/clusters/cluster.ts'

export const thresholds = { rows: 10_000_000, policyTimeMs: 5, connectionsPercent: 80, schemas: 50 } as const

const order: readonly Isolation[] = ['shared', 'schema', 'database']
const more = (a: Isolation, b: Isolation): Isolation => (order.indexOf(a) >= order.indexOf(b) ? a : b)
const homes: Record<Isolation, string> = {
  shared: 'shared tables',
  schema: 'a schema of its own',
  database: 'a database of its own',
}

export interface Situation {
  readonly isolation: Isolation
  readonly region: string
  readonly plan: { readonly isolation: Isolation; readonly region: string | null; readonly ownKey: boolean }
  readonly exceeded: ReadonlySet<AdviceSignal['signal']>
}

/** What to do, and a sentence for each reason. */
export function decide({ isolation, region, plan, exceeded }: Situation): Advice['advises'] {
  const why: string[] = []
  let wanted: Isolation = plan.isolation
  if (plan.isolation !== isolation) why.push(`Its plan asks for ${homes[plan.isolation]}.`)

  const isLarge = exceeded.has('rows')
  const isHeldUp = exceeded.has('policy_time')
  if (isLarge && isHeldUp) {
    wanted = more(wanted, 'database')
    why.push(
      'It has so many rows that policies take their time over them: a database of its own has its own memory, vacuum and plans.',
    )
  } else if (isLarge) {
    wanted = more(wanted, 'schema')
    why.push(
      'It has so many rows that its tables and indexes should be its own: those of others are vacuumed and read without them.',
    )
  } else if (isHeldUp) {
    wanted = more(wanted, 'schema')
    why.push(
      'Policies take long over the tables that it shares; in tables of its own they find nobody else’s rows. Look at them first: rowhouse verify.',
    )
  }
  const isCrowded = exceeded.has('connections')
  if (isCrowded) {
    wanted = more(wanted, 'database')
    why.push('The connections of its server are nearly used up; another home on the same server would not change that.')
  }
  if (exceeded.has('own_key')) {
    wanted = more(wanted, 'database')
    why.push('Its plan owes it a key of its own, and what rests in tables or a server with others cannot have one.')
  }
  if (exceeded.has('schemas') && wanted === 'schema') {
    wanted = 'database'
    why.push(
      'Its database holds so many schemas that each rollout and each backup takes long; another one is better off in a database.',
    )
  }
  const isElsewhere = exceeded.has('residency')
  if (isElsewhere) why.push(`Its plan keeps it in the region ${plan.region}, and it is in ${region}.`)

  // Nobody is advised to give up what they have: that they need less is for the plan to say.
  const kept = plan.isolation === isolation ? more(wanted, isolation) : wanted
  const change = kept !== isolation || isElsewhere || isCrowded ? 'move' : 'stay'
  if (change === 'stay') why.push(`Nothing speaks against ${homes[isolation]}.`)
  return {
    change,
    isolation: kept,
    region: isElsewhere ? plan.region : null,
    otherCluster: isCrowded || isElsewhere || exceeded.has('own_key'),
    why,
  }
}
