// What a table's own traffic feels while `rowhouse adopt` makes it a protected one: a table of ten million rows of an
// application that knows nothing of it, read and written by clients all the time, and a prober on a connection of its own,
// which is watched while an answer of its is late: the longest stretch that it waits for a lock is the longest that any
// was held, and what else made it wait, the disk above all, is told apart. At the end every acknowledged write must be
// there, in the organization of its account. Latencies are compared with the same clients before the adoption began.
import { statfs } from 'node:fs/promises'

import { isRowhouseError } from '@rowhouse/contracts'
import { adopt, deriveTokenKey } from '@rowhouse/database'
import type { AdoptEvent, AdoptOptions, AdoptRun } from '@rowhouse/database'
import { Client } from 'pg'
import type { QueryResult } from 'pg'

import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY, makeDatabase } from './database.ts'
import { defaultPace } from '../packages/database/src/adopt/run-step.ts'
import { mintToken } from '../packages/testkit/src/tokens.ts'
import { median } from './rounds.ts'
import { SlowAnswers, describeSlowAnswer } from './slow-answers.ts'
import type { SlowAnswer } from './slow-answers.ts'

const DATABASE = 'rowhouse_bench_adopt'
const ORGANIZATIONS = 1000
const CLIENTS = 2
/** Between two operations of a client: load, not saturation. */
const THINK_MS = 2
const RECONNECT_MS = 200
const ATTEMPTS_MAX = 5
const TELL_EVERY_MS = 10_000
/** Twice the table, its indexes old and new, and the WAL, rounded up. */
const BYTES_PER_ROW = 1200
/** A machine that fills slower than this is not asked to rest as long, so that the run ends. */
const QUIET_ROWS_PER_SECOND = 60_000

interface Acknowledged {
  readonly id: string
  readonly account: number
}

type Log = (line: string) => void

/** Says why a connection broke: what fails on it afterwards only says that it is gone. */
async function connect(url: string, log: Log): Promise<Client> {
  const client = new Client({ connectionString: url, keepAlive: true })
  client.on('error', (error) => log(`a connection was lost: ${error.message}`))
  await client.connect()
  return client
}

/** What `--lock-timeout` and `--lock-hold` allow: the defaults, then more, so that a busy machine ends too, and shows it. */
const allowedAt = (attempt: number) => ({
  lockTimeoutMs: defaultPace.lockTimeoutMs * attempt,
  switchTimeoutMs: defaultPace.switchTimeoutMs * attempt,
  lockWaitMaxMs: 45_000,
})

