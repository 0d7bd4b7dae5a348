// A pair of sessions, one to each world: runs a probe in both at once and says what it came to.
import type { AttackContext } from './arena.ts'
import { judge, sameLines } from './outcome/compare.ts'
import { linesOf, lost, succeeded } from './outcome/outcome.ts'
import type { Outcome } from './outcome/outcome.ts'
import type { Probe } from './probes/probe.ts'
import type { Effect } from './rules.ts'
import type { Session } from './session.ts'
import type { Witness } from './witness.ts'

/** Times a probe is run again in each world before a difference is believed. */
const REPEATS = 2
const timedOut = new Set(['57014', '55P03'])

/** Probes about rows and functions. The others are about the session or the context themselves, or differ as a rule. */
const sociable: ReadonlySet<Probe['family']> = new Set<Probe['family']>([
  'read',
  'write',
  'constraint',
  'function',
  'trigger',
  'privilege',
  'plan',
])
const mayShare = (context: AttackContext, { family, leavesTraces, countsTemporary }: Probe): boolean =>
  sociable.has(family) &&
  leavesTraces !== true &&
  countsTemporary !== true &&
  context.fresh !== true &&
  context.before === undefined

export interface Judgement {
  readonly effect: Effect | null
  /** What was seen: a text of B, the relation that changed, the two answers. */
  readonly seen: string
  /** Differs by itself. */
  readonly isNoise: boolean
  /** Why this says nothing; undefined where it does. */
  readonly notCovered?: string
  readonly outcomes: readonly [Outcome, Outcome]
}

type Tried = Pick<Probe, 'sql' | 'writes' | 'leavesTraces' | 'countsTemporary' | 'mustFail' | 'givesB'>

type Sessions = readonly [Session, Session]

export class Lane {
  readonly #open: () => Sessions
  readonly #sessions: Sessions
  /** For contexts that want sessions which nobody has used. */
  #fresh: Sessions | undefined
  readonly #witness: Witness
  readonly #equalise: (lines: readonly string[], world: 0 | 1) => string[]

  constructor(open: () => Sessions, witness: Witness, equalise: (lines: readonly string[], world: 0 | 1) => string[]) {
    this.#open = open
    this.#sessions = open()
    this.#witness = witness
    this.#equalise = equalise
  }

  get statements(): number {
    return this.#all().reduce((sum, { statements }) => sum + statements, 0)
  }

  /**
   * A probe of many: first in a transaction that others of the context share. What comes to nothing there is nothing; anything
   * else is judged in a transaction of its own.
   */
  async tryOut(context: AttackContext, probe: Probe): Promise<Judgement> {
    if (mayShare(context, probe)) {
      const outcomes = await this.#both(context, probe, true)
      if (this.#isNothing(outcomes, probe)) return { effect: null, seen: '', isNoise: false, outcomes }
    }
    return this.judge(context, probe)
  }

  async judge(context: AttackContext, probe: Tried): Promise<Judgement> {
    const outcomes = await this.#both(context, probe)
    const [here, there] = this.#lines(outcomes)
    // A function that works on its argument alone, a hash, gives what a row of B holds when it is given what is B's. One
    // that reads B's rows for it answers otherwise where they are others.
    const follows = probe.givesB === true && sameLines(here, there)
    const found = (effect: Effect, seen: string): Judgement => ({ effect, seen, isNoise: false, outcomes })
    for (const outcome of outcomes) {
      const secret = this.#witness.secretIn(outcome, probe.sql)
      if (secret !== undefined && !follows) return found('seen', `It shows ${JSON.stringify(secret)}.`)
      if (outcome.changed.length > 0) return found('changed', `Changed: ${outcome.changed.join(', ')}.`)
      if (outcome.temporaryReads > 0) return found('stood', 'A temporary table was read.')
    }
    if (probe.mustFail === true && outcomes.every(succeeded)) return found('done', 'It was done.')
    if (sameLines(here, there)) {
      const [{ sqlstate, message }] = outcomes
      if (sqlstate === lost || sqlstate.startsWith('57P'))
        return { effect: null, seen: '', isNoise: false, notCovered: `the connection was lost: ${message}`, outcomes }
      // What COPY FROM ends with here, where it is allowed and gets no rows, is the same SQLSTATE.
      if (timedOut.has(sqlstate) && !message.startsWith('COPY from stdin failed'))
        return { effect: null, seen: '', isNoise: false, notCovered: `ran into the time limit (${sqlstate})`, outcomes }
      if (sqlstate === '2D000')
        return { effect: null, seen: '', isNoise: false, notCovered: 'it ends its transaction itself', outcomes }
      return { effect: null, seen: '', isNoise: false, outcomes }
    }
    const runs: [string[][], string[][]] = [[here], [there]]
    for (let repeat = 0; repeat < REPEATS; repeat += 1) {
      const [again, thereAgain] = this.#lines(await this.#both(context, probe))
      runs[0].push(again)
      runs[1].push(thereAgain)
    }
    if (judge(runs) === 'differs') return found('differs', describeDifference(outcomes, here, there))
    return { effect: null, seen: '', isNoise: true, outcomes }
  }

  async rest(): Promise<void> {
    await Promise.all(this.#all().map((session) => session.rest()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#all().map((session) => session.close()))
  }

  async commit(context: AttackContext, sql: string): Promise<readonly [Outcome, Outcome]> {
    return Promise.all([this.#sessions[0].commit(context, sql), this.#sessions[1].commit(context, sql)])
  }

  #all(): readonly Session[] {
    return [...this.#sessions, ...(this.#fresh ?? [])]
  }

  #lines(outcomes: readonly [Outcome, Outcome]): [string[], string[]] {
    return [this.#equalise(linesOf(outcomes[0]), 0), this.#equalise(linesOf(outcomes[1]), 1)]
  }

  /** Answered alike, with no row of B seen or changed, and for a reason that says something. */
  #isNothing(outcomes: readonly [Outcome, Outcome], probe: Probe): boolean {
    const [{ sqlstate }] = outcomes
    return (
      sameLines(...this.#lines(outcomes)) &&
      !(probe.mustFail === true && outcomes.every(succeeded)) &&
      !(sqlstate === lost || sqlstate.startsWith('57P') || sqlstate === '2D000' || timedOut.has(sqlstate)) &&
      outcomes.every((outcome) => outcome.changed.length === 0 && outcome.temporaryReads === 0) &&
      outcomes.every((outcome) => this.#witness.secretIn(outcome, probe.sql) === undefined)
    )
  }

  async #both(context: AttackContext, probe: Tried, inCompany = false): Promise<[Outcome, Outcome]> {
    const [here, there] = context.fresh === true ? (this.#fresh ??= this.#open()) : this.#sessions
    return Promise.all([here.attempt(context, probe, inCompany), there.attempt(context, probe, inCompany)])
  }
}

function describeDifference(
  outcomes: readonly [Outcome, Outcome],
  here: readonly string[],
  there: readonly string[],
): string {
  const shown = outcomes.map(({ sqlstate, message, results }) =>
    succeeded({ sqlstate } as Outcome)
      ? `done, ${results.map(({ tag }) => tag).join(', ')}`
      : `${sqlstate} ${message}`.slice(0, 200),
  )
  if (shown[0] !== shown[1]) return `With other rows of B: ${shown[0] as string} / ${shown[1] as string}.`
  const place = here.findIndex((line, index) => line !== there[index])
  return `With other rows of B: ${(here[place] ?? '').slice(0, 100)} / ${(there[place] ?? 'nothing').slice(0, 100)}.`
}
