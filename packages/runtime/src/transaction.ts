// A transaction of one actor: BEGIN and enter in one write, then its statements in the order they were asked for,
// then COMMIT or ROLLBACK. The connection goes back to the pool idle, or not at all.
import { RowhouseError } from '@rowhouse/contracts'

import type { Connection, Step } from './connection/connection.ts'
import type { QueryResult } from './driver.ts'
import type { StatementWatch } from './measures/statement-watch.ts'
import { mayRecover } from './placement/recovery.ts'
import type { Recovery } from './placement/recovery.ts'
import type { Route } from './placement/router.ts'
import { fromOutcome, fromQuery } from './postgres-error.ts'
import { expandsColumns, requireAllowed, taint } from './statement-rules.ts'
import type { TokenSource } from './token.ts'
import type { Outcome } from './wire/batch.ts'

export interface TransactionOptions {
  /** @default "read committed" */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  /** Lets nothing write. @default false */
  readonly readOnly?: boolean
  /** How often `work` may run, all told, when it collides with another transaction; 1 to 10. @default 1 */
  readonly attempts?: number
  /**
   * A statement that leaves in the write that begins the transaction, which saves its round trip; `work` is given what it
   * answered. Where it fails, `work` does not run. @default none
   */
  readonly first?: Statement
}

/** One statement, as `query` takes it. */
export interface Statement {
  readonly text: string
  readonly values?: readonly unknown[]
}

const ATTEMPTS_MAX = 10
/** statement_forgotten: with a table that changed under a statement that was parsed before. */
const collisions: ReadonlySet<string> = new Set(['serialization_failure', 'statement_forgotten'])
const isolations: ReadonlySet<string> = new Set(['read committed', 'repeatable read', 'serializable'])

const COMMIT: Step = { text: 'commit', values: [] }
const ROLLBACK: Step = { text: 'rollback', values: [] }

/** A statement that waits for its turn. */
interface Asked {
  readonly step: Step
  readonly resolve: (result: QueryResult) => void
  readonly reject: (error: unknown) => void
}

/** The handle that `work` gets; usable until `work` ends. */
export class Transaction {
  readonly #connection: Connection
  readonly #watch: StatementWatch
  #asked: Asked[] = []
  #sending: Promise<void> | null = null
  #failure: RowhouseError | null = null
  #finished = false

  constructor(connection: Connection, watch: StatementWatch) {
    this.#connection = connection
    this.#watch = watch
  }

  /** What the transaction failed with and has not recovered from by ROLLBACK TO. */
  get failure(): RowhouseError | null {
    return this.#failure
  }

  /**
   * Runs one statement in the transaction. Calls that overlap run in the order they were made, and those made in one go
   * are one round trip: where none needs what another answers, ask for all of them and then wait. Besides what
   * `acme.query` takes: SAVEPOINT, RELEASE, ROLLBACK TO, LOCK, SET LOCAL, SET CONSTRAINTS.
   *
   * @throws RowhouseError; when the database failed it, so does everything until a ROLLBACK TO or the end
   * @example
   * const [contact, notes] = await Promise.all([
   *   tx.query('select * from contacts where id = $1', [id]),
   *   tx.query('select * from notes where contact_id = $1', [id]),
   * ]) // two statements in one write
   */
  query<Row = Record<string, unknown>>(text: string, values: readonly unknown[] = []): Promise<QueryResult<Row>> {
    if (this.#finished) return Promise.reject(new RowhouseError('transaction_finished'))
    try {
      requireAllowed(text, 'transaction')
    } catch (error) {
      return Promise.reject(error)
    }
    const answer = new Promise<QueryResult>((resolve, reject) => {
      this.#asked.push({ step: stepOf({ text, values }), resolve, reject })
    })
    this.#sending ??= this.#sendAsked()
    return answer as Promise<QueryResult<Row>>
  }

  /** Takes no more statements and waits for those under way. */
  async finish(): Promise<void> {
    this.#finished = true
    await this.#sending
  }

  async #sendAsked(): Promise<void> {
    // Whoever asks for several things asks for the others now.
    await Promise.resolve()
    while (this.#asked.length > 0) {
      const asked = this.#asked
      this.#asked = []
      await this.#send(asked)
    }
    this.#sending = null
  }

