// What `rowhouse.as(context)` gives: one actor in one organization. A query is one batch, [enter, statement], in one
// write and one round trip. Every way out of it either gives the connection back idle or destroys it.
import { RowhouseError } from '@rowhouse/contracts'

import type { Connection } from './connection/connection.ts'
import type { Actor } from './context.ts'
import type { QueryResult } from './driver.ts'
import { isStaleIdentity } from './gateway.ts'
import type { Gateway } from './gateway.ts'
import { fromOutcome, fromQuery } from './postgres-error.ts'
import { requireAllowed, taint } from './statement-rules.ts'
import { TokenSource } from './token.ts'
import { runTransaction } from './transaction.ts'
import type { Transaction, TransactionOptions } from './transaction.ts'
import type { Outcome } from './wire/batch.ts'

const NO_VALUES: readonly unknown[] = []
/** The place of the statement in its batch, after enter. */
const STATEMENT_STEP = 1

export class Organization {
  readonly #actor: Actor
  readonly #gateway: Gateway
  readonly #tokens: TokenSource

  constructor(gateway: Gateway, actor: Actor) {
    this.#gateway = gateway
    this.#actor = actor
    this.#tokens = new TokenSource(actor)
  }

  /** The organization acted for, or null for a user without one. */
  get organizationId(): string | null {
    return this.#actor.org
  }

  /**
   * Runs one statement as the actor, in one round trip and a transaction of its own.
   *
   * @param text one statement with $1, $2 … for values; SELECT, INSERT, UPDATE, DELETE, MERGE, WITH, VALUES, TABLE, CALL, EXPLAIN, SHOW or NOTIFY
   * @param values converted as pg converts them
   * @returns the shape of pg's QueryResult: rows, rowCount, fields, command
   * @throws RowhouseError by the code of what the database refused; its cause is pg's error
   * @example
   * const { rows } = await acme.query('select * from contacts where id = $1', [id])
   * // on the wire, as one batch: select rowhouse.enter($token); select * from contacts where id = $1; Sync
   */
  query<Row = Record<string, unknown>>(
    text: string,
    values: readonly unknown[] = NO_VALUES,
  ): Promise<QueryResult<Row>> {
    try {
      requireAllowed(text, 'query')
    } catch (error) {
      return Promise.reject(error)
    }
    const connection = this.#gateway.pool.tryTake(this.#actor.org)
    const result = connection === undefined ? this.#queryLater(text, values) : this.#queryOn(connection, text, values)
    return result as Promise<QueryResult<Row>>
  }

  /**
   * Runs `work` in one transaction, sealed for the actor. It commits when `work` resolves and rolls back when it
   * throws, or when any of its statements failed.
   *
   * @throws what `work` threw, or a RowhouseError: `serialization_failure` is retryable, and retried up to `attempts`
   * @example
   * await acme.transaction(async (tx) => {
   *   await tx.query('update contacts set title = $1 where id = $2', [title, id])
   * }) // begin; select rowhouse.enter($token) in one write · update … · commit
   */
  transaction<Value>(work: (tx: Transaction) => Promise<Value>, options: TransactionOptions = {}): Promise<Value> {
    return runTransaction(
      { gateway: this.#gateway, organization: this.#actor.org, tokens: this.#tokens, work },
      options,
    )
  }

  async #queryLater(text: string, values: readonly unknown[]): Promise<QueryResult> {
    return this.#queryOn(await this.#gateway.pool.take(this.#actor.org), text, values)
  }

  #queryOn(connection: Connection, text: string, values: readonly unknown[], retry = true): Promise<QueryResult> {
    const { pool } = this.#gateway
    return new Promise((resolve, reject) => {
      try {
        connection.run(this.#actor.org, [this.#gateway.enter(this.#tokens), { text, values }], (outcome) => {
          const refusal = refusalOf(outcome)
          if (refusal === null) {
            if (connection.broken) connection.destroy()
            pool.give(connection)
            resolve(outcome.result)
            return
          }
          if (outcome.status !== 'I' || refusal.code === 'statement_not_allowed') connection.destroy()
          if (retry && !connection.broken && isCurable(refusal, outcome)) {
            resolve(this.#retry(connection, refusal, text, values))
            return
          }
          pool.give(connection)
          reject(refusal)
        })
      } catch (error) {
        pool.give(connection)
        reject(fromQuery(error))
      }
    })
  }

  /** Once more, where the batch was refused before its statement did anything. */
  async #retry(
    connection: Connection,
    refusal: RowhouseError,
    text: string,
    values: readonly unknown[],
  ): Promise<QueryResult> {
    if (isStaleIdentity(refusal)) {
      try {
        await this.#gateway.refresh(connection)
      } catch (error) {
        this.#gateway.pool.give(connection)
        throw error
      }
    }
    return this.#queryOn(connection, text, values, false)
  }
}

/** A refused token never reached the statement; a forgotten one failed before it ran, and its batch rolled back. */
function isCurable(refusal: RowhouseError, { completed }: Outcome): boolean {
  if (isStaleIdentity(refusal)) return completed < STATEMENT_STEP
  return refusal.code === 'statement_forgotten'
}

function refusalOf(outcome: Outcome): RowhouseError | null {
  if (outcome.error !== null) return fromOutcome(outcome)
  const reason = taint(outcome, 'query')
  if (reason === null) return null
  return new RowhouseError('statement_not_allowed', `The connection was closed: ${reason}.`)
}
