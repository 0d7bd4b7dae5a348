// What the others feel of one organization that sends a hundred times what it should: their p95 while it does over their p95
// while it does not, in windows that take turns, in shared tables and with a schema each. Beside it the same flood through a pg.Pool of the same size, which serves
// whoever comes first and knows no organizations.
import { randomUUID } from 'node:crypto'
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

import { Client, Pool } from 'pg'
import { createRowhouse } from 'rowhouse'

import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY, makeDatabase } from './database.ts'
import { load, percentile } from './load.ts'
import { median } from './rounds.ts'
import { addSchemaHomes, dropSchemaHomes } from './schema-homes.ts'

const DATABASE = 'rowhouse_bench_neighbour'
const OTHERS = 20
const CONTACTS_EACH = 1000
/** Of each organization; the one that floods sends a hundred times that. */
const PER_SECOND = 10
const FLOOD_TIMES = 100
/** A connection for each that is at work, and some. */
const POOL_MAX = 30
/** What every organization's plan says: one core of the machine is left for the others. */
const CONCURRENCY = Math.max(1, cpus().length - 1)
const STATEMENT_TIMEOUT_MS = 100
const ACQUIRE_TIMEOUT_MS = 500
/** How long the plain pool lets a query wait: it would wait for ever, and the next round with it. */
const PLAIN_TIMEOUT_MS = 2000
/** Until the flood is what it will be, and until its end is forgotten. */
const RISE_MS = 500
/** Windows without the flood and with it, one after the other: a machine that is cold, or busy for a while, is so in both. */
const TURNS = 3

const models = ['shared', 'homes'] as const
type Model = (typeof models)[number]

/** What is flooded with: the others' own query; one that waits for a quarter of a second; one that computes for as long. */
const floods = {
  quick: null,
  sleep: 'select pg_sleep(0.25)',
  heavy: 'select count(*) from generate_series(1, 4000000) as n where n % 7 = 3',
} as const
type Flood = keyof typeof floods

const COLUMNS = 'id, email, first_name, last_name, title'
const TABLE = `create table contacts (
  organization_id uuid not null default rowhouse.organization_id(),
  id uuid not null default gen_random_uuid(),
  email text, first_name text, last_name text, title text,
  primary key (organization_id, id)
);
select rowhouse.protect('contacts');`
const fill = (organization: string): string => `
  insert into contacts (organization_id, email, first_name, last_name, title)
  select ${organization}, 'person' || n || '@example.com', 'First ' || n, 'Last ' || n, 'Title'
  from generate_series(1, ${CONTACTS_EACH}) as n;`

/** One organization, and where its rows are without protection. */
interface Tenant {
  readonly organizationId: string
  readonly ids: readonly string[]
  readonly twin: string
}

interface World {
  readonly admin: Client
  readonly appUrl: string
  /** The last one floods. */
  readonly tenants: Readonly<Record<Model, readonly Tenant[]>>
}

