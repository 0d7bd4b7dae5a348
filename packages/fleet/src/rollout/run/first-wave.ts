// Whether those who would go first by chance can be reached. A server may have gone away since it was looked at last, or nobody
// looks at all where no worker runs; in the first wave it would end the rollout for everybody. Whoever was named is not asked:
// that the rollout stops there is what naming asks for.
import { inParallel } from '../../in-parallel.ts'
import { databaseKeyOf } from '../ledger/homes.ts'
import type { Home } from '../ledger/homes.ts'
import { isNamed, planWaves } from './waves.ts'
import type { WaveOptions } from './waves.ts'

/** Of first waves that are chosen in turn, and of homes that are asked to stand in. */
export const ROUNDS_MAX = 10
export const AT_ONCE = 8

/** The homes, with those as not answering whose database did not when it was asked just now. */
export async function askFirstWave(
  homes: readonly Home[],
  options: WaveOptions,
  answers: (home: Home) => Promise<boolean>,
): Promise<readonly Home[]> {
  const asked = new Set<string>()
  let known = homes
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const first = planWaves(known, options).find(({ name }) => name === 'canary')?.homes ?? []
    const unknown = first.filter((home) => !isNamed(home, options.canaries) && !asked.has(databaseKeyOf(home)))
    if (unknown.length === 0) return known
    const silent = new Set<string>()
    await inParallel(unknown, AT_ONCE, async (home) => {
      asked.add(databaseKeyOf(home))
      if (!(await answers(home))) silent.add(databaseKeyOf(home))
    })
    if (silent.size === 0) return known
    known = known.map((home) => (silent.has(databaseKeyOf(home)) ? { ...home, isAnswering: false } : home))
  }
  return known
}
