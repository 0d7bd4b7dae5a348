// One connection to one world. Each attempt is rolled back: the administrator's session takes on the login of the context,
// enters, runs the probe, and, back as itself and still inside the transaction, looks whether rows of B are what they were.
// An attempt has a transaction of its own, or a savepoint in one that some probes of a context share: entering takes several
// times as long as a probe.
//
// SET SESSION AUTHORIZATION and not a login: the passwords of the roles are nobody's to know, and roles belong to the
// whole cluster. session_user and current_user are the same as after a login; what ALTER ROLE … SET would have set is
// set by hand.
import { Client } from 'pg'
import type { DatabaseError, QueryResult } from 'pg'

import type { AttackContext } from './arena.ts'
import { lost, outcomeOf, refusal } from './outcome/outcome.ts'
import type { Outcome } from './outcome/outcome.ts'
import type { Probe } from './probes/probe.ts'
import type { Witness } from './witness.ts'
import { ident, literal } from './quoting.ts'

/** Beyond the statement timeout: a function may change that for itself. */
const PATIENCE_MS = 3_000
const NOTICES_MAX = 200

const AS_ITSELF = 'reset session authorization; set local search_path = pg_catalog; set local row_security = on'
/**
 * Relations that this transaction may have written, by their oids. By its locks, of which there are few: the counters alone,
 * over all relations, took longer than most probes, and keep for a second what earlier transactions of the session did. Names
 * are read once a session: joined here, planning the joins took longer than the rest.
 */
const TOUCHED = `select distinct l.relation from pg_lock_status() l
  where l.pid = pg_backend_pid() and l.locktype = 'relation' and (
    l.mode = 'AccessExclusiveLock' or l.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock')
      and pg_stat_get_xact_tuples_inserted(l.relation) + pg_stat_get_xact_tuples_updated(l.relation) + pg_stat_get_xact_tuples_deleted(l.relation) > 0)`
const NAMES = `select c.oid, n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p', 'm') and n.nspname !~ '^pg_'`

const TEMPORARY = `select coalesce(sum(s.seq_scan + coalesce(s.idx_scan, 0)), 0) from pg_stat_xact_all_tables s
  where s.relid in (select c.oid from pg_class c where c.relpersistence = 't' and c.relnamespace = pg_my_temp_schema())`
const DEFERRED = 'set constraints all immediate'
/** Attempts that share a transaction: they hold the locks that entering took, for as long as a fraction of a second. */
export const COMPANY_MAX = 32
const SAVEPOINT = 'savepoint rowhouse_probe'
const BACK = `rollback to ${SAVEPOINT}`
/** What a probe that ended the transaction around it leaves: no savepoint, or no transaction. */
const scattered = new Set(['3B001', '25P01'])
/** Stands before the results of a probe. */
const MARKED = 'the probe of rowhouse verify'
const MARK = `select '${MARKED}'`

const asText = { getTypeParser: () => (value: string) => value }
type Raw = QueryResult<(string | null)[]>

export interface SessionOptions {
  readonly url: string
  readonly world: 0 | 1
  readonly statementTimeoutMs: number
  readonly hasDeferred: boolean
  readonly witness: Witness
}

export class Session {
  /** Statements that were sent, set-up included. */
  statements = 0
  readonly #options: SessionOptions
  #client: Client | undefined
  #notices: string[] = []
  /** Whether a transaction has failed and not been ended. */
  #isAborted = false
  /** Whose context the open transaction has entered, and how many attempts it has had. */
  #company: { readonly context: AttackContext; attempts: number } | undefined
  readonly #beginnings = new Map<string, string>()
  /** Relations by oid, as they were before anything was tried. */
  #names: ReadonlyMap<string, string> | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /**
   * Runs a probe. Most take one message: BEGIN, entering, the probe, and what ends it; the round trips were most of what an
   * attack cost.
   *
   * @param inCompany in a transaction that others of the same context share; what it comes to is to be tried alone unless it is
   *   nothing
   */
  async attempt(
    context: AttackContext,
    probe: Pick<Probe, 'sql' | 'writes' | 'leavesTraces' | 'countsTemporary'>,
    inCompany = false,
  ): Promise<Outcome> {
    const { world } = this.#options
    let client: Client
    let opening: string
    try {
      client = await this.#open()
      const joined = inCompany ? this.#join(context) : undefined
      if (joined !== undefined) {
        const outcome = await this.#run(client, joined, probe, BACK)
        if (!scattered.has(outcome.sqlstate)) return outcome
        return await this.attempt(context, probe)
      }
      const begin = await this.#beginning(client, context.login)
      if (context.before !== undefined) {
        await this.#send(client, `${this.#takeEnd()}${begin}`)
        for (const message of context.before(world)) await this.#send(client, message)
        await this.#send(client, 'commit')
      }
      const [first, ...rest] = context.enter(world)
      opening = `${this.#takeEnd()}${first === undefined ? begin : `${begin}; ${first}`}; `
      // What comes after the first is alone in its message: the door of the gateway looks at the text it came with.
      if (rest.length > 0) {
        await this.#send(client, opening)
        opening = ''
      }
      for (const message of rest) await this.#send(client, message)
    } catch (error) {
      const { code } = error as Partial<DatabaseError>
      if (code === undefined || code === lost || /^(08|57P)/.test(code) || this.#client === undefined) {
        await this.#drop()
        return refusal(Object.assign(error as Error, { code: lost }), [])
      }
      this.#isAborted = true
      const outcome = refusal(error as DatabaseError, [])
      return { ...outcome, message: `The context could not be entered: ${outcome.message}` }
    }
    if (!inCompany) return this.#run(client, opening, probe, 'rollback')
    this.#company = { context, attempts: 1 }
    return this.#run(client, `${opening}${SAVEPOINT}; `, probe, BACK)
  }

