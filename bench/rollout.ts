// What it costs to bring a fleet of schemas to the next migration: an added column, then a new protected table, over 10,000
// schemas of one database. Against the same DDL one schema per transaction in sequence, and against the same DDL in
// transactions of many schemas with nothing around it: no waves, no ledger, no notes, no locks of its own.
import { migrationFile, prepareMigration, rollOut } from '@rowhouse/fleet'
import type { TenantMigration } from '@rowhouse/fleet'
import { Client } from 'pg'

import type { Bench, BenchContext } from './bench.ts'
import { makeDatabase } from './database.ts'
import { median } from './rounds.ts'

const DATABASE = 'rowhouse_bench_rollout'
const SCHEMAS = 10_000
const QUICK_SCHEMAS = 200
/** Of one raw transaction: what fits the lock table of a server as it comes. */
const RAW_BATCH = 50
const MADE_AT_ONCE = 200

const CONTACTS = `create table contacts (id uuid primary key default gen_random_uuid(), email text);
select rowhouse.protect('contacts')`
const column = (name: string): string => `alter table contacts add column ${name} text`
const table = (name: string): string =>
  `create table ${name} (id uuid primary key default gen_random_uuid(), body text);\nselect rowhouse.protect('${name}')`

/** Homes as provisioning leaves them, without the logins' passwords; the first table comes by a rollout. */
async function makeHomes(admin: Client, schemas: number, log: (line: string) => void): Promise<void> {
  for (let from = 0; from < schemas; from += MADE_AT_ONCE) {
    await admin.query(
      `do $make$
       declare id uuid; digits text;
       begin
         for n in ${from + 1}..${Math.min(from + MADE_AT_ONCE, schemas)} loop
           id := gen_random_uuid();
           digits := left(replace(id::text, '-', ''), 16);
           insert into rowhouse.organizations (id, name, slug) values (id, 'Organization ' || n, 'organization-' || n);
           execute format('create role %I nologin', 'rowhouse_h_' || digits);
           execute format('create schema %I authorization rowhouse_owner', 'h_' || digits);
           perform rowhouse.register_home(('h_' || digits)::name, ('rowhouse_h_' || digits)::name, id);
           insert into rowhouse.homes (id, cluster, schema_name, login, isolation, state, organization_id)
           values (id, 'main', 'h_' || digits, 'rowhouse_h_' || digits, 'schema', 'assigned', id);
           insert into rowhouse.placements (organization_id, schema_name, isolation, login, home_id)
           values (id, 'h_' || digits, 'schema', 'rowhouse_h_' || digits, id);
         end loop;
       end $make$`,
    )
    if (from % 2000 === 0) log(`${from} of ${schemas} schemas`)
  }
}

async function dropLogins(admin: Client): Promise<void> {
  for (;;) {
    const { rows } = await admin.query<{ login: string }>(
      `select login from rowhouse.homes where isolation = 'schema' and login in (select rolname from pg_roles) limit ${MADE_AT_ONCE}`,
    )
    if (rows.length === 0) return
    const names = rows.map(({ login }) => login).join(', ')
    await admin.query(`drop owned by ${names}; drop role ${names}`)
  }
}

/** One schema per transaction, one after the other, as a loop over schemas does it. */
async function inSequence(client: Client, schemas: readonly string[], sql: string): Promise<void> {
  for (const schema of schemas) {
    await client.query('begin')
    await client.query(`set local search_path = ${schema}`)
    await client.query(sql)
    await client.query('commit')
  }
}

async function rawBatches(client: Client, schemas: readonly string[], sql: string): Promise<void> {
  for (let from = 0; from < schemas.length; from += RAW_BATCH) {
    const texts = schemas.slice(from, from + RAW_BATCH).map((schema) => `set local search_path = ${schema};\n${sql};\n`)
    await client.query(`begin;\n${texts.join('')}commit`)
  }
}

interface Fleet {
  readonly migratorUrl: string
  readonly client: Client
  readonly schemas: readonly string[]
  readonly migrations: TenantMigration[]
}

