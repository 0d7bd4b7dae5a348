// What it costs to bring a fleet of schemas to the next migration: an added column, then a new protected table, over 10,000
// schemas of one database. Against the same statements one schema per transaction in sequence; against them in transactions of
// many schemas with no rollout around them (`guarded`: past the guard and through protect); and against what Postgres is asked to
// do in the end, without anything of Rowhouse (`raw`: no event trigger, and in place of protect the plain DDL that makes the same
// table, see bench/plain-table.ts). The last two over as many connections as the rollout uses.
import { migrationFile, prepareMigration, rollOut } from '@rowhouse/fleet'
import type { TenantMigration } from '@rowhouse/fleet'
import { Client } from 'pg'

import type { Bench, BenchContext } from './bench.ts'
import { makeDatabase } from './database.ts'
import { plainTable, refuseDifferentTables } from './plain-table.ts'
import type { Place } from './plain-table.ts'
import { median } from './rounds.ts'

const DATABASE = 'rowhouse_bench_rollout'
const SCHEMAS = 10_000
/** Fewer, and what a rollout does once, such as connecting for each wave, outweighs what it does in each schema. */
const QUICK_SCHEMAS = 1000
/** Of one raw transaction: what fits the lock table of a server as it comes. */
const RAW_BATCH = 50
const MADE_AT_ONCE = 200
/** Rounds beyond the first of each kind are begun only while they can end within this. */
const BUDGET_MS = 14 * 60_000
const QUICK_BUDGET_MS = 150_000
/** A round of tables takes as long as the first one, so many times: protect() in each schema takes longer than a rollout. */
const FIRST_TABLES_OF_ROUND = 7
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
  /** The migrator's, whom the guard meets. */
  readonly clients: readonly Client[]
  /** As the migrator, and no event trigger fires. Empty before Postgres 17, which has no way to it. */
  readonly unguarded: readonly Client[]
  readonly schemas: readonly string[]
  readonly places: readonly Place[]
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

async function inBatches<Item>(
  clients: readonly Client[],
  items: readonly Item[],
  textOf: (item: Item) => string,
): Promise<void> {
  let next = 0
  await Promise.all(
    clients.map(async (client) => {
      while (next < items.length) {
        const batch = items.slice(next, next + RAW_BATCH)
        next += RAW_BATCH
        await client.query(`begin;\n${batch.map((item) => `${textOf(item)};\n`).join('')}commit`)
      }
    }),
  )
}

const inSchema = (schema: string, sql: string): string => `set local search_path = ${schema};\n${sql}`

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

const ways = ['rollout', 'sequence', 'guarded', 'raw'] as const
type Seconds = Record<(typeof ways)[number], number[]>

/** Every round runs each way once, in an order that turns; tables of earlier rounds stay, so that all ways meet the same. */
async function round(fleet: Fleet, kind: Kind, number: number, seconds: Seconds): Promise<void> {
  const sqlOf = kind === 'column' ? column : table
  const { clients, unguarded, schemas, places } = fleet
  const plain = kind === 'table' ? await plainTable(clients[0] as Client, places, 'contacts') : null
  for (let turn = 0; turn < ways.length; turn += 1) {
    const way = ways[(turn + number) % ways.length] as (typeof ways)[number]
    if (way === 'raw' && unguarded.length === 0) continue
    const name = `${kind}_${way}_${number}`
    const sql = sqlOf(name)
    const textOf = plain === null ? ({ schema }: Place): string => inSchema(schema, sql) : plain(name)
    // The shared home is a part of every rollout, and of no other way.
    const work = {
      rollout: () => roll(fleet, sql),
      sequence: () => inSequence(fleet, sql),
      guarded: () => inBatches(clients.slice(0, CONNECTIONS[kind]), schemas, (schema) => inSchema(schema, sql)),
      raw: () => inBatches(unguarded.slice(0, CONNECTIONS[kind]), places, textOf),
    }[way]
    const took = await timed(work)
    seconds[way].push(took)
    if (way === 'raw' && plain !== null) await refuseDifferentTables(clients[0] as Client, places, 'contacts', name)
    fleet.log(`${kind}, round ${number + 1}, ${way}: ${took.toFixed(1)} s`)
  }
}

