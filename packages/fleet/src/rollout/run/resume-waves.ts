// The waves of a rollout that is gone on with. A server may have gone away in the middle of the first wave; whoever was in it
// by chance goes last then, as in a rollout that begins, or all others would wait for as long as the server is away. What is
// done of the first wave stays in it and is judged.
import { inParallel } from '../../in-parallel.ts'
import { databaseKeyOf } from '../ledger/homes.ts'
import type { Home } from '../ledger/homes.ts'
import { AT_ONCE, ROUNDS_MAX } from './first-wave.ts'
import { AWAY, isNamed } from './waves.ts'

/** What goes elsewhere in waves that were begun. */
export interface Rearranged {
  readonly rolloutId: string
  /** Names of all waves, in order. */
  readonly waves: readonly string[]
  /** Home to wave. */
  readonly moved: ReadonlyMap<string, number>
}

export interface BegunWaves {
  readonly rolloutId: string
  readonly waves: readonly string[]
  readonly waveOf: ReadonlyMap<string, number>
  /** Of the first wave, those that have the target. */
  readonly firstDone: readonly Home[]
  /** Homes of any wave that are done. */
  readonly done: number
}

/**
 * @param behind homes that lack the target
 * @param answers asked of homes of the first wave that nobody named, and of those that may stand in for them
 * @returns null where all stays as it is
 */
export async function rearrange(
  { rolloutId, waves, waveOf, firstDone, done }: BegunWaves,
  behind: readonly Home[],
  canaries: readonly string[],
  answers: (home: Home) => Promise<boolean>,
): Promise<Rearranged | null> {
  const known = new Map<string, Promise<boolean>>()
  const ask = (home: Home): Promise<boolean> => {
    const answer = known.get(databaseKeyOf(home)) ?? answers(home)
    known.set(databaseKeyOf(home), answer)
    return answer
  }
  const isOfFirst = ({ id }: Home): boolean => (waveOf.get(id) ?? waves.length - 1) === 0
  const silent = new Set<Home>()
  await inParallel(
    behind.filter((home) => isOfFirst(home) && !isNamed(home, canaries)),
    AT_ONCE,
    async (home) => {
      if (!(await ask(home))) silent.add(home)
    },
  )
  if (silent.size === 0) return null
  const left = [...firstDone, ...behind.filter((home) => isOfFirst(home) && !silent.has(home))]
  const standIns: Home[] = []
  for (const model of new Set([...silent].map(({ isolation }) => isolation))) {
    if (left.some(({ isolation }) => isolation === model)) continue
    const one = await standIn(
      behind.filter((home) => home.isolation === model && !isOfFirst(home)),
      ask,
    )
    if (one !== null) standIns.push(one)
  }
  // Nobody would have been first when the others get it. It stops once more then, and the next one begins anew.
  if (done === 0 && left.length === 0 && standIns.length === 0) return null
  const names = waves.length > 1 && waves.at(-1) === AWAY ? waves : [...waves, AWAY]
  return {
    rolloutId,
    waves: names,
    moved: new Map([
      ...[...silent].map(({ id }): [string, number] => [id, names.length - 1]),
      ...standIns.map(({ id }): [string, number] => [id, 0]),
    ]),
  }
}

/** A spare where there is one, because nobody lives there; never what many share, which goes last. */
async function standIn(homes: readonly Home[], ask: (home: Home) => Promise<boolean>): Promise<Home | null> {
  const able = homes.filter(
    ({ isolation, isAnswering, isMoving }) => isolation !== 'shared' && isAnswering && !isMoving,
  )
  const inTurn = [...able.filter(({ isSpare }) => isSpare), ...able.filter(({ isSpare }) => !isSpare)]
  const oneOfEach = [...new Map(inTurn.toReversed().map((home) => [databaseKeyOf(home), home])).values()].toReversed()
  for (const home of oneOfEach.slice(0, ROUNDS_MAX)) if (await ask(home)) return home
  return null
}
