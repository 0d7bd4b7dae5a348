// One connection to one world. Each attempt is a transaction of its own that is rolled back: the administrator's
// session takes on the login of the context, enters, runs the probe, and, back as itself and still inside the
// transaction, looks whether rows of B are what they were.
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
  readonly #beginnings = new Map<string, string>()

  constructor(options: SessionOptions) {
    this.#options = options
  }

  async attempt(
    context: AttackContext,
    probe: Pick<Probe, 'sql' | 'writes' | 'leavesTraces' | 'countsTemporary'>,
  ): Promise<Outcome> {
    let client: Client
    try {
      client = await this.#open()
      const begin = await this.#beginning(client, context.login)
      if (context.before !== undefined) {
        await this.#send(client, begin)
        for (const message of context.before(this.#options.world)) await this.#send(client, message)
        await this.#send(client, 'commit')
      }
      const [first, ...rest] = context.enter(this.#options.world)
      // One message: the first of most contexts is the only one.
      await this.#send(client, first === undefined ? begin : `${begin}; ${first}`)
      for (const message of rest) await this.#send(client, message)
    } catch (error) {
      const { code } = error as Partial<DatabaseError>
      if (code === undefined || code === lost || /^(08|57P)/.test(code) || this.#client === undefined) {
        await this.#drop()
        return refusal(Object.assign(error as Error, { code: lost }), [])
      }
      const outcome = refusal(error as DatabaseError, [])
      return { ...outcome, message: `The context could not be entered: ${outcome.message}` }
    }
    try {
      this.#notices = []
      const results = await this.#send(client, probe.sql)
      if (probe.writes && this.#options.hasDeferred) await this.#send(client, 'set constraints all immediate')
      const outcome = outcomeOf(results, this.#notices.slice(0, NOTICES_MAX))
      return probe.writes ? { ...outcome, ...(await this.#aftermath(client, probe.countsTemporary === true)) } : outcome
    } catch (error) {
      const outcome = refusal(error as DatabaseError, this.#notices.slice(0, NOTICES_MAX))
      if (outcome.sqlstate === lost || outcome.sqlstate.startsWith('57P')) await this.#drop()
      return outcome
    } finally {
      // At once: while the other world still answers, its locks would hold up another lane, whose locks there may in turn
      // hold up this one. No server sees a deadlock that goes through two databases; two tables took minutes that way.
      if (this.#client !== undefined) await this.#send(client, 'rollback').catch(() => this.#drop())
      if (probe.leavesTraces === true && this.#client !== undefined)
        await this.#send(client, 'discard all').catch(() => this.#drop())
    }
  }

  /** Runs and commits statements as a context: for what only the end of a transaction does. */
  async commit(context: AttackContext, sql: string): Promise<Outcome> {
    const client = await this.#open()
    try {
      await this.#send(client, await this.#beginning(client, context.login))
      for (const message of context.enter(this.#options.world)) await this.#send(client, message)
      this.#notices = []
      const results = await this.#send(client, sql)
      await this.#send(client, 'commit')
      return outcomeOf(results, this.#notices)
    } catch (error) {
      return refusal(error as DatabaseError, this.#notices)
    } finally {
      await this.#send(client, 'rollback').catch(() => this.#drop())
      await this.#send(client, 'discard all').catch(() => this.#drop())
    }
  }

  /** Ends the transaction of the last attempt, which else ends where the next begins and holds its locks until then. */
  async rest(): Promise<void> {
    const client = this.#client
    if (client !== undefined) await this.#send(client, 'rollback').catch(() => this.#drop())
  }

  async close(): Promise<void> {
    await this.#drop()
  }

  async #open(): Promise<Client> {
    if (this.#client !== undefined) return this.#client
    const client = new Client({ connectionString: this.#options.url, application_name: 'rowhouse verify' })
    client.on('notice', ({ message }) => {
      if (this.#notices.length <= NOTICES_MAX) this.#notices.push(message ?? '')
    })
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined
    })
    await client.connect()
    this.#client = client
    return client
  }

  async #drop(): Promise<void> {
    const client = this.#client
    this.#client = undefined
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

  /** Ends what was before and begins a transaction as the login, with the settings that a log-in would give it. */
  async #beginning(client: Client, login: string): Promise<string> {
    const known = this.#beginnings.get(login)
    if (known !== undefined) return known
    await this.#send(client, 'rollback')
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
      .map(([name, value]) => `select pg_catalog.set_config(${literal(name)}, ${literal(value)}, true)`)
    const beginning = [
      'rollback',
      'begin',
      ...settings,
      `set local statement_timeout = ${this.#options.statementTimeoutMs}`,
      `set local lock_timeout = ${this.#options.statementTimeoutMs}`,
      `set local session authorization ${ident(login)}`,
    ].join('; ')
    this.#beginnings.set(login, beginning)
    return beginning
  }

  async #aftermath(client: Client, countsTemporary: boolean): Promise<Pick<Outcome, 'changed' | 'temporaryReads'>> {
    await this.#send(
      client,
      'reset session authorization; set local search_path = pg_catalog; set local row_security = on',
    )
    const touched = await this.#send(
      client,
      `select n.nspname || '.' || s.relname from pg_stat_xact_all_tables s join pg_class c on c.oid = s.relid
         join pg_namespace n on n.oid = c.relnamespace
       where s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0 and s.schemaname !~ '^pg_'
       union
       select n.nspname || '.' || c.relname from pg_locks l join pg_class c on c.oid = l.relation
         join pg_namespace n on n.oid = c.relnamespace
       where l.pid = pg_backend_pid() and l.mode = 'AccessExclusiveLock' and c.relkind in ('r', 'p') and n.nspname !~ '^pg_'`,
    )
    const changed: string[] = []
    for (const [name] of touched[0]?.rows ?? []) {
      const sum = this.#options.witness.question(name ?? '')
      if (sum === undefined) continue
      const [result] = await this.#send(client, sum)
      if (result?.rows[0]?.[0] !== this.#options.witness.answer(this.#options.world, name ?? ''))
        changed.push(name ?? '')
    }
    if (!countsTemporary) return { changed, temporaryReads: 0 }
    const reads = await this.#send(
      client,
      `select coalesce(sum(s.seq_scan + coalesce(s.idx_scan, 0)), 0) from pg_stat_xact_all_tables s
       where s.relid in (select c.oid from pg_class c where c.relpersistence = 't' and c.relnamespace = pg_my_temp_schema())`,
    )
    return { changed, temporaryReads: Number(reads[0]?.rows[0]?.[0] ?? 0) }
  }
}
