// Who rows are planted for, and which numbers they get. A number belongs to one row of one pass, and every value is made
// from it, so that rows differ wherever their columns may and keys never meet.

/** `shared`: what belongs to nobody. `A`: the same in both worlds. `B1`, `B2`: organization B in world 1 and in world 2. */
export type Pass = 'shared' | 'A' | 'B1' | 'B2'

export interface Numbers {
  readonly first: number
  readonly rows: number
}

/** World 2 has one row more of B in every table; its numbers differ in parity, so booleans differ too. */
const numbers: Readonly<Record<Pass, Numbers>> = {
  shared: { first: 1, rows: 3 },
  A: { first: 1, rows: 3 },
  B1: { first: 11, rows: 3 },
  B2: { first: 22, rows: 4 },
}

/** One organization a pass; world 2 has one more of which A must not learn either. */
const organizations: Readonly<Record<Pass, Numbers>> = {
  shared: { first: 1, rows: 0 },
  A: { first: 1, rows: 1 },
  B1: { first: 11, rows: 1 },
  B2: { first: 22, rows: 2 },
}

/** B's own key is the same in both worlds, so that a probe can act as B, or name B, in either. */
export const KEY_OF_B = 2

export const numbersOf = (pass: Pass, isTenants: boolean): Numbers => (isTenants ? organizations : numbers)[pass]
export const organizationOf = (pass: Pass): 'A' | 'B' | null => (pass === 'shared' ? null : pass === 'A' ? 'A' : 'B')
