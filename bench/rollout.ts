// What it costs to bring a fleet of schemas to the next migration: an added column, then a new protected table, over 10,000
// schemas of one database. Against the same DDL one schema per transaction in sequence, and against the same DDL in
// transactions of many schemas with nothing around it: no waves, no ledger, no notes, no locks of its own, over as many
// connections as the rollout uses. Every way meets the guard; what that costs is said beside it.
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
/** Rounds beyond the first of each kind are begun only while they can end within this. */
const BUDGET_MS = 14 * 60_000
const QUICK_BUDGET_MS = 150_000
const TOLD_EVERY_MS = 15_000
/** As many as a rollout uses of one database; one, where its transactions exclude each other. */
const CONNECTIONS = { column: 2, table: 1 } as const

const CONTACTS = `create table contacts (id uuid primary key default gen_random_uuid(), email text);
select rowhouse.protect('contacts')`
const column = (name: string): string => `alter table contacts add column ${name} text`
const table = (name: string): string =>
  `create table ${name} (id uuid primary key default gen_random_uuid(), body text);\nselect rowhouse.protect('${name}')`

type Kind = 'column' | 'table'

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
  await admin.query('analyze')
}

/** The roles are the server's; all else goes with the database. */
async function dropLogins(adminUrl: string, logins: readonly string[]): Promise<void> {
  const server = new Client(adminUrl)
  await server.connect()
  await server.query(`drop database if exists ${DATABASE} with (force)`)
  for (let from = 0; from < logins.length; from += MADE_AT_ONCE) {
    await server.query(`drop role if exists ${logins.slice(from, from + MADE_AT_ONCE).join(', ')}`)
  }
  await server.end()
}

interface Fleet {
  readonly migratorUrl: string
  /** The migrator's, for what is raw. */
  readonly clients: readonly Client[]
  /** Past the guard. */
  readonly admin: Client
  readonly schemas: readonly string[]
  readonly migrations: TenantMigration[]
  readonly log: (line: string) => void
}

/** One schema per transaction, one after the other, as a loop over schemas does it. */
async function inSequence({ clients, schemas }: Fleet, sql: string): Promise<void> {
  const [client] = clients as [Client]
  for (const schema of schemas) {
    await client.query('begin')
    await client.query(`set local search_path = ${schema}`)
    await client.query(sql)
    await client.query('commit')
  }
}

async function rawBatches(clients: readonly Client[], schemas: readonly string[], sql: string): Promise<void> {
  let next = 0
  await Promise.all(
    clients.map(async (client) => {
      while (next < schemas.length) {
        const batch = schemas.slice(next, next + RAW_BATCH)
        next += RAW_BATCH
        const texts = batch.map((schema) => `set local search_path = ${schema};\n${sql};\n`)
        await client.query(`begin;\n${texts.join('')}commit`)
      }
    }),
  )
}

async function roll({ migratorUrl, migrations, log }: Fleet, sql: string): Promise<void> {
  const version = String(20_260_101_000_000 + migrations.length)
  migrations.push(await prepareMigration(migrationFile(version, 'bench', sql)))
  let toldAt = performance.now()
  await rollOut({
    catalogueUrl: migratorUrl,
    migrations,
    onEvent: (event) => {
      if (event.type !== 'progress' || performance.now() - toldAt < TOLD_EVERY_MS) return
      toldAt = performance.now()
      log(`  ${event.done} of ${event.of} homes, ${event.homesPerSecond} a second`)
    },
  })
}

const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1000
}

const ways = ['rollout', 'sequence', 'raw'] as const
type Seconds = Record<(typeof ways)[number], number[]>

/** Every round runs each way once, in an order that turns; tables of earlier rounds stay, so that all ways meet the same. */
async function round(fleet: Fleet, kind: Kind, number: number, seconds: Seconds): Promise<void> {
  const sqlOf = kind === 'column' ? column : table
  for (let turn = 0; turn < ways.length; turn += 1) {
    const way = ways[(turn + number) % ways.length] as (typeof ways)[number]
    const sql = sqlOf(`${kind}_${way}_${number}`)
    // The shared home is a part of every rollout, and of no other way.
    const work = {
      rollout: () => roll(fleet, sql),
      sequence: () => inSequence(fleet, sql),
      raw: () => rawBatches(fleet.clients.slice(0, CONNECTIONS[kind]), fleet.schemas, sql),
    }[way]
    const took = await timed(work)
    seconds[way].push(took)
    fleet.log(`${kind}, round ${number + 1}, ${way}: ${took.toFixed(1)} s`)
  }
}