  /** What an attempt begins with in the transaction that is open; undefined where that is another's, or has had enough. */
  #join(context: AttackContext): string | undefined {
    const company = this.#company
    if (company === undefined || company.context !== context || company.attempts >= COMPANY_MAX) return undefined
    company.attempts += 1
    const isAborted = this.#isAborted
    this.#isAborted = false
    return isAborted ? `${BACK}; ` : ''
  }

  /** @param end what gives back the locks that a probe took which was done */
  async #run(
    client: Client,
    opening: string,
    probe: Pick<Probe, 'sql' | 'writes' | 'leavesTraces' | 'countsTemporary'>,
    end: 'rollback' | typeof BACK,
  ): Promise<Outcome> {
    const { hasDeferred } = this.#options
    const closing = probe.writes ? `${hasDeferred ? `${DEFERRED}; ` : ''}${AS_ITSELF}; ${TOUCHED}` : end
    let isOver = false
    try {
      this.#notices = []
      const results = await this.#send(client, `${opening}${MARK}; ${probe.sql}\n; ${closing}`)
      const start = results.findIndex(({ rows }) => rows?.[0]?.[0] === MARKED) + 1
      const last = probe.writes ? (hasDeferred ? -5 : -4) : -1
      isOver = !probe.writes
      const outcome = outcomeOf(results.slice(start, last), this.#notices.slice(0, NOTICES_MAX))
      if (!probe.writes) return outcome
      // Once the session has been itself again its transaction is at its end: not every Postgres that goes back to a savepoint
      // gives it its role again.
      this.#company = undefined
      const aftermath = await this.#aftermath(client, results.at(-1)?.rows ?? [], probe.countsTemporary === true)
      isOver = true
      return { ...outcome, ...aftermath }
    } catch (error) {
      const outcome = refusal(error as DatabaseError, this.#notices.slice(0, NOTICES_MAX))
      // A transaction that failed holds no lock any more; what ends it comes with the next.
      this.#isAborted = true
      isOver = true
      if (outcome.sqlstate === lost || outcome.sqlstate.startsWith('57P')) await this.#drop()
      return outcome
    } finally {
      // At once: while the other world still answers, its locks would hold up another lane, whose locks there may in turn
      // hold up this one. No server sees a deadlock that goes through two databases; two tables took minutes that way.
      if (!isOver && this.#client !== undefined) await this.#send(client, 'rollback').catch(() => this.#drop())
      if (probe.leavesTraces === true && this.#client !== undefined)
        await this.rest()
          .then(() => this.#send(client, 'discard all'))
          .catch(() => this.#drop())
    }
  }

  /** Runs and commits statements as a context: for what only the end of a transaction does. */
  async commit(context: AttackContext, sql: string): Promise<Outcome> {
    const client = await this.#open()
    try {
      const begin = `${this.#takeEnd()}${await this.#beginning(client, context.login)}`
      const [first, ...rest] = context.enter(this.#options.world)
      await this.#send(client, first === undefined ? begin : `${begin}; ${first}`)
      for (const message of rest) await this.#send(client, message)
      this.#notices = []
      const results = await this.#send(client, sql)
      await this.#send(client, 'commit')
      return outcomeOf(results, this.#notices)
    } catch (error) {
      await this.#send(client, 'rollback').catch(() => this.#drop())
      return refusal(error as DatabaseError, this.#notices)
    } finally {
      await this.#send(client, 'discard all').catch(() => this.#drop())
    }
  }

  /** Ends the transaction of the last attempt, which else ends where the next begins. */
  async rest(): Promise<void> {
    const client = this.#client
    this.#isAborted = false
    this.#company = undefined
    if (client !== undefined) await this.#send(client, 'rollback').catch(() => this.#drop())
  }

  /** What a message begins with where the transaction before has failed, or is one that was shared. */
  #takeEnd(): string {
    const end = this.#isAborted || this.#company !== undefined ? 'rollback; ' : ''
    this.#isAborted = false
    this.#company = undefined
    return end
  }

  async close(): Promise<void> {
    await this.#drop()
  }

  async #open(): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    const client = new Client({ connectionString: this.#options.url, application_name: 'rowhouse verify' })
    client.on('notice', ({ message, code }) => {
      // What ends a transaction that failed finds none where its text could not even be parsed.
      if (code === '25P01') return
      if (this.#notices.length <= NOTICES_MAX) this.#notices.push(message ?? '')
    })
    client.on('error', () => {
      if (this.#client !== client) return
      this.#client = undefined
      this.#company = undefined
    })
    await client.connect()
    this.#client = client
    if (this.#names === undefined) {
      const [answer] = await this.#send(client, NAMES)
      this.#names = new Map(answer?.rows.map(([oid, name]) => [oid ?? '', name ?? '']))
    }
    return client
  }

  async #drop(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#isAborted = false
    this.#company = undefined
    await client?.end().catch(() => undefined)
  }

  /** Sends one simple message; ends the connection when no answer comes in time. */
  async #send(client: Client, text: string): Promise<Raw[]> {
    this.statements += 1
    let timer: NodeJS.Timeout | undefined
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = Object.assign(new Error('No answer in time; the connection was ended.'), { code: lost })
        reject(error)
        ;(client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
      }, this.#options.statementTimeoutMs + PATIENCE_MS)
    })
    try {
      const answer = client.query({ text, rowMode: 'array', types: asText } as never) as unknown as Promise<Raw | Raw[]>
      answer.catch(() => undefined)
      const results = await Promise.race([answer, expired])
      return Array.isArray(results) ? results : [results]
    } finally {
      clearTimeout(timer)
    }
  }

  /** Begins a transaction as the login, with the settings that a log-in would give it. */
  async #beginning(client: Client, login: string): Promise<string> {
    const known = this.#beginnings.get(login)
    if (known !== undefined) return known
    await this.rest()
    const { rows } = await client.query<{ setting: string }>(
      `select unnest(s.setconfig) as setting
       from pg_db_role_setting s
       where s.setdatabase in (0, (select d.oid from pg_database d where d.datname = current_database()))
         and s.setrole in (0, (select r.oid from pg_roles r where r.rolname = $1))
       order by s.setrole, s.setdatabase`,
      [login],
    )
    const settings = rows
      .map(({ setting }) => [setting.slice(0, setting.indexOf('=')), setting.slice(setting.indexOf('=') + 1)] as const)
      .filter(([name]) => !/^(statement_timeout|lock_timeout|idle_|session_preload|local_preload|role$)/.test(name))
      .map(([name, value]) => `pg_catalog.set_config(${literal(name)}, ${literal(value)}, true)`)
    const beginning = [
      'begin',
      ...(settings.length === 0 ? [] : [`select ${settings.join(', ')}`]),
      `set local statement_timeout = ${this.#options.statementTimeoutMs}`,
      `set local lock_timeout = ${this.#options.statementTimeoutMs}`,
      `set local session authorization ${ident(login)}`,
    ].join('; ')
    this.#beginnings.set(login, beginning)
    return beginning
  }

  /** Whether rows of B are what they were in the relations that were touched; ends the transaction. */
  async #aftermath(
    client: Client,
    touched: readonly (readonly (string | null)[])[],
    countsTemporary: boolean,
  ): Promise<Pick<Outcome, 'changed' | 'temporaryReads'>> {
    const { witness, world } = this.#options
    const asked = touched.flatMap(([oid]) => {
      const name = this.#names?.get(oid ?? '') ?? ''
      const question = witness.question(name)
      return question === undefined ? [] : [{ name, question }]
    })
    const questions = [...asked.map(({ question }) => question), ...(countsTemporary ? [TEMPORARY] : []), 'rollback']
    const answers = await this.#send(client, questions.join('; '))
    return {
      changed: asked
        .filter(({ name }, place) => answers[place]?.rows[0]?.[0] !== witness.answer(world, name))
        .map(({ name }) => name),
      temporaryReads: countsTemporary ? Number(answers[asked.length]?.rows[0]?.[0] ?? 0) : 0,
    }
  }
}
