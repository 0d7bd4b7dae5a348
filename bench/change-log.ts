// What the change log costs a write: an insert of 1 row and of 10,000 rows into a protected table, against the same
// table without its trigger, and against a statement-level trigger over a transition table, which is kept here only to
// show what was given up for the order of changes (docs/adr/0006-the-change-log-trigger-is-row-level.md).
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

const variants = ['logged', 'unlogged', 'statement'] as const

const statementTrigger = `
  create function public.log_statement() returns trigger
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set datestyle = 'ISO, YMD'
    set intervalstyle = 'iso_8601'
    set timezone = 'UTC'
    set extra_float_digits = '1'
  as $$
  declare
    actor jsonb := rowhouse.seal_payload();
  begin
    insert into rowhouse.change_log (
      organization_id, table_schema, table_name, record_id, action, new, actor_kind, actor_id, origin, request_id, ip
    )
    select organization_id, tg_argv[0], tg_argv[1], row ->> tg_argv[2], 'insert', row,
      actor ->> 'kind', actor ->> 'user', coalesce(actor ->> 'origin', 'app'), actor ->> 'request', actor ->> 'ip'
    from (select r.organization_id, to_jsonb(r) as row from written r offset 0) w;
    return null;
  end
  $$;
  drop trigger "!rowhouse_change_log" on statement;
  create trigger log_statement after insert on statement referencing new table as written
    for each statement execute function public.log_statement('public', 'statement', 'id')`

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
  await owner.query('set role rowhouse_owner')
  await owner.query('drop trigger "!rowhouse_change_log" on unlogged')
  await owner.query(statementTrigger)
  await owner.end()
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

/** Each round runs each variant once, in an order that turns; the first round warms up. */
async function bulkRounds(organization: Organization, rounds: number): Promise<Rounds> {
  const measured: Record<string, number[]> = Object.fromEntries(variants.map((name) => [name, []]))
  for (let round = 0; round <= rounds; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const name = variants[(turn + round) % variants.length] as string
      const start = performance.now()
      await insert(organization, name, BULK_ROWS)
      if (round > 0) measured[name]?.push((BULK_ROWS * 1000) / (performance.now() - start))
    }
  }
  return measured
}

export const changeLog: Bench = {
  name: 'change-log',
  measures: 'inserts of 1 and 10,000 rows with the change log, without it, and with a statement-level trigger',
  aims: {
    logged_over_unlogged_1_row: { min: 0.7 },
    logged_over_unlogged_10000_rows: { min: 0.7 },
  },
  async run({ quick, adminUrl, log }: BenchContext) {
    log(`building ${variants.length} tables: ${variants.join(', ')}`)
    const { appUrl, organizationId, ownerId } = await buildWorld(adminUrl)
    const rowhouse = createRowhouse({ url: appUrl, signingKey: SIGNING_KEY, pool: { max: 1 } })
    const organization = rowhouse.as({ organizationId, userId: ownerId })
    log('1 row a query, one client')
    const single = await runRounds(
      variants.map((name) => ({ name, operation: () => insert(organization, name, 1) })),
      quick ? { rounds: 6, roundMs: 1000, clients: 1 } : { rounds: 15, roundMs: 2000, clients: 1 },
    )
    log(`${BULK_ROWS} rows a query, one client`)
    const bulk = await bulkRounds(organization, quick ? 7 : 15)
    await rowhouse.close()
    const results: Record<string, number> = {}
    for (const [rounds, suffix] of [
      [single, '1_row'],
      [bulk, '10000_rows'],
    ] as const) {
      for (const name of variants) results[`${name}_rows_per_second_${suffix}`] = Math.round(median(rounds[name] ?? []))
      for (const name of ['logged', 'statement']) {
        results[`${name}_over_unlogged_${suffix}`] = Number(medianRatio(rounds, name, 'unlogged').toFixed(2))
      }
    }
    return results
  },
}
