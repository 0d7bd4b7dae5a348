// Whether the two worlds gave an attacker different answers. What differs from one run to the next inside a world is
// noise: random numbers, clocks, sequences. Only what is the same within each world and not across them tells of B.

export type Verdict = 'same' | 'differs' | 'noise'

/** Places where the runs of one world disagree; null when they do not even have the same length. */
function unsteady(runs: readonly (readonly string[])[]): Set<number> | null {
  const [first] = runs as [readonly string[]]
  const places = new Set<number>()
  for (const run of runs) {
    if (run.length !== first.length) return null
    for (const [place, line] of run.entries()) if (line !== first[place]) places.add(place)
  }
  return places
}

export const sameLines = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((line, place) => line === other[place])

/**
 * @param runs for each world, the lines of every time the probe ran there
 * @returns `noise` when nothing steady differs but something unsteady does
 */
export function judge(runs: readonly [readonly (readonly string[])[], readonly (readonly string[])[]]): Verdict {
  const [here, there] = runs.map(unsteady) as [Set<number> | null, Set<number> | null]
  if (here === null || there === null) return 'noise'
  const [one, other] = [runs[0][0], runs[1][0]] as [readonly string[], readonly string[]]
  if (one.length !== other.length) return 'differs'
  const steady = one.some((line, place) => !here.has(place) && !there.has(place) && line !== other[place])
  if (steady) return 'differs'
  return here.size + there.size > 0 ? 'noise' : 'same'
}