const add = async ({ migrations }: Fleet, sql: string): Promise<void> => {
  const version = String(20_260_101_000_000 + migrations.length)
  migrations.push(await prepareMigration(migrationFile(version, 'bench', sql)))
}

const roll = async (fleet: Fleet, sql: string): Promise<void> => {
  await add(fleet, sql)
  await rollOut({ catalogueUrl: fleet.migratorUrl, migrations: fleet.migrations })
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1000
}

/** Every round runs each way once, in an order that turns; tables of earlier rounds stay, so that all ways meet the same. */
async function compare(fleet: Fleet, kind: 'column' | 'table', rounds: number): Promise<Record<string, number>> {
  const sqlOf = kind === 'column' ? column : table
  const ways = ['rollout', 'sequence', 'raw'] as const
  const seconds: Record<(typeof ways)[number], number[]> = { rollout: [], sequence: [], raw: [] }
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < ways.length; turn += 1) {
      const way = ways[(turn + round) % ways.length] as (typeof ways)[number]
      const sql = sqlOf(`${kind}_${way}_${round}`)
      // The shared home is a part of every rollout, and of no other way.
      const work = {
        rollout: () => roll(fleet, sql),
        sequence: () => inSequence(fleet.client, fleet.schemas, sql),
        raw: () => rawBatches(fleet.client, fleet.schemas, sql),
      }[way]
      seconds[way].push(await timed(work))
    }
  }
  const ratio = (over: 'sequence' | 'raw'): number =>
    Number(median(seconds.rollout.map((value, round) => value / (seconds[over][round] ?? Number.NaN))).toFixed(2))
  return {
    [`${kind}_seconds`]: Number(median(seconds.rollout).toFixed(2)),
    [`${kind}_sequence_seconds`]: Number(median(seconds.sequence).toFixed(2)),
    [`${kind}_raw_seconds`]: Number(median(seconds.raw).toFixed(2)),
    [`${kind}_over_sequence`]: ratio('sequence'),
    [`${kind}_over_raw`]: ratio('raw'),
  }
}

export const rollout: Bench = {
  name: 'rollout',
  measures: 'a column and a table added to 10,000 schemas, against one transaction each and against raw batches',
  aims: {
    column_over_raw: { max: 1.5 },
    table_over_raw: { max: 1.5 },
    column_over_sequence: { max: 1 },
    table_over_sequence: { max: 1 },
    seconds_with_nothing_to_do: { max: 1 },
  },
  async run({ quick, adminUrl, log }: BenchContext) {
    const count = quick ? QUICK_SCHEMAS : SCHEMAS
    const urls = await makeDatabase(adminUrl, DATABASE)
    const admin = new Client(Object.assign(new URL(adminUrl), { pathname: `/${DATABASE}` }).href)
    await admin.connect()
    const client = new Client(urls.migrator)
    await client.connect()
    try {
      await makeHomes(admin, count, log)
      const { rows } = await admin.query<{ name: string }>(
        `select schema_name as name from rowhouse.homes where isolation = 'schema' order by created_at, id`,
      )
      const fleet: Fleet = { migratorUrl: urls.migrator, client, schemas: rows.map(({ name }) => name), migrations: [] }
      log('the first table')
      const first = await timed(() => roll(fleet, CONTACTS))
      await admin.query('analyze')
      log('columns')
      const columns = await compare(fleet, 'column', quick ? 2 : 3)
      log('tables')
      const tables = await compare(fleet, 'table', quick ? 1 : 3)
      const nothing: number[] = []
      for (let round = 0; round < 5; round += 1) {
        nothing.push(await timed(() => rollOut({ catalogueUrl: urls.migrator, migrations: fleet.migrations })))
      }
      return {
        schemas: count,
        first_table_seconds: Number(first.toFixed(2)),
        ...columns,
        ...tables,
        seconds_with_nothing_to_do: Number(median(nothing).toFixed(3)),
      }
    } finally {
      await client.end()
      await dropLogins(admin)
      await admin.end()
    }
  },
}