async function build({ adminUrl, log }: BenchContext): Promise<World> {
  log(
    `building ${OTHERS + 1} organizations in shared tables and as many with a schema each, ${CONTACTS_EACH} contacts each`,
  )
  const urls = await makeDatabase(adminUrl, DATABASE)
  const databaseUrl = Object.assign(new URL(adminUrl), { pathname: `/${DATABASE}` }).href
  const admin = new Client(databaseUrl)
  await admin.connect()
  for (const [plan, isolation] of [
    ['shared', 'shared'],
    ['homes', 'schema'],
  ]) {
    await admin.query(
      `insert into rowhouse.plans (id, name, isolation, concurrency_max, statement_timeout_ms, acquire_timeout_ms)
       values ($1, $1, $2, $3, $4, $5)`,
      [plan, isolation, CONCURRENCY, STATEMENT_TIMEOUT_MS, ACQUIRE_TIMEOUT_MS],
    )
  }
  const owner = new Client(urls.migrator)
  await owner.connect()
  await owner.query(TABLE)
  await owner.query('create schema twin; grant usage on schema twin to rowhouse_app')
  const tenants: Record<Model, Tenant[]> = { shared: [], homes: [] }
  const twinOf = async (organizationId: string, schema: string): Promise<Tenant> => {
    const twin = `twin.contacts_${organizationId.replaceAll('-', '')}`
    await owner.query(`create table ${twin} (like contacts including indexes);
      insert into ${twin} select * from ${schema}.contacts where organization_id = '${organizationId}';
      grant select on ${twin} to rowhouse_app; analyze ${twin}`)
    const { rows } = await owner.query<{ id: string }>(`select id from ${twin}`)
    return { organizationId, ids: rows.map(({ id }) => id), twin }
  }
  for (let number = 0; number <= OTHERS; number += 1) {
    const { rows } = await admin.query<{ id: string }>(
      `select rowhouse.create_organization($1, $2, $3, 'shared') as id`,
      [`Organization ${number}`, `organization-${number}`, randomUUID()],
    )
    const { id } = rows[0] as { id: string }
    await owner.query(fill(`'${id}'`))
    tenants.shared.push(await twinOf(id, 'public'))
  }
  const homes = await addSchemaHomes(databaseUrl, {
    count: OTHERS + 1,
    plan: 'homes',
    tables: TABLE,
    rows: fill('$organization'),
  })
  for (const { organizationId, schemaName } of homes) tenants.homes.push(await twinOf(organizationId, schemaName))
  await owner.query('vacuum analyze contacts')
  await owner.end()
  return { admin, appUrl: urls.app, tenants }
}

/** One way to ask. */
interface Way {
  /** Null: the query by key. */
  ask(tenant: Tenant, number: number, text: string | null): Promise<unknown>
  close(): Promise<unknown>
}

const ways = {
  rowhouse: ({ appUrl }: World): Way => {
    const pool = { max: POOL_MAX, closeTimeoutMs: 1000 }
    const rowhouse = createRowhouse({ url: appUrl, signingKey: SIGNING_KEY, pool })
    return {
      ask: ({ organizationId, ids }, number, text) =>
        text === null
          ? rowhouse
              .as({ organizationId, service: 'bench' })
              .query(`select ${COLUMNS} from contacts where id = $1`, [ids[number % ids.length]])
          : rowhouse.as({ organizationId, service: 'bench' }).query(text),
      close: () => rowhouse.close(),
    }
  },
  plain: ({ appUrl }: World): Way => {
    const pool = new Pool({ connectionString: appUrl, max: POOL_MAX, connectionTimeoutMillis: PLAIN_TIMEOUT_MS })
    pool.on('error', () => {})
    return {
      ask: ({ organizationId, ids, twin }, number, text) =>
        text === null
          ? pool.query({
              name: twin,
              text: `select ${COLUMNS} from ${twin} where organization_id = $1 and id = $2`,
              values: [organizationId, ids[number % ids.length]],
            })
          : pool.query(text),
      close: () => pool.end(),
    }
  },
} as const
type WayName = keyof typeof ways

interface Measured {
  readonly quietMs: number
  readonly floodedMs: number
  /** Queries of the others that were refused or failed. */
  readonly failed: number
  /** Of the flood: answered, refused as organization_busy, ended by the statement's time, each a second. */
  readonly flood: { readonly answered: number; readonly busy: number; readonly cut: number }
}