  async #send(asked: readonly Asked[]): Promise<void> {
    const startedMs = performance.now()
    let outcomes: readonly Outcome[]
    try {
      outcomes = await exchangeEach(
        this.#connection,
        asked.map(({ step }) => step),
      )
    } catch (error) {
      // A value that cannot be written: nothing was sent, and it is the failure of one of them only.
      if (asked.length === 1) asked[0]?.reject(error)
      else for (const one of asked) await this.#send([one])
      return
    }
    let first: { readonly error: unknown } | null = null
    for (const [index, { step, resolve, reject }] of asked.entries()) {
      try {
        resolve(this.settle(step.text, startedMs, outcomes[index] as Outcome))
      } catch (error) {
        first ??= { error }
        // What was written behind one that failed failed for its reason, whichever of them somebody waits for.
        reject(isAborted(error) ? first.error : error)
      }
    }
  }

  /** What a statement answered, once it is known that the transaction can go on. @internal */
  settle(text: string, startedMs: number, outcome: Outcome): QueryResult {
    this.#watch.ended(text, startedMs, outcome)
    const reason = taint(outcome, 'transaction')
    if (reason !== null) {
      this.#connection.destroy()
      this.#failure = outcome.error === null ? gaveUp(reason) : fromOutcome(outcome)
      throw this.#failure
    }
    const error = outcome.error === null ? null : fromOutcome(outcome)
    // An error of this side, a type parser's, leaves the transaction as it was.
    if (outcome.status === 'E') this.#failure ??= error
    else this.#failure = null
    if (error !== null) throw error
    return outcome.result
  }
}

const IN_FAILED_TRANSACTION = '25P02'

const isAborted = (error: unknown): boolean =>
  error instanceof RowhouseError && error.details['sqlState'] === IN_FAILED_TRANSACTION

const NO_VALUES: readonly unknown[] = []

/** `select *` of a table that got a column since it was parsed fails, and with it all that the transaction did. */
const stepOf = ({ text, values = NO_VALUES }: Statement): Step => ({ text, values, once: expandsColumns(text) })

function gaveUp(reason: string): RowhouseError {
  return new RowhouseError('statement_not_allowed', `The transaction was given up: ${reason}.`)
}

/** One batch, as a promise of its outcome. */
async function exchange(send: (done: (outcome: Outcome) => void) => void): Promise<Outcome> {
  try {
    return await new Promise((resolve) => {
      send(resolve)
    })
  } catch (error) {
    throw fromQuery(error)
  }
}

/** Steps that are batches of their own, in one write, as a promise of their outcomes. */
async function exchangeEach(connection: Connection, steps: readonly Step[]): Promise<readonly Outcome[]> {
  try {
    return await new Promise((resolve) => {
      const outcomes: Outcome[] = []
      connection.continueEach(steps, (outcome) => {
        outcomes.push(outcome)
        if (outcomes.length === steps.length) resolve(outcomes)
      })
    })
  } catch (error) {
    throw fromQuery(error)
  }
}

function beginStep({ isolation = 'read committed', readOnly = false }: TransactionOptions): Step {
  if (!isolations.has(isolation)) {
    throw new RowhouseError('invalid_option', `isolation takes ${[...isolations].join(', ')}.`, {
      details: { option: 'isolation' },
    })
  }
  // Both modes are always named: the defaults are settings, which earlier SQL on the connection may have changed.
  return { text: `begin isolation level ${isolation} ${readOnly ? 'read only' : 'read write'}`, values: [] }
}

function attemptsOf({ attempts = 1 }: TransactionOptions): number {
  if (Number.isInteger(attempts) && attempts >= 1 && attempts <= ATTEMPTS_MAX) return attempts
  throw new RowhouseError('invalid_option', `attempts takes a whole number from 1 to ${ATTEMPTS_MAX}.`, {
    details: { option: 'attempts' },
  })
}

