// What the change log costs a write: an insert and an update of 1 row and of 10,000 rows into a protected table, against
// the same table without its triggers, against an audit as one finds it elsewhere (a row trigger that keeps old and new as
// jsonb, with no seal and no order to hold), and against a protected table that must log row by row
// (docs/adr/0006-each-statement-chooses-its-log-trigger.md).
import { randomUUID } from 'node:crypto'

import { Client } from 'pg'
import { createRowhouse } from 'rowhouse'
import type { Organization } from 'rowhouse'

import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY, makeDatabase } from './database.ts'
import { median, medianRatio, runRounds } from './rounds.ts'
import type { Rounds } from './rounds.ts'

const DATABASE = 'rowhouse_bench_change_log'
const BULK_ROWS = 10_000

const variants = ['unlogged', 'logged', 'row_audit', 'each_row'] as const

// Row by row, because of a trigger of its own; it does nothing, so that only the log differs.
const eachRow = `
  create function public.look() returns trigger language plpgsql as 'begin return null; end';
  create trigger look after insert or update or delete on each_row for each statement execute function public.look()`

const rowAudit = `
  create table public.row_audit_log (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    table_name text not null,
    record_id text,
    action text not null,
    old jsonb,
    new jsonb,
    actor text
  );
  create index on public.row_audit_log (table_name, record_id);
  create function public.audit_row() returns trigger
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
  as $$
  begin
    insert into public.row_audit_log (table_name, record_id, action, old, new, actor)
    values (
      tg_table_name, coalesce(new.id, old.id)::text, tg_op,
      case when tg_op <> 'INSERT' then to_jsonb(old) end, case when tg_op <> 'DELETE' then to_jsonb(new) end,
      current_setting('request.jwt.claim.sub', true)
    );
    return null;
  end
  $$;
  create trigger audit_row after insert or update or delete on row_audit for each row execute function public.audit_row()`

const dropLogTriggers = (table: string): string => `
  do $$
  declare
    name text;
  begin
    for name in
      select tgname from pg_trigger where tgrelid = 'public.${table}'::regclass and tgname like '!rowhouse%'
    loop
      execute format('drop trigger %I on public.${table}', name);
    end loop;
  end
  $$`

/** As a superuser, because the guard lets nobody else take the change log from a protected table. */
async function varyTables(adminUrl: string): Promise<void> {
  const url = new URL(adminUrl)
  url.pathname = `/${DATABASE}`
  const admin = new Client(url.href)
  await admin.connect()
  try {
    await admin.query('set event_triggers = off; set role rowhouse_owner')
    for (const table of ['unlogged', 'row_audit']) await admin.query(dropLogTriggers(table))
    await admin.query(rowAudit)
    await admin.query(eachRow)
  } finally {
    await admin.end()
  }
}

interface World {
  readonly appUrl: string
  readonly organizationId: string
  readonly ownerId: string
}

async function buildWorld(adminUrl: string): Promise<World> {
  const urls = await makeDatabase(adminUrl, DATABASE)
  const owner = new Client(urls.migrator)
  await owner.connect()
  for (const name of variants) {
    await owner.query(`create table ${name} (
      organization_id uuid not null default rowhouse.organization_id(),
      id uuid not null default gen_random_uuid(),
      email text, first_name text, last_name text, title text,
      primary key (organization_id, id)
    )`)
    await owner.query(`select rowhouse.protect('${name}')`)
  }
  await owner.end()
  await varyTables(adminUrl)
  const ownerId = randomUUID()
  const control = new Client(urls.control)
  await control.connect()
  const { rows } = await control.query<{ id: string }>(
    `select rowhouse.create_organization('Organization', 'organization', $1) as id`,
    [ownerId],
  )
  await control.end()
  return { appUrl: urls.app, organizationId: (rows[0] as { id: string }).id, ownerId }
}

const insert = (organization: Organization, table: string, rows: number): Promise<unknown> =>
  organization.query(
    `insert into ${table} (email, first_name, last_name, title)
     select 'person' || n || '@example.com', 'First ' || n, 'Last ' || n, 'Title' from generate_series(1, $1::int) n`,
    [rows],
  )

/** Updates rows that are there already: the newest of the table, by their place in it. */
const update = (organization: Organization, table: string, rows: number): Promise<unknown> =>
  organization.query(
    `update ${table} set title = 'Title ' || random() where ctid = any (
       array(select ctid from ${table} order by ctid desc limit $1::int))`,
    [rows],
  )

/** Each round runs each variant once, in an order that turns; the first round warms up. */
async function bulkRounds(rounds: number, write: (table: string) => Promise<unknown>): Promise<Rounds> {
  const measured: Record<string, number[]> = Object.fromEntries(variants.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const name = variants[(turn + round) % variants.length] as string
      const start = performance.now()
      await write(name)
      if (round > 0) measured[name]?.push((BULK_ROWS * 1000) / (performance.now() - start))
    }
  }
  return measured
}

export const changeLog: Bench = {
  name: 'change-log',
  measures: 'writes of 1 and 10,000 rows with the change log, without it, and with a plain row-trigger audit',
  aims: {
    logged_over_unlogged_insert_1_row: { min: 0.7 },
    logged_over_unlogged_insert_10000_rows: { min: 0.7 },
    logged_over_row_audit_insert_10000_rows: { min: 1 },
  },
  async run({ quick, adminUrl, log }: BenchContext) {
    log(`building ${variants.length} tables: ${variants.join(', ')}`)
    const { appUrl, organizationId, ownerId } = await buildWorld(adminUrl)
    const rowhouse = createRowhouse({ url: appUrl, signingKey: SIGNING_KEY, pool: { max: 1 } })
    const organization = rowhouse.as({ organizationId, userId: ownerId })
    const pace = quick ? { rounds: 6, roundMs: 600, clients: 1 } : { rounds: 15, roundMs: 2000, clients: 1 }
    const bulk = quick ? 7 : 15
    log('1 row a query, one client')
    const single = await runRounds(
      variants.map((name) => ({ name, operation: () => insert(organization, name, 1) })),
      pace,
    )
    log(`${BULK_ROWS} rows a query, one client`)
    const inserts = await bulkRounds(bulk, (table) => insert(organization, table, BULK_ROWS))
    const updates = await bulkRounds(bulk, (table) => update(organization, table, BULK_ROWS))
    await rowhouse.close()
    const results: Record<string, number> = {}
    for (const [rounds, suffix] of [
      [single, 'insert_1_row'],
      [inserts, `insert_${BULK_ROWS}_rows`],
      [updates, `update_${BULK_ROWS}_rows`],
    ] as const) {
      for (const name of variants) results[`${name}_rows_per_second_${suffix}`] = Math.round(median(rounds[name] ?? []))
      for (const name of ['logged', 'row_audit', 'each_row']) {
        results[`${name}_over_unlogged_${suffix}`] = Number(medianRatio(rounds, name, 'unlogged').toFixed(2))
      }
      results[`logged_over_row_audit_${suffix}`] = Number(medianRatio(rounds, 'logged', 'row_audit').toFixed(2))
    }
    return results
  },
}