/** One round at least, and more of them while they fit. */
async function compare(fleet: Fleet, kind: Kind, roundsMax: number, endsAtMs: number): Promise<Record<string, number>> {
  const seconds: Seconds = { rollout: [], sequence: [], raw: [] }
  let rounds = 0
  let longestMs = 0
  while (rounds < roundsMax && (rounds === 0 || performance.now() + longestMs < endsAtMs)) {
    const begun = performance.now()
    await round(fleet, kind, rounds, seconds)
    longestMs = Math.max(longestMs, performance.now() - begun)
    rounds += 1
  }
  const rounded = (values: readonly number[]): number => Number(median(values).toFixed(2))
  const over = (other: 'sequence' | 'raw'): number =>
    rounded(seconds.rollout.map((value, position) => value / (seconds[other][position] ?? Number.NaN)))
  return {
    [`${kind}_rounds`]: rounds,
    [`${kind}_seconds`]: rounded(seconds.rollout),
    [`${kind}_sequence_seconds`]: rounded(seconds.sequence),
    [`${kind}_raw_seconds`]: rounded(seconds.raw),
    [`${kind}_over_sequence`]: over('sequence'),
    [`${kind}_over_raw`]: over('raw'),
  }
}

/** The raw column again over a part of the schemas, with the guard and without it: what it costs every way above. */
async function guardCost({ clients, admin, schemas }: Fleet): Promise<Record<string, number>> {
  const some = schemas.slice(0, 1000)
  // From Postgres 17 on.
  const { rowCount } = await admin.query(
    `select set_config('event_triggers', 'off', false) where current_setting('server_version_num')::int >= 170000`,
  )
  if (rowCount === 0) return {}
  const guarded = await timed(() => rawBatches(clients.slice(0, 1), some, column('guarded')))
  const bare = await timed(() => rawBatches([admin], some, column('unguarded')))
  await admin.query('reset event_triggers')
  return { column_guarded_over_unguarded: Number((guarded / bare).toFixed(2)) }
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
    const endsAtMs = performance.now() + (quick ? QUICK_BUDGET_MS : BUDGET_MS)
    const urls = await makeDatabase(adminUrl, DATABASE)
    const admin = new Client(Object.assign(new URL(adminUrl), { pathname: `/${DATABASE}` }).href)
    const clients = [new Client(urls.migrator), new Client(urls.migrator)]
    const logins: string[] = []
    for (const client of [admin, ...clients]) await client.connect()
    try {
      const made = await timed(() => makeHomes(admin, count, log))
      log(`${count} schemas: ${made.toFixed(1)} s`)
      const { rows } = await admin.query<{ name: string; login: string }>(
        `select schema_name as name, login from rowhouse.homes where isolation = 'schema' order by created_at, id`,
      )
      logins.push(...rows.map(({ login }) => login))
      const schemas = rows.map(({ name }) => name)
      const fleet: Fleet = { migratorUrl: urls.migrator, clients, admin, schemas, migrations: [], log }
      const first = await timed(() => roll(fleet, CONTACTS))
      log(`the first table: ${first.toFixed(1)} s`)
      await admin.query('analyze')
      // A round of tables takes as long as the first table, three times.
      const columns = await compare(fleet, 'column', 3, endsAtMs - ways.length * first * 1000)
      const nothing: number[] = []
      for (let time = 0; time < 5; time += 1) {
        nothing.push(await timed(() => rollOut({ catalogueUrl: urls.migrator, migrations: fleet.migrations })))
      }
      log(`nothing to do: ${median(nothing).toFixed(3)} s`)
      const guard = await guardCost(fleet)
      const tables = await compare(fleet, 'table', 2, endsAtMs)
      return {
        schemas: count,
        first_table_seconds: Number(first.toFixed(2)),
        ...columns,
        ...guard,
        seconds_with_nothing_to_do: Number(median(nothing).toFixed(3)),
        ...tables,
      }
    } finally {
      for (const client of [admin, ...clients]) await client.end()
      await dropLogins(adminUrl, logins)
    }
  },
}
