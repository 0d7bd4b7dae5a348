// The order in which homes are migrated: the canaries, then growing shares of the rest. What many organizations share comes
// last, because what goes wrong there goes wrong for all of them.
import type { Home } from '../ledger/homes.ts'

export interface Wave {
  /** `canary`, `25 %`, `shared`, `not answering`. */
  readonly name: string
  readonly homes: readonly Home[]
}

/** The last wave: homes whose server was gone. */
export const AWAY = 'not answering'

export interface WaveOptions {
  /** Ids or slugs of organizations that come first, beside those that are marked. */
  readonly canaries: readonly string[]
  /** Percent of the homes that have been reached when a wave is over, ascending; the last is 100. */
  readonly shares: readonly number[]
}

/** Waves without homes are left out. */
export function planWaves(homes: readonly Home[], { canaries, shares }: WaveOptions): Wave[] {
  const named = homes.filter((home) => isNamed(home, canaries))
  // Nobody else waits for a server that is gone; whoever is named goes first all the same.
  const isFirstByName = new Set(named)
  const away = homes.filter((home) => !home.isAnswering && !isFirstByName.has(home))
  const there = homes.filter((home) => home.isAnswering || isFirstByName.has(home))
  const own = there.filter(({ isolation }) => isolation !== 'shared')
  const first = named.length > 0 ? named : onePerModel(own)
  const isFirst = new Set(first)
  const rest = own.filter((home) => !isFirst.has(home))
  const waves: Wave[] = [{ name: 'canary', homes: first }]
  let reached = 0
  for (const share of shares) {
    const until = Math.ceil((rest.length * share) / 100)
    waves.push({ name: `${share} %`, homes: rest.slice(reached, until) })
    reached = until
  }
  waves.push({ name: 'shared', homes: there.filter(({ isolation }) => isolation === 'shared') })
  waves.push({ name: AWAY, homes: away })
  return waves.filter(({ homes }) => homes.length > 0)
}

/** Whether it was asked for that this home goes first. */
export function isNamed(
  { isolation, isCanary, organizationId, slug }: Home,
  canaries: WaveOptions['canaries'],
): boolean {
  return (
    isolation !== 'shared' && (isCanary || canaries.includes(organizationId ?? '') || canaries.includes(slug ?? ''))
  )
}

/** Nobody was named: one home of each model, a spare where there is one, because nobody lives there. */
function onePerModel(homes: readonly Home[]): Home[] {
  const models = new Set(homes.map(({ isolation }) => isolation))
  return [...models].flatMap((model) => {
    const all = homes.filter(({ isolation }) => isolation === model)
    const one = all.find(({ isSpare }) => isSpare) ?? all[0]
    return one === undefined ? [] : [one]
  })
}
