// What attacking a schema costs: 200 protected tables, every kind of probe, in every context that the schema knows, in
// two scratch databases beside it. Planting the worlds is measured apart from attacking them. Then thousands of tables, for
// which the time is too short: it has to end when it is over, and every table has to have been tried by then.
import { arenaOfClone, cloneTwoWorlds, runAttacks } from '@rowhouse/verify'
import { Client } from 'pg'

import type { Bench, BenchContext } from './bench.ts'
import { makeDatabase } from './database.ts'

const DATABASE = 'rowhouse_bench_verify'
const TABLES = 200
const QUICK_TABLES = 50
const MANY_TABLES = 3_000
const QUICK_MANY_TABLES = 300
/** What `--attack-seconds` is unless somebody says otherwise. */
const BUDGET_SECONDS = 300
const QUICK_BUDGET_SECONDS = 30

async function buildTables(url: string, count: number): Promise<void> {
  const migrator = new Client(url)
  await migrator.connect()
  for (let number = 0; number < count; number += 1) {
    const name = `table_${number}`
    const parent = number === 0 ? name : `table_${number - 1}`
    await migrator.query(`create table ${name} (
      organization_id uuid not null default rowhouse.organization_id(),
      id uuid not null default gen_random_uuid(),
      name text not null, code text, amount numeric, at timestamptz, parent_id uuid,
      primary key (organization_id, id),
      unique (organization_id, code)
    )`)
    await migrator.query(
      `alter table ${name} add foreign key (organization_id, parent_id) references ${parent} (organization_id, id)`,
    )
    await migrator.query(`select rowhouse.protect('${name}')`)
  }
  await migrator.end()
}

/** Of an application without Rowhouse: policies that ask a setting. */
async function buildManyTables(admin: string, count: number): Promise<void> {
  const client = new Client(admin)
  await client.connect()
  await client.query(`drop role if exists many_of_bench; create role many_of_bench login;
    create table tenants (id uuid primary key, name text);
    alter table tenants enable row level security; alter table tenants force row level security;
    create policy own on tenants using (id = nullif(current_setting('app.tenant', true), '')::uuid)`)
  for (let start = 0; start < count; start += TABLES_A_TRANSACTION) {
    await client.query(`do $$ begin for n in ${start + 1}..${Math.min(start + TABLES_A_TRANSACTION, count)} loop
      execute format('create table t_%s (tenant_id uuid not null references tenants, id uuid not null, name text, code text,
        parent_id uuid, primary key (tenant_id, id), unique (tenant_id, code),
        foreign key (tenant_id, parent_id) references t_%s (tenant_id, id))', n, greatest(n - 1, 1));
      execute format('alter table t_%s enable row level security; alter table t_%s force row level security', n, n);
      execute format('create policy own on t_%s using (tenant_id = nullif(current_setting(%L, true), %L)::uuid)', n, 'app.tenant', '');
      execute format('grant select, insert, update, delete on t_%s to many_of_bench', n);
    end loop; end $$`)
  }
  await client.end()
}
const TABLES_A_TRANSACTION = 200

async function attackMany(adminUrl: string, quick: boolean, log: (line: string) => void) {
  const tables = quick ? QUICK_MANY_TABLES : MANY_TABLES
  const budget = quick ? QUICK_BUDGET_SECONDS : BUDGET_SECONDS
  const name = `${DATABASE}_many`
  const admin = new Client(adminUrl)
  await admin.connect()
  await admin.query(`drop database if exists ${name} with (force)`)
  await admin.query(`create database ${name}`)
  const source = Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href
  try {
    log(`making ${tables} tables`)
    await buildManyTables(source, tables)
    log(`planting two worlds of ${tables} tables`)
    const planting = performance.now()
    const worlds = await cloneTwoWorlds(source, { scratch: 'same-server' })
    const copySeconds = (performance.now() - planting) / 1000
    try {
      log(`attacking for ${budget} seconds`)
      const tried = new Set<string>()
      const start = performance.now()
      const { coverage, undecided } = await runAttacks(arenaOfClone(worlds), {
        attackSeconds: budget,
        onProbe: ({ object }) => tried.add(object),
      })
      const seconds = (performance.now() - start) / 1000
      const left = coverage.notCovered
        .filter(({ reason }) => reason === 'the time was over')
        .reduce((sum, { probe }) => sum + (Number.parseInt(probe, 10) || 0), 0)
      if (left > 0 && undecided.length === 0) throw new Error('Probes were left out, and it does not say so.')
      return {
        many_tables: tables,
        many_copy_seconds: Number(copySeconds.toFixed(1)),
        many_attack_seconds: Number(seconds.toFixed(1)),
        many_seconds_past_the_budget: Number(Math.max(seconds - budget, 0).toFixed(1)),
        many_cells: coverage.cells,
        many_cells_left: left,
        many_tables_never_tried: Array.from({ length: tables }, (_, at) => `table public.t_${at + 1}`).filter(
          (table) => !tried.has(table),
        ).length,
      }
    } finally {
      await worlds.close()
    }
  } finally {
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.query('drop role if exists many_of_bench')
    await admin.end()
  }
}

export const verify: Bench = {
  name: 'verify',
  measures: `attacks on ${TABLES} protected tables, all kinds of probe, in two scratch databases; and on ${MANY_TABLES}, for as long as is allowed`,
  aims: {
    seconds_for_200_tables: { max: 120 },
    kinds_of_probe: { min: 40 },
    findings: { max: 0 },
    many_seconds_past_the_budget: { max: 15 },
    many_tables_never_tried: { max: 0 },
  },
  async run({ quick, adminUrl, log }: BenchContext) {
    const tables = quick ? QUICK_TABLES : TABLES
    const urls = await makeDatabase(adminUrl, DATABASE)
    await buildTables(urls.migrator, tables)
    const source = Object.assign(new URL(adminUrl), { pathname: `/${DATABASE}` }).href
    log(`planting two worlds of ${tables} tables`)
    const planting = performance.now()
    const worlds = await cloneTwoWorlds(source, { scratch: 'same-server' })
    const plantSeconds = (performance.now() - planting) / 1000
    try {
      const results: Record<string, number> = { tables, plant_seconds: Number(plantSeconds.toFixed(1)) }
      for (const lanes of quick ? [2] : [1, 2, 4]) {
        log(`attacking, ${lanes} lanes`)
        const start = performance.now()
        const { findings, coverage, undecided } = await runAttacks(arenaOfClone(worlds), {
          attackSeconds: 600,
          lanes,
          commits: false,
        })
        const seconds = (performance.now() - start) / 1000
        if (undecided.length > 0) throw new Error(undecided.join(' '))
        if (lanes === 2) {
          results['seconds_for_200_tables'] = Number(((seconds * TABLES) / tables).toFixed(1))
          results['cells'] = coverage.cells
          results['statements'] = coverage.statements
          results['kinds_of_probe'] = coverage.probes
          results['findings'] = findings.length
        }
        results[`cells_per_second_${lanes}_lanes`] = Math.round(coverage.cells / seconds)
      }
      Object.assign(results, await attackMany(adminUrl, quick, log))
      return results
    } finally {
      await worlds.close()
    }
  },
}
