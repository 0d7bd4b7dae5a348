// What a new organization costs: from the request to the first answer of a sealed query through the runtime, in each model,
// with a warm home and without one, 20 tables and 40 indexes; against what is usual, a run of the migrations for each.
import { randomUUID } from 'node:crypto'
import { homeMigrations, openFleet } from '@rowhouse/fleet'
import type { Fleet } from '@rowhouse/fleet'
import { install } from '@rowhouse/database'
import { Client } from 'pg'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse } from 'rowhouse'

import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY, makeDatabase } from './database.ts'
import { median } from './rounds.ts'

const DATABASE = 'rowhouse_bench_provision'
const TABLES = 20
const TOLD_EVERY = 25
const ENCRYPTION_KEY = 'an encryption key that only this benchmark uses'

/** Each table has its key and two indexes more. */
const tables = Array.from(
  { length: TABLES },
  (_, n) => `
    create table table_${n} (
      organization_id uuid not null default rowhouse.organization_id(),
      id uuid not null default gen_random_uuid(),
      name text, amount numeric, at timestamptz not null default now(),
      primary key (organization_id, id)
    );
    create index on table_${n} (organization_id, name);
    create index on table_${n} (organization_id, at);
    select rowhouse.protect('table_${n}');`,
).join('')

interface World {
  readonly fleet: Fleet
  readonly admin: Client
  readonly url: string
  readonly appUrl: string
}

async function build(adminUrl: string): Promise<World> {
  const urls = await makeDatabase(adminUrl, DATABASE)
  const url = new URL(adminUrl)
  url.pathname = `/${DATABASE}`
  const admin = new Client(url.href)
  await admin.connect()
  await admin.query(
    `insert into rowhouse.plans (id, name, isolation) values ('schema', 'Schema', 'schema'), ('database', 'Database', 'database')`,
  )
  await admin.query(
    `insert into rowhouse.tenant_migrations (version, name, checksum, sql, released_at)
     values ('20260101000000', 'tables', encode(sha256(convert_to($1, 'UTF8')), 'hex'), $1, now())`,
    [tables],
  )
  const fleet = openFleet({
    catalogueUrl: url.href,
    signingKey: SIGNING_KEY,
    encryptionKey: ENCRYPTION_KEY,
    migrations: homeMigrations(admin),
  })
  // Where organizations share tables they are there already.
  const migrator = new Client(urls.migrator)
  await migrator.connect()
  await migrator.query(tables)
  await migrator.end()
  return { fleet, admin, url: url.href, appUrl: urls.app }
}

/**
 * A process that has room for a connection to each new home beside those that came just before.
 * @param standby to how many warm homes it connects ahead, as one that expects new organizations does
 */
async function withRuntime<Result>(
  { appUrl }: World,
  standby: number,
  use: (rowhouse: Rowhouse) => Promise<Result>,
): Promise<Result> {
  const rowhouse = createRowhouse({
    url: appUrl,
    signingKey: SIGNING_KEY,
    pool: { max: 60, idleTimeoutMs: 500 },
    placement: { standby },
  })
  try {
    await rowhouse.connect()
    return await use(rowhouse)
  } finally {
    await rowhouse.close()
  }
}

interface Took {
  /** From the request to the first answer. */
  readonly ms: number
  /** Of it, until the organization is there. */
  readonly createMs: number
}

async function createAndAsk({ fleet }: World, rowhouse: Rowhouse, plan: string): Promise<Took> {
  const begun = performance.now()
  const organizationId = await fleet.createOrganization({
    name: 'Acme',
    slug: `acme-${randomUUID()}`,
    ownerId: null,
    plan,
  })
  const createMs = performance.now() - begun
  const { rows } = await rowhouse
    .as({ organizationId, service: 'bench' })
    .query<{ rows: number }>(`select count(*)::int as rows from table_${TABLES - 1}`)
  if (rows[0]?.rows !== 0) throw new Error('The answer is wrong.')
  return { ms: performance.now() - begun, createMs }
}

/** What tenancy by hand does: a schema, or a database, and every migration in it, statement by statement. */
async function naive({ admin, url }: World, isolation: 'schema' | 'database'): Promise<number> {
  const name = `rowhouse_bench_naive_${randomUUID().slice(0, 8)}`
  const begun = performance.now()
  const target = new URL(url)
  if (isolation === 'database') {
    await admin.query(`create database ${name}`)
    target.pathname = `/${name}`
    await install({ adminUrl: target.href, signingKey: SIGNING_KEY })
  }
  const client = new Client(target.href)
  await client.connect()
  if (isolation === 'schema') await client.query(`create schema ${name}; set search_path = ${name}`)
  for (const statement of tables.split(';\n').filter((text) => text.trim() !== '')) await client.query(statement)
  await client.query(`select count(*) from table_${TABLES - 1}`)
  await client.end()
  const took = performance.now() - begun
  await admin.query(isolation === 'database' ? `drop database ${name} with (force)` : `drop schema ${name} cascade`)
  return took
}

