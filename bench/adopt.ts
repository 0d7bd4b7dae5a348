// What a table's own traffic feels while `rowhouse adopt` makes it a protected one: a table of ten million rows of an
// application that knows nothing of it, read and written by clients all the time, and a prober on a connection of its own
// whose longest answer is the longest that any lock was held or waited for. At the end every acknowledged write must be
// there, in the organization of its account. Latencies are compared with the same clients before the adoption began.
import { adopt, deriveTokenKey } from '@rowhouse/database'
import type { AdoptEvent } from '@rowhouse/database'
import { Client } from 'pg'
import type { QueryResult } from 'pg'

import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY, makeDatabase } from './database.ts'
import { mintToken } from '../packages/testkit/src/tokens.ts'
import { median } from './rounds.ts'

const DATABASE = 'rowhouse_bench_adopt'
const ORGANIZATIONS = 1000
const CLIENTS = 2
/** Between two operations of a client: load, not saturation. */
const THINK_MS = 2

interface Acknowledged {
  readonly id: string
  readonly account: number
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

interface Load {
  readonly latencies: Latencies
  readonly probes: Latencies
  readonly acknowledged: Acknowledged[]
  readonly deleted: Set<string>
  readonly errors: unknown[]
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
async function startLoad(appUrl: string, probed: Acknowledged): Promise<Load> {
  const over = new AbortController()
  let isSealed = false
  const underWay = new Set<Promise<unknown>>()
  const latencies = new Latencies()
  const probes = new Latencies()
  const acknowledged: Acknowledged[] = []
  const deleted = new Set<string>()
  const errors: unknown[] = []
  const clients = await Promise.all(
    Array.from({ length: CLIENTS + 1 }, async () => {
      const client = new Client(appUrl)
      await client.connect()
      return client
    }),
  )
  const [prober, ...others] = clients as [Client, ...Client[]]
  const { rows } = await prober.query<{ database_id: string }>('select database_id from rowhouse.handshake()')
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
  const probe = (turn: number): Promise<unknown> =>
    run(
      prober,
      probed.account,
      turn % 2 === 0
        ? 'select touched from contacts where id = $1'
        : 'update contacts set touched = touched + 1 where id = $1',
      [probed.id],
    )
  const loop = async (client: Client, into: Latencies, thinkMs: number, once: (turn: number) => Promise<unknown>) => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      const operation = into
        .time(() => once(turn))
        .catch(async (error: unknown) => {
          errors.push(error)
          await client.query('rollback')
        })
      underWay.add(operation)
      await operation
      underWay.delete(operation)
      if (thinkMs > 0) await new Promise((resolve) => setTimeout(resolve, thinkMs))
    }
  }
  const running = Promise.all([
    loop(prober, probes, 0, probe),
    ...others.map((client) => loop(client, latencies, THINK_MS, (turn) => work(turn, client))),
  ])
  return {
    latencies,
    probes,
    acknowledged,
    deleted,
    errors,
    seal: async () => {
      isSealed = true
      await Promise.all(underWay)
    },
    stop: async () => {
      over.abort()
      await running
      await Promise.all(clients.map((client) => client.end()))
    },
  }
}

async function countLost(client: Client, { acknowledged, deleted }: Load): Promise<number> {
  const kept = acknowledged.filter(({ id }) => !deleted.has(id))
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
  aims: { longest_wait_ms: { max: 200 }, lost_writes: { max: 0 }, errors_of_others: { max: 0 } },
  async run({ quick, adminUrl, log }: BenchContext) {
    const rowsTotal = quick ? 500_000 : 10_000_000
    const { app } = await makeDatabase(adminUrl, DATABASE)
    const url = new URL(adminUrl)
    url.pathname = `/${DATABASE}`
    const client = new Client(url.href)
    await client.connect()
    log(`filling ${rowsTotal} rows`)
    await build(client, rowsTotal)
    await client.query('grant select, insert, update, delete on accounts, contacts to rowhouse_app')
    const { rows: first } = await client.query<Acknowledged>('select id, account_id as account from contacts limit 1')
    const load = await startLoad(app, first[0] as Acknowledged)
    const baselineMs = quick ? 10_000 : 30_000
    log(`${CLIENTS} clients and a prober, ${baselineMs / 1000} s before anything happens`)
    await new Promise((resolve) => setTimeout(resolve, baselineMs))
    const before = { probes: load.probes.values.length, others: load.latencies.values.length }
    const options = {
      tables: ['accounts', 'contacts'],
      from: { accounts: 'tenant_id' },
      parent: { contacts: 'account_id' },
    }
    let seen = before.probes
    let rowsPerSecond = 0
    const startedAt = performance.now()
    const run = {
      onEvent: (event: AdoptEvent): void => {
        if (event.type === 'rows')
          rowsPerSecond = Math.max(rowsPerSecond, event.table.endsWith('contacts') ? event.rowsPerSecond : 0)
        if (event.type !== 'step' || event.state === 'started') return
        const longest = Math.max(0, ...load.probes.values.slice(seen))
        seen = load.probes.values.length
        log(
          `${event.table} ${event.name}: ${Math.round(event.tookMs)} ms; longest wait of the prober ${longest.toFixed(1)} ms`,
        )
      },
    }
    await adopt(client, options, run)
    const preparedMs = performance.now() - startedAt
    const unsealed = { probes: load.probes.values.length }
    log('everything is prepared: the application is deployed anew, with seals')
    await load.seal()
    await adopt(client, options, { ...run, confirm: () => Promise.resolve(true) })
    const totalMs = performance.now() - startedAt
    await load.stop()
    const lost = await countLost(client, load)
    for (const error of load.errors.slice(0, 3)) log(String(error))
    await client.end()
    const after = load.probes.values.slice(before.probes)
    const during = load.probes.values.slice(before.probes, unsealed.probes)
    const calm = load.probes.values.slice(0, before.probes)
    const others = load.latencies.values
    return {
      rows: rowsTotal,
      longest_wait_ms: Number(after.reduce((a, b) => Math.max(a, b), 0).toFixed(1)),
      longest_wait_before_ms: Number(calm.reduce((a, b) => Math.max(a, b), 0).toFixed(1)),
      longest_wait_of_clients_ms: Number(
        others
          .slice(before.others)
          .reduce((a, b) => Math.max(a, b), 0)
          .toFixed(1),
      ),
      prober_p50_slowdown: Number((median(during) / median(calm)).toFixed(2)),
      prober_p99_slowdown: Number((percentile(during, 0.99) / percentile(calm, 0.99)).toFixed(2)),
      backfill_rows_per_second: rowsPerSecond,
      prepared_s: Math.round(preparedMs / 1000),
      total_s: Math.round(totalMs / 1000),
      acknowledged_writes: load.acknowledged.length,
      lost_writes: lost,
      errors_of_others: load.errors.length,
    }
  },
}
