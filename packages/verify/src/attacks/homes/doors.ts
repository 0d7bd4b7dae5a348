// The doors of homes, tried with what each must refuse: the login of one home with another's token, doors that are not its
// own, a token that carries no version, the shared login before a home, the catalogue's seal before rows. Tokens differ from
// good ones in the one thing that is tried.
import type { Client } from 'pg'
import type { Signer } from 'rowhouse/token'

import type { OwnHomes } from '../../model/own-homes.ts'
import type { GateFinding } from '../gate.ts'
import { ident, literal } from '../quoting.ts'
import { attackRules } from '../rules.ts'
import { attempt, mintToken, peopleOf } from '../trial.ts'
import type { Bend, People } from '../trial.ts'
import { MEMBERSHIP_VERSION } from './arena-of-homes.ts'

const SHARED = 'rowhouse_app'
const WHO = 'select rowhouse.organization_id()'
/** Newer than anything that a copy has. */
const FAR_VERSION = 900_000_000_000_000

interface Knock {
  readonly what: string
  readonly login: string
  readonly door: string
  readonly token: string
  /** Before the token is shown, in the same transaction. */
  readonly before?: string
  /** What is asked inside, in place of whose rows it sees. */
  readonly question?: string
}

export interface Tried {
  readonly findings: readonly GateFinding[]
  readonly trials: number
  readonly undecided: readonly string[]
}

/** @param admin of a world in which A and B live in `homes` */
export async function tryDoors(
  admin: Client,
  { a, b, alone }: OwnHomes,
  signer: Signer,
  organizations: { readonly a: string; readonly b: string },
): Promise<Tried> {
  const people = await peopleOf(admin, organizations)
  if (people === undefined) return { findings: [], trials: 0, undecided: ['No members of A and B could be planted.'] }
  const mint = (of: People, bend: Bend = {}): Promise<string> =>
    mintToken(admin, signer, of, { version: MEMBERSHIP_VERSION, ...bend })
  const good = await mint(people.a)
  const ofB = await mint(people.b)
  const knock = ({ login, door, token, before, question = WHO }: Knock): Promise<string | null> =>
    attempt(admin, [
      `set local session authorization ${ident(login)}`,
      ...(before === undefined ? [] : [before]),
      `select rowhouse.${door}(${literal(token)})`,
      question,
    ])

  const entered = await knock({ what: 'a good token', login: a.login, door: 'enter_home', token: good })
  if (entered !== people.a.organization) {
    return {
      findings: [],
      trials: 1,
      undecided: [`The door of ${a.schema} refuses a good token in scratch, so what it refuses proves nothing.`],
    }
  }
  const own = { login: a.login, door: 'enter_home' } as const
  const knocks: readonly Knock[] = [
    { ...own, what: 'the login of one home, with a token of another organization', token: ofB },
    { ...own, what: 'a token without a version', token: await mint(people.a, { version: null }) },
    {
      ...own,
      what: 'a token newer than what is known of the members',
      token: await mint(people.a, { version: FAR_VERSION }),
    },
    { ...own, what: 'an expired token', token: await mint(people.a, { seconds: -5 }) },
    { ...own, what: 'a token with a wrong signature', token: await mint(people.a, { signature: '0'.repeat(64) }) },
    { ...own, what: 'a token for another database', token: await mint(people.a, { database: people.a.user }) },
    { ...own, what: 'a token of a person who is no member', token: await mint(people.a, { user: people.b.user }) },
    {
      ...own,
      what: 'a second organization in one transaction',
      before: `select rowhouse.enter_home(${literal(good)})`,
      token: ofB,
    },
    // Doors that are not its own: of the shared tables, of the catalogue, and the question where another lives.
    ...['enter', 'enter_catalogue', 'placement'].flatMap((door) =>
      [good, ofB].map((token, place) => ({
        what: `the login of a home at ${door}(), with a token of ${place === 0 ? 'its own' : 'another organization'}`,
        login: a.login,
        door,
        token,
        question: 'select 1',
      })),
    ),
    ...(alone
      ? []
      : [
          {
            what: 'the shared login, with a token of an organization in a home',
            login: SHARED,
            door: 'enter',
            token: good,
          },
          { what: 'the shared login at the door of a home', login: SHARED, door: 'enter_home', token: good },
          { what: 'the seal of the catalogue as one for rows', login: SHARED, door: 'enter_catalogue', token: good },
        ]),
    ...(b === null
      ? []
      : [
          {
            what: 'the login of the other home, with a token of this one',
            login: b.login,
            door: 'enter_home',
            token: good,
          },
        ]),
  ]
  const findings: GateFinding[] = []
  for (const trial of knocks) {
    if ((await knock(trial)) === null) continue
    findings.push({
      rule: attackRules.gate,
      object: `function rowhouse.${trial.door}(text)`,
      seen: `Admitted: ${trial.what}.`,
      sql: `set local session authorization ${trial.login}; select rowhouse.${trial.door}('<${trial.what}>'); ${trial.question ?? WHO}`,
    })
  }
  return { findings, trials: knocks.length + 1, undecided: [] }
}