async function rollBack(connection: Connection): Promise<void> {
  if (connection.broken) return
  const { status } = await exchange((done) => {
    connection.continue([ROLLBACK], done)
  })
  if (status !== 'I') connection.destroy()
}

/** A connection, and the way by which it was come by. */
export interface Opened {
  readonly connection: Connection
  readonly route: Route
}

interface Run<Value> {
  readonly organization: string | null
  readonly tokens: TokenSource
  readonly watch: StatementWatch
  readonly begin: Step
  readonly first: Statement | null
  readonly connect: (recovery: Recovery) => Promise<Opened>
  readonly recovery: () => Recovery
  readonly work: Work<Value>
}

/** `first` is what the statement of that option answered; null without one. */
export type Work<Value> = (tx: Transaction, first: QueryResult | null) => Promise<Value>

interface Begun extends Opened {
  /** What the statement that left with the beginning led to; null without one. */
  readonly first: Outcome | null
  readonly startedMs: number
}

/** A connection in a sealed transaction. What refuses to seal it is tried again where that can help: nothing was done yet. */
async function open(run: Run<unknown>): Promise<Begun> {
  const { organization, tokens, begin, first, connect, recovery: newRecovery } = run
  const recovery = newRecovery()
  for (;;) {
    const opened = await connect(recovery)
    const { connection, route } = opened
    let refusal: RowhouseError
    try {
      const enter = route.gateway.enter(tokens, route.entrance, route.home?.version)
      const steps = first === null ? [begin, enter] : [begin, enter, stepOf(first)]
      const startedMs = performance.now()
      const outcome = await exchange((done) => {
        connection.run(organization, steps, done)
      })
      // What failed after the seal is the statement's own failure.
      if (outcome.error === null || (first !== null && outcome.reached && outcome.status !== 'broken'))
        return { ...opened, first: first === null ? null : outcome, startedMs }
      await rollBack(connection)
      refusal = fromOutcome(outcome)
    } catch (error) {
      connection.destroy()
      route.gateway.pool.give(connection)
      throw error
    }
    if (connection.broken || !mayRecover(refusal, route, true)) {
      route.gateway.pool.give(connection)
      throw refusal
    }
    if (!(await recovery.after(refusal, route, connection))) throw refusal
  }
}

async function commit(connection: Connection): Promise<void> {
  const outcome = await exchange((done) => {
    connection.continue([COMMIT], done)
  })
  if (outcome.status !== 'I') connection.destroy()
  if (outcome.error !== null) throw fromOutcome(outcome)
  if (outcome.result.command !== 'COMMIT') throw gaveUp(`COMMIT was answered with ${outcome.result.command}`)
}

async function runOnce<Value>(run: Run<Value>): Promise<Value> {
  const { connection, route, first, startedMs } = await open(run)
  let idle = false
  try {
    const tx = new Transaction(connection, run.watch)
    let value: Value
    try {
      const answered = first === null ? null : tx.settle(run.first?.text ?? '', startedMs, first)
      value = await run.work(tx, answered)
      await tx.finish()
      if (tx.failure !== null) throw tx.failure
    } catch (error) {
      await tx.finish()
      await rollBack(connection)
      idle = true
      throw error
    }
    await commit(connection)
    idle = true
    return value
  } finally {
    // Whatever threw in between, a connection that was not seen to be idle is not used again.
    if (!idle) connection.destroy()
    route.gateway.pool.give(connection)
  }
}

/** Runs `work` in a transaction, again where it collided and may. */
export async function runTransaction<Value>(
  run: Omit<Run<Value>, 'begin' | 'first'>,
  options: TransactionOptions,
): Promise<Value> {
  const attempts = attemptsOf(options)
  const begin = beginStep(options)
  const { first = null } = options
  if (first !== null) requireAllowed(first.text, 'transaction')
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce({ ...run, begin, first })
    } catch (error) {
      const collided = error instanceof RowhouseError && collisions.has(error.code)
      if (!collided || attempt >= attempts) throw error
    }
  }
}