/** Goes on with a new connection as a user would who runs the command again. */
async function adoptResuming(url: string, options: AdoptOptions, run: AdoptRun, log: Log): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const client = await connect(url, log)
      try {
        await adopt(client, options, { ...run, pace: { ...run.pace, ...allowedAt(attempt) } })
        return
      } finally {
        await client.end().catch(() => undefined)
      }
    } catch (error) {
      const mayResume = !isRowhouseError(error) || error.retryable
      if (!mayResume || attempt === ATTEMPTS_MAX) throw error
      log(`interrupted, going on: ${String(error)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 1000 * attempt))
  }
}

/** @throws Error before an hour is spent, where the server's disk is here and too small */
async function checkDisk(client: Client, rows: number): Promise<void> {
  const { rows: found } = await client.query<{ data_directory: string }>('show data_directory')
  const disk = await statfs(found[0]?.data_directory ?? '').catch(() => null)
  if (disk === null) return
  const free = disk.bavail * disk.bsize
  const needed = rows * BYTES_PER_ROW
  if (free < needed)
    throw new Error(`${Math.ceil(needed / 1e9)} GB are needed and ${Math.floor(free / 1e9)} GB are free.`)
}

async function build(client: Client, rows: number): Promise<void> {
  await client.query(`
    insert into rowhouse.organizations (id, slug, name)
    select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'organization-' || n, 'Organization ' || n
    from generate_series(1, ${ORGANIZATIONS}) n;
    insert into rowhouse.placements (organization_id) select id from rowhouse.organizations;
    create table accounts (id int primary key, tenant_id uuid not null);
    insert into accounts select n, ('00000000-0000-4000-8000-' || lpad((1 + n % ${ORGANIZATIONS})::text, 12, '0'))::uuid
    from generate_series(1, ${ORGANIZATIONS * 10}) n;
    create table contacts (
      id uuid not null default gen_random_uuid(),
      account_id int not null,
      email text, first_name text, last_name text, title text, touched int not null default 0
    )`)
  // In pieces, so that no statement holds the whole in memory; the keys afterwards, sorted instead of one by one.
  for (let from = 1; from <= rows; from += 500_000)
    await client.query(`
      insert into contacts (account_id, email, first_name, last_name, title)
      select 1 + (random() * ${ORGANIZATIONS * 10 - 1})::int, 'person' || n || '@example.com', 'First ' || n, 'Last ' || n, 'Title'
      from generate_series(${from}, ${Math.min(from + 499_999, rows)}) n`)
  await client.query('alter table contacts add primary key (id)')
  await client.query('alter table contacts add foreign key (account_id) references accounts')
  await client.query('create unique index contacts_email on contacts (email)')
  await client.query('vacuum analyze contacts')
}

/** Latencies of one kind of operation, ms; `since` is the index from which they count. */
class Latencies {
  readonly values: number[] = []
  async time<Result>(work: () => Promise<Result>): Promise<Result> {
    const start = performance.now()
    const result = await work()
    this.values.push(performance.now() - start)
    return result
  }
}

const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN

/** Not Math.max(...values): a million arguments overflow the stack. */
const longestOf = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), 0)

interface Load {
  readonly latencies: Latencies
  readonly probes: Latencies
  readonly acknowledged: Acknowledged[]
  readonly deleted: Set<string>
  readonly errors: unknown[]
  /** What the prober waited for. */
  readonly slow: SlowAnswers
  /** From now on every operation is a sealed transaction; resolves when none without a seal is under way. */
  seal(): Promise<void>
  stop(): Promise<void>
}

const organizationOf = (account: number): string =>
  `00000000-0000-4000-8000-${String(1 + (account % ORGANIZATIONS)).padStart(12, '0')}`

/**
 * Clients that insert, update, read and delete; a prober that reads and writes one row without a pause. All are the
 * application's login: until it is deployed anew they know nothing of Rowhouse, then they come with a seal.
 */
async function startLoad(appUrl: string, watcher: Client, probed: Acknowledged, log: Log): Promise<Load> {
  const over = new AbortController()
  let isSealed = false
  const underWay = new Set<Promise<unknown>>()
  const latencies = new Latencies()
  const probes = new Latencies()
  const acknowledged: Acknowledged[] = []
  const deleted = new Set<string>()
  const errors: unknown[] = []
  const clients = await Promise.all(Array.from({ length: CLIENTS + 1 }, () => connect(appUrl, log)))
  const slow = new SlowAnswers(clients[0] as Client, watcher)
  const { rows } = await (clients[0] as Client).query<{ database_id: string }>(
    'select database_id from rowhouse.handshake()',
  )
  const databaseId = rows[0]?.database_id ?? ''
  const key = deriveTokenKey(SIGNING_KEY, databaseId)

  const run = async (client: Client, account: number, text: string, values: unknown[]): Promise<QueryResult> => {
    if (!isSealed) return client.query(text, values)
    const claims = { org: organizationOf(account), kind: 'service', service: 'bench' }
    await client.query('begin')
    await client.query('select rowhouse.enter($1)', [mintToken({ databaseId, signingKey: SIGNING_KEY }, claims, key)])
    const result = await client.query(text, values)
    await client.query('commit')
    return result
  }
  const work = async (turn: number, client: Client): Promise<void> => {
    const account = 1 + Math.floor(Math.random() * ORGANIZATIONS * 10)
    const known = acknowledged[Math.floor(Math.random() * acknowledged.length)]
    if (turn % 4 === 0 || known === undefined) {
      const inserted = await run(
        client,
        account,
        'insert into contacts (account_id, email) values ($1, gen_random_uuid()::text) returning id',
        [account],
      )
      acknowledged.push({ id: (inserted.rows[0] as { id: string }).id, account })
    } else if (turn % 4 === 1) {
      await run(client, known.account, 'update contacts set touched = touched + 1 where id = $1', [known.id])
    } else if (turn % 64 === 2) {
      deleted.add(known.id)
      await run(client, known.account, 'delete from contacts where id = $1', [known.id])
    } else {
      await run(client, known.account, 'select * from contacts where id = $1', [known.id])
    }
  }
  const probe = (turn: number, client: Client): Promise<unknown> =>
    slow.watch(() =>
      run(
        client,
        probed.account,
        turn % 2 === 0
          ? 'select touched from contacts where id = $1'
          : 'update contacts set touched = touched + 1 where id = $1',
        [probed.id],
      ),
    )
  const loop = async (
    index: number,
    into: Latencies,
    thinkMs: number,
    once: (turn: number, client: Client) => Promise<unknown>,
  ) => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      const operation = into
        .time(() => once(turn, clients[index] as Client))
        .catch(async (error: unknown) => {
          errors.push(error)
          // Counted in errors_of_others; without the pause a server that is gone would be asked a thousand times a second.
          await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS))
          const client = clients[index] as Client
          await client.query('rollback').catch(async () => {
            await client.end().catch(() => undefined)
            clients[index] = await connect(appUrl, log).catch(() => client)
          })
        })
      underWay.add(operation)
      await operation
      underWay.delete(operation)
      if (thinkMs > 0) await new Promise((resolve) => setTimeout(resolve, thinkMs))
    }
  }
  const running = Promise.all([
    loop(0, probes, 0, probe),
    ...clients.slice(1).map((_, index) => loop(index + 1, latencies, THINK_MS, work)),
  ])
  return {
    latencies,
    probes,
    acknowledged,
    deleted,
    errors,
    slow,
    seal: async () => {
      isSealed = true
      await Promise.all(underWay)
    },
    stop: async () => {
      over.abort()
      await running
      await slow.stop()
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
    },
  }
}

async function countLost(client: Client, { acknowledged, deleted }: Load): Promise<number> {
  const kept = acknowledged.filter(({ id }) => !deleted.has(id))
  // One pass over the table: with the statistics of before, a look by key would read an organization each time.
  await client.query('set enable_nestloop = off')
  const { rows } = await client.query<{ lost: string }>(
    `select count(*) as lost
     from unnest($1::uuid[], $2::int[]) w (id, account)
     left join public.accounts a on a.id = w.account
     left join public.contacts c on c.id = w.id and c.account_id = w.account and c.organization_id = a.tenant_id
     where c.id is null`,
    [kept.map(({ id }) => id), kept.map(({ account }) => account)],
  )
  return Number(rows[0]?.lost)
}

export const adoptBench: Bench = {
  name: 'adopt',
  measures: 'rowhouse adopt on 10 million rows under reads and writes: longest wait, slowdown, rows a second',
  aims: { longest_lock_wait_ms: { max: 200 }, lost_writes: { max: 0 }, errors_of_others: { max: 0 } },
  async run({ quick, adminUrl, log }: BenchContext) {
    const rowsTotal = quick ? 500_000 : 10_000_000
    const { app } = await makeDatabase(adminUrl, DATABASE)
    const url = new URL(adminUrl)
    url.pathname = `/${DATABASE}`
    let client = await connect(url.href, log)
    await checkDisk(client, rowsTotal)
    log(`filling ${rowsTotal} rows`)
    const fillStartedAt = performance.now()
    await build(client, rowsTotal)
    const filledPerSecond = (rowsTotal / (performance.now() - fillStartedAt)) * 1000
    const rest = filledPerSecond < QUIET_ROWS_PER_SECOND ? 0.1 : 0.25
    log(
      `${Math.round(filledPerSecond)} rows a second with their indexes; the backfill rests ${rest * 100} % of the time`,
    )
    await client.query('grant select, insert, update, delete on accounts, contacts to rowhouse_app')
    const { rows: first } = await client.query<Acknowledged>('select id, account_id as account from contacts limit 1')
    const watcher = await connect(url.href, log)
    const load = await startLoad(app, watcher, first[0] as Acknowledged, log)
    const baselineMs = quick ? 10_000 : 30_000
    log(`${CLIENTS} clients and a prober, ${baselineMs / 1000} s before anything happens`)
    await new Promise((resolve) => setTimeout(resolve, baselineMs))
    const before = {
      probes: load.probes.values.length,
      others: load.latencies.values.length,
      slow: load.slow.found.length,
    }
    const options = {
      tables: ['accounts', 'contacts'],
      from: { accounts: 'tenant_id' },
      parent: { contacts: 'account_id' },
    }
    let seen = before.probes
    let rowsPerSecond = 0
    const startedAt = performance.now()
    let toldAt = 0
    let toldSlow = before.slow
    const run: AdoptRun = {
      pace: { rest },
      onEvent: (event: AdoptEvent): void => {
        if (event.type === 'waiting') log(`${event.table} waits for ${event.for}`)
        if (event.type === 'rows' && event.table.endsWith('contacts')) {
          rowsPerSecond = event.rowsPerSecond
          if (performance.now() - toldAt > TELL_EVERY_MS) {
            toldAt = performance.now()
            log(
              `${event.rowsDone} rows, ${event.rowsPerSecond} a second, page ${event.pagesDone} of ${event.pagesTotal}`,
            )
          }
        }
        if (event.type !== 'step' || event.state === 'started') return
        const longest = longestOf(load.probes.values.slice(seen))
        seen = load.probes.values.length
        log(
          `${event.table} ${event.name}: ${Math.round(event.tookMs)} ms; longest wait of the prober ${longest.toFixed(1)} ms`,
        )
        for (; toldSlow < load.slow.found.length; toldSlow += 1) {
          const answer = load.slow.found[toldSlow] as SlowAnswer
          if (answer.tookMs > 100) log(`  ${describeSlowAnswer(answer)}`)
        }
      },
    }
    await client.end().catch(() => undefined)
    await adoptResuming(url.href, options, run, log)
    const preparedMs = performance.now() - startedAt
    const unsealed = { probes: load.probes.values.length }
    log('everything is prepared: the application is deployed anew, with seals')
    await load.seal()
    await adoptResuming(url.href, options, { ...run, confirm: () => Promise.resolve(true) }, log)
    const totalMs = performance.now() - startedAt
    await load.stop()
    await watcher.end()
    client = await connect(url.href, log)
    const lost = await countLost(client, load)
    for (const error of load.errors.slice(0, 3)) log(String(error))
    await client.end()
    const after = load.probes.values.slice(before.probes)
    const during = load.probes.values.slice(before.probes, unsealed.probes)
    const calm = load.probes.values.slice(0, before.probes)
    const others = load.latencies.values
    return {
      rows: rowsTotal,
      longest_wait_ms: Number(longestOf(after).toFixed(1)),
      longest_lock_wait_ms: Number(longestOf(load.slow.found.slice(before.slow).map((a) => a.lockedMs)).toFixed(1)),
      longest_wait_before_ms: Number(longestOf(calm).toFixed(1)),
      longest_wait_of_clients_ms: Number(longestOf(others.slice(before.others)).toFixed(1)),
      prober_p50_slowdown: Number((median(during) / median(calm)).toFixed(2)),
      prober_p99_slowdown: Number((percentile(during, 0.99) / percentile(calm, 0.99)).toFixed(2)),
      backfill_rows_per_second: rowsPerSecond,
      backfill_rest: rest,
      filled_rows_per_second: Math.round(filledPerSecond),
      prepared_s: Math.round(preparedMs / 1000),
      total_s: Math.round(totalMs / 1000),
      acknowledged_writes: load.acknowledged.length,
      lost_writes: lost,
      errors_of_others: load.errors.length,
    }
  },
}
