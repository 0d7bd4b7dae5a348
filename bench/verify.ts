// What attacking a schema costs: 200 protected tables, every kind of probe, in every context that the schema knows, in
// two scratch databases beside it. Planting the worlds is measured apart from attacking them.
import { arenaOfClone, cloneTwoWorlds, runAttacks } from '@rowhouse/verify'
import { Client } from 'pg'

import type { Bench, BenchContext } from './bench.ts'
import { makeDatabase } from './database.ts'

const DATABASE = 'rowhouse_bench_verify'
const TABLES = 200
const QUICK_TABLES = 50

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

export const verify: Bench = {
  name: 'verify',
  measures: `attacks on ${TABLES} protected tables, all kinds of probe, in two scratch databases`,
  aims: { seconds_for_200_tables: { max: 120 }, kinds_of_probe: { min: 40 }, findings: { max: 0 } },
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
      return results
    } finally {
      await worlds.close()
    }
  },
}