/** One round at least, and more of them while they fit. */
async function compare(fleet: Fleet, kind: Kind, roundsMax: number, endsAtMs: number): Promise<Record<string, number>> {
  const seconds: Seconds = { rollout: [], sequence: [], guarded: [], raw: [] }
  let rounds = 0
  let longestMs = 0
  while (rounds < roundsMax && (rounds === 0 || performance.now() + longestMs < endsAtMs)) {
    const begun = performance.now()
    await round(fleet, kind, rounds, seconds)
    longestMs = Math.max(longestMs, performance.now() - begun)
    rounds += 1
  }
  const rounded = (values: readonly number[]): number => Number(median(values).toFixed(2))
  const others = ways.filter((way) => way !== 'rollout' && seconds[way].length > 0)
  return {
    [`${kind}_rounds`]: rounds,
    [`${kind}_seconds`]: rounded(seconds.rollout),
    ...Object.fromEntries(others.map((way) => [`${kind}_${way}_seconds`, rounded(seconds[way])])),
    ...Object.fromEntries(
      others.map((way) => [
        `${kind}_over_${way}`,
        rounded(seconds.rollout.map((value, position) => value / (seconds[way][position] ?? Number.NaN))),
      ]),
    ),
  }
}

/** Sessions of a superuser without event triggers, from Postgres 17 on, that then act as the migrator. */
async function openUnguarded(adminUrl: string): Promise<Client[]> {
  const clients = [new Client(adminUrl), new Client(adminUrl)]
  for (const client of clients) await client.connect()
  const { rows } = await (clients[0] as Client).query<{ may: boolean }>(
    `select current_setting('server_version_num')::int >= 170000 as may`,
  )
  if (rows[0]?.may !== true) {
    for (const client of clients) await client.end()
    return []
  }
  for (const client of clients) await client.query('set event_triggers = off; set role rowhouse_migrator')
  return clients
}

export const rollout: Bench = {
  name: 'rollout',
  measures: 'a column and a table added to 10,000 schemas, against one transaction each and against raw batches',
  aims: {
    column_over_raw: { max: 1.5 },
    column_over_guarded: { max: 1.5 },
    table_over_raw: { max: 1.5 },
    table_over_guarded: { max: 1.5 },
    column_over_sequence: { max: 1 },
    table_over_sequence: { max: 1 },
    seconds_with_nothing_to_do: { max: 1 },
  },
  async run({ quick, adminUrl, log }: BenchContext) {
    const count = quick ? QUICK_SCHEMAS : SCHEMAS
    const endsAtMs = performance.now() + (quick ? QUICK_BUDGET_MS : BUDGET_MS)
    const urls = await makeDatabase(adminUrl, DATABASE)
    const ownUrl = Object.assign(new URL(adminUrl), { pathname: `/${DATABASE}` }).href
    const admin = new Client(ownUrl)
    const unguarded = await openUnguarded(ownUrl)
    const clients = [new Client(urls.migrator), new Client(urls.migrator)]
    const logins: string[] = []
    for (const client of [admin, ...clients]) await client.connect()
    try {
      const made = await timed(() => makeHomes(admin, count, log))
      log(`${count} schemas: ${made.toFixed(1)} s`)
      const { rows } = await admin.query<{ schema: string; login: string; organizationId: string }>(
        `select schema_name as schema, login, organization_id as "organizationId" from rowhouse.homes where isolation = 'schema' order by created_at, id`,
      )
      logins.push(...rows.map(({ login }) => login))
      const schemas = rows.map(({ schema }) => schema)
      const fleet: Fleet = {
        migratorUrl: urls.migrator,
        clients,
        unguarded,
        schemas,
        places: rows,
        migrations: [],
        log,
      }
      const first = await timed(() => roll(fleet, CONTACTS))
      log(`the first table: ${first.toFixed(1)} s`)
      await admin.query('analyze')
      const columns = await compare(fleet, 'column', 3, endsAtMs - FIRST_TABLES_OF_ROUND * first * 1000)
      const nothing: number[] = []
      for (let time = 0; time < 5; time += 1) {
        nothing.push(await timed(() => rollOut({ catalogueUrl: urls.migrator, migrations: fleet.migrations })))
      }
      log(`nothing to do: ${median(nothing).toFixed(3)} s`)
      const tables = await compare(fleet, 'table', 2, endsAtMs)
      return {
        schemas: count,
        first_table_seconds: Number(first.toFixed(2)),
        ...columns,
        seconds_with_nothing_to_do: Number(median(nothing).toFixed(3)),
        ...tables,
      }
    } finally {
      for (const client of [admin, ...clients, ...unguarded]) await client.end()
      await dropLogins(adminUrl, logins)
    }
  },
}