async function measure(world: World, model: Model, name: WayName, kind: Flood, windowMs: number): Promise<Measured> {
  const way = ways[name](world)
  const tenants = world.tenants[model]
  const others = tenants.slice(0, OTHERS)
  const flooder = tenants[OTHERS] as Tenant
  // Connections are opened here; one that takes too long on a busy machine is opened by the next.
  for (let round = 0; round < 20; round += 1)
    await Promise.allSettled(others.map((tenant) => way.ask(tenant, round, null)))
  const underWay = load(OTHERS * PER_SECOND, (number) => way.ask(others[number % OTHERS] as Tenant, number, null))
  const quiet: number[] = []
  const flooded: number[] = []
  let failed = 0
  const of = { answered: 0, busy: 0, cut: 0 }
  /** One window of the others, after a moment for things to settle. */
  const look = async (times: number[], beginWindow: () => void): Promise<void> => {
    await delay(RISE_MS)
    underWay.mark()
    beginWindow()
    await delay(windowMs)
    const seen = underWay.seen()
    times.push(...seen.times)
    failed += sumOf(seen.failed)
  }
  for (let turn = 0; turn < TURNS; turn += 1) {
    await look(quiet, () => {})
    const flood = load(PER_SECOND * FLOOD_TIMES, (number) => way.ask(flooder, number, floods[kind]))
    await look(flooded, () => flood.mark())
    const seen = flood.seen()
    of.answered += seen.times.length - seen.waiting - sumOf(seen.failed)
    of.busy += seen.failed['organization_busy'] ?? 0
    of.cut += seen.failed['statement_timeout'] ?? 0
    // What it left waiting belongs to no window.
    await flood.stop()
  }
  await underWay.stop()
  await way.close()
  const perSecond = (count: number): number => Math.round((count * 1000) / (windowMs * TURNS))
  return {
    quietMs: percentile(quiet, 0.95),
    floodedMs: percentile(flooded, 0.95),
    failed,
    flood: { answered: perSecond(of.answered), busy: perSecond(of.busy), cut: perSecond(of.cut) },
  }
}

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

const rounded = (value: number): number => Number(value.toFixed(2))

export const neighbour: Bench = {
  name: 'neighbour',
  measures: 'the others’ p95 while one organization floods a hundredfold, with turns and limits and with a plain pool',
  aims: {
    shared_quick_p95_ratio: { max: 1.2 },
    shared_sleep_p95_ratio: { max: 1.2 },
    shared_heavy_p95_ratio: { max: 1.2 },
    homes_quick_p95_ratio: { max: 1.2 },
    homes_sleep_p95_ratio: { max: 1.2 },
    homes_heavy_p95_ratio: { max: 1.2 },
    failed_of_others: { max: 0 },
  },
  async run(context) {
    const world = await build(context)
    const [rounds, windowMs] = context.quick ? [1, 800] : [3, 1500]
    const results: Record<string, number> = {}
    try {
      for (const model of models) {
        for (const flood of Object.keys(floods) as Flood[]) {
          const measured: Record<WayName, Measured[]> = { rowhouse: [], plain: [] }
          for (let round = 0; round < rounds; round += 1) {
            const order: WayName[] = round % 2 === 0 ? ['rowhouse', 'plain'] : ['plain', 'rowhouse']
            for (const name of order) measured[name].push(await measure(world, model, name, flood, windowMs))
          }
          for (const name of ['rowhouse', 'plain'] as const) {
            const key = `${name === 'plain' ? 'plain_' : ''}${model}_${flood}`
            const all = measured[name]
            results[`${key}_p95_ratio`] = rounded(median(all.map(({ quietMs, floodedMs }) => floodedMs / quietMs)))
            results[`${key}_p95_ms`] = rounded(median(all.map(({ floodedMs }) => floodedMs)))
            results[`${key}_p95_ms_quiet`] = rounded(median(all.map(({ quietMs }) => quietMs)))
            const failed = `${name === 'plain' ? 'plain_' : ''}failed_of_others`
            results[failed] = all.reduce((sum, one) => sum + one.failed, results[failed] ?? 0)
            if (name === 'plain') continue
            for (const what of ['answered', 'busy', 'cut'] as const)
              results[`${key}_flood_${what}_per_second`] = median(all.map((one) => one.flood[what]))
          }
          context.log(`${model}, ${flood}: ${JSON.stringify(measured)}`)
        }
      }
      return results
    } finally {
      await dropSchemaHomes(world.admin)
      await world.admin.end()
    }
  },
}
