// The arena of organizations that live in homes of their own: A comes by the login of its home, with a token for the home's
// door, and to the catalogue by rowhouse_app, whom the catalogue's door tells what concerns A. B is the other home, and every
// row that is B's in the shared tables.
import type { ScratchWorld, TwoWorlds } from '../../clone/clone-two-worlds.ts'
import { forAWhile, tokenOf } from '../../clone/contexts/contexts.ts'
import type { Identity } from '../../clone/contexts/contexts.ts'
import type { OwnHomes } from '../../model/own-homes.ts'
import type { Arena, AttackContext } from '../arena.ts'
import { arenaOfClone } from '../arena-of-clone.ts'
import { literal } from '../quoting.ts'

/** What every copy of an organization's members is at least of. */
export const MEMBERSHIP_VERSION = 1

export function arenaOfHomes(worlds: TwoWorlds, homes: OwnHomes): Arena {
  // The gate of the shared tables is tried there.
  return { ...arenaOfClone(worlds), contexts: contextsOf(worlds, homes), signer: null }
}

function contextsOf(worlds: TwoWorlds, { a, b, alone }: OwnHomes): AttackContext[] {
  const { signer } = worlds
  if (signer === null) return []
  const through = (door: string, whose: (world: ScratchWorld) => Identity): ((world: 0 | 1) => readonly string[]) => {
    const entering = (world: ScratchWorld): (() => readonly string[]) =>
      forAWhile(world.now, (nowMs) => [
        `select rowhouse.${door}(${literal(tokenOf(whose(world), signer, nowMs, MEMBERSHIP_VERSION))})`,
      ])
    const [first, second] = [entering(worlds.world1), entering(worlds.world2)]
    return (world) => (world === 0 ? first() : second())
  }
  return [
    {
      name: `seal of its home as ${a.login}`,
      login: a.login,
      enter: through('enter_home', (world) => world.a),
      ...(b !== null && { enterAsB: through('enter_home', (world) => world.b), loginOfB: b.login }),
      actsForA: true,
    },
    { name: `no context as ${a.login}`, login: a.login, enter: () => [], actsForA: false },
    ...(alone
      ? []
      : [
          {
            name: 'door of the catalogue as rowhouse_app',
            login: 'rowhouse_app',
            enter: through('enter_catalogue', (world) => world.a),
            // Who lives in the shared tables has no business at this door.
            ...(b !== null && { enterAsB: through('enter_catalogue', (world) => world.b) }),
            actsForA: true,
          },
        ]),
  ]
}