const p95 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * 0.95))] ?? Number.NaN
const rounded = (value: number): number => Number(value.toFixed(1))

async function fill(
  { fleet }: World,
  isolation: 'schema' | 'database',
  count: number,
  log: BenchContext['log'],
): Promise<void> {
  for (let made = 1; made <= count; made += 1) {
    await fleet.createHome({ cluster: 'main', isolation })
    if (made % TOLD_EVERY === 0) log(`  ${made} of ${count} warm homes`)
  }
}

/** What organizations of a benchmark leave on a server that is not its own. */
async function clear({ admin }: World): Promise<void> {
  const { rows } = await admin.query<{ login: string; database_name: string | null }>(
    'select login, database_name from rowhouse.homes where login is not null',
  )
  for (const { login, database_name: name } of rows) {
    if (name !== null) await admin.query(`drop database if exists ${name} with (force)`)
    await admin.query(`drop owned by ${login} cascade`)
    await admin.query(`drop role ${login}`)
  }
}

/** Each with its percentiles; the first one opens connections that all others find, and is not among them. */
async function measure(
  world: World,
  rowhouse: Rowhouse,
  plan: string,
  count: number,
  name: string,
): Promise<Record<string, number>> {
  await createAndAsk(world, rowhouse, plan)
  const took: Took[] = []
  const begun = performance.now()
  for (let number = 0; number < count; number += 1) took.push(await createAndAsk(world, rowhouse, plan))
  const perSecond = rounded((count * 1000) / (performance.now() - begun))
  const all = took.map(({ ms }) => ms)
  return {
    [`ms_${name}`]: rounded(median(all)),
    [`p95_ms_${name}`]: rounded(p95(all)),
    [`ms_${name}_until_created`]: rounded(median(took.map(({ createMs }) => createMs))),
    [`per_second_${name}`]: perSecond,
  }
}

const counts = {
  schema: { warm: 100, cold: 40 },
  database: { warm: 40, cold: 15 },
} as const
const quickCounts = {
  schema: { warm: 20, cold: 6 },
  database: { warm: 8, cold: 3 },
} as const

export const provision: Bench = {
  name: 'provision',
  measures:
    'a new organization in each model, warm and cold, to its first sealed answer; against running the migrations',
  aims: { ms_warm_schema: { max: 20 }, ms_warm_database: { max: 50 } },
  async run({ quick, adminUrl, log }: BenchContext) {
    const world = await build(adminUrl)
    const results: Record<string, number> = {}
    try {
      const add = async (plan: string, count: number, name: string, standby = 0): Promise<void> => {
        const measured = await withRuntime(world, standby, (rowhouse) => measure(world, rowhouse, plan, count, name))
        Object.assign(results, measured)
      }
      await add('standard', quick ? 20 : 200, 'shared')
      log(`shared: ${results['ms_shared']} ms`)
      for (const isolation of ['schema', 'database'] as const) {
        const { warm, cold } = (quick ? quickCounts : counts)[isolation]
        log(`${isolation}: ${warm} warm, ${cold} cold and by hand`)
        await fill(world, isolation, 2 * (warm + 1), log)
        await add(isolation, warm, `warm_not_ahead_${isolation}`)
        log(`${isolation}, warm, not connected ahead: ${results[`ms_warm_not_ahead_${isolation}`]} ms`)
        await add(isolation, warm, `warm_${isolation}`, 2)
        log(`${isolation}, warm: ${results[`ms_warm_${isolation}`]} ms`)
        await add(isolation, cold, `cold_${isolation}`)
        log(`${isolation}, cold: ${results[`ms_cold_${isolation}`]} ms`)
        const byHand: number[] = []
        for (let number = 0; number < cold; number += 1) byHand.push(await naive(world, isolation))
        const hand = median(byHand)
        results[`ms_by_hand_${isolation}`] = rounded(hand)
        results[`by_hand_over_warm_${isolation}`] = rounded(hand / (results[`ms_warm_${isolation}`] ?? Number.NaN))
        results[`by_hand_over_cold_${isolation}`] = rounded(hand / (results[`ms_cold_${isolation}`] ?? Number.NaN))
        log(`${isolation}, by hand: ${rounded(hand)} ms`)
      }
      return results
    } finally {
      await world.fleet.close()
      await clear(world)
      await world.admin.end()
    }
  },
}
