// What `rowhouse.as(context)` gives: one actor in one organization. A query is one batch, [enter, statement], in one
// write and one round trip. Every way out of it either gives the connection back idle or destroys it.
import { RowhouseError } from '@rowhouse/contracts'

import type { Connection } from './connection/connection.ts'
import type { Actor } from './context.ts'
import type { QueryResult } from './driver.ts'
import { StatementWatch } from './measures/statement-watch.ts'
import { Recovery, mayRecover } from './placement/recovery.ts'
import type { Route, Router } from './placement/router.ts'
import { fromOutcome, fromQuery } from './postgres-error.ts'
import { requireAllowed, taint } from './statement-rules.ts'
import { TokenSource } from './token.ts'
import { runTransaction } from './transaction.ts'
import type { Opened, TransactionOptions, Work } from './transaction.ts'
import type { Outcome } from './wire/batch.ts'

const NO_VALUES: readonly unknown[] = []

export class Organization {
  readonly #actor: Actor
  readonly #router: Router
  readonly #tokens: TokenSource
  readonly #fixed: Route | null
  readonly #watch: StatementWatch

  /** @param fixed the one way it goes; null: wherever the organization lives */
  constructor(router: Router, actor: Actor, fixed: Route | null = null) {
    this.#router = router
    this.#actor = actor
    this.#tokens = new TokenSource(actor)
    this.#fixed = fixed
    // What is asked of the catalogue about an organization is no load of its own.
    this.#watch = new StatementWatch(fixed === null ? router.measures : null, actor)
  }

  /** The organization acted for, or null for a user without one. */
  get organizationId(): string | null {
    return this.#actor.org
  }

  /**
   * The same actor in the catalogue, wherever the organization lives: members, roles, permissions and invitations as they
   * are true now. Tenant tables are refused with `organization_moved`: the organization's rows are in its home.
   *
   * @example
   * await acme.inCatalogue().query('select rowhouse.create_invitation($1)', [email])
   */
  inCatalogue(): Organization {
    return new Organization(this.#router, this.#actor, this.#router.catalogue)
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
    const route = this.#fixed ?? this.#router.current(this.#actor)
    const connection = route?.gateway.pool.tryTake(route.gateway, this.#actor.org, route.bounds)
    const result =
      route === null || connection === undefined
        ? this.#queryLater(text, values, null)
        : this.#queryOn(route, connection, text, values, null)
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
  transaction<Value>(work: Work<Value>, options: TransactionOptions = {}): Promise<Value> {
    const { org } = this.#actor
    const connect = (recovery: Recovery): Promise<Opened> => this.#connect(recovery)
    const recovery = (): Recovery => new Recovery(this.#router, this.#actor)
    return runTransaction(
      { organization: org, tokens: this.#tokens, watch: this.#watch, connect, recovery, work },
      options,
    )
  }

  /** A connection by the way that is known, or is found. */
  async #connect(recovery: Recovery): Promise<Opened> {
    for (;;) {
      const route = this.#fixed ?? this.#router.current(this.#actor) ?? (await this.#router.find(this.#actor))
      const { gateway, bounds } = route
      try {
        return { route, connection: await gateway.pool.take(gateway, this.#actor.org, bounds) }
      } catch (error) {
        if (!(await recovery.afterConnect(error, route))) throw recovery.explain(error, route)
      }
    }
  }

  async #queryLater(text: string, values: readonly unknown[], given: Recovery | null): Promise<QueryResult> {
    const recovery = given ?? new Recovery(this.#router, this.#actor)
    const { route, connection } = await this.#connect(recovery)
    return this.#queryOn(route, connection, text, values, recovery)
  }

  #queryOn(
    route: Route,
    connection: Connection,
    text: string,
    values: readonly unknown[],
    recovery: Recovery | null,
  ): Promise<QueryResult> {
    const { gateway, entrance, home } = route
    return new Promise((resolve, reject) => {
      try {
        const enter = gateway.enter(this.#tokens, entrance, home?.version)
        const startedMs = performance.now()
        connection.run(this.#actor.org, [enter, { text, values }], (outcome) => {
          const refusal = refusalOf(outcome)
          if (refusal === null) {
            this.#watch.ended(text, startedMs, outcome)
            if (connection.broken) connection.destroy()
            gateway.pool.give(connection)
            resolve(outcome.result)
            return
          }
          if (outcome.status !== 'I' || refusal.code === 'statement_not_allowed') connection.destroy()
          // A batch that was refused before its statement, or whose statement was forgotten, has done nothing.
          if (!connection.broken && mayRecover(refusal, route, !outcome.reached)) {
            resolve(this.#again(refusal, route, connection, text, values, recovery))
            return
          }
          this.#watch.ended(text, startedMs, outcome)
          gateway.pool.give(connection)
          reject(refusal)
        })
      } catch (error) {
        gateway.pool.give(connection)
        reject(fromQuery(error))
      }
    })
  }

  async #again(
    refusal: RowhouseError,
    route: Route,
    connection: Connection,
    text: string,
    values: readonly unknown[],
    given: Recovery | null,
  ): Promise<QueryResult> {
    const recovery = given ?? new Recovery(this.#router, this.#actor)
    if (await recovery.after(refusal, route, connection)) return this.#queryLater(text, values, recovery)
    throw refusal
  }
}

function refusalOf(outcome: Outcome): RowhouseError | null {
  if (outcome.error !== null) return fromOutcome(outcome)
  const reason = taint(outcome, 'query')
  if (reason === null) return null
  return new RowhouseError('statement_not_allowed', `The connection was closed: ${reason}.`)
}
