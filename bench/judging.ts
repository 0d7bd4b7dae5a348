// What it costs the catalogue to judge organizations, which the control plane has it do every 15 seconds: at 1,000 and at 10,000
// of them that are all active. Calm: no statement took long. Noticed: each had one that did, and its p95 is as usual. Slow: the
// p95 of each is above what a person notices, and usual for it. Also the ten minutes that become history, and what one process
// carries with one flush.
import { randomUUID } from 'node:crypto'

import { deriveTokenKey } from '@rowhouse/database'
import { Client } from 'pg'

import { mintToken } from '../packages/testkit/src/tokens.ts'
import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY, makeDatabase } from './database.ts'
import { median } from './rounds.ts'

const DATABASE = 'rowhouse_bench_judging'
const LEVELS = [1000, 10_000] as const
const QUICK_LEVELS = [300, 3000] as const
const SHAPES = 4
const HISTORY_WINDOWS = 144
const ROUNDS = 5
/** As many as a process has between two flushes: CELLS_MAX of packages/runtime/src/measures/measures.ts. */
const CELLS = 4096

/** Of a hundred statements: so many in the bucket of half a millisecond, the rest in that of 32 to 45 ms. */
const buckets = (slow: number): string =>
  `array(select case n when 5 then ${100 - slow} when 18 then ${slow} else 0 end::bigint from generate_series(1, 40) n)`

async function fill(admin: Client, count: number): Promise<void> {
  // Without looking up the organization of each of a million rows.
  await admin.query('set synchronous_commit = off; set session_replication_role = replica')
  await admin.query(
    `insert into rowhouse.organizations (slug, name)
     select 'o-' || n, 'Organization ' || n from generate_series((select count(*) + 1 from rowhouse.organizations), $1::int) n`,
    [count],
  )
  await admin.query('truncate rowhouse.organization_measures, rowhouse.statement_measures, rowhouse.measure_history')
  await admin.query(
    `insert into rowhouse.measure_history
     select o.id, date_bin('10 minutes', now(), '2000-01-01') - n * interval '10 minutes', 1000, 0, 1000, 1000, 1000, 0.5, 40
     from rowhouse.organizations o, generate_series(3, $1::int + 2) n`,
    [HISTORY_WINDOWS],
  )
  await admin.query(
    `insert into rowhouse.statement_measures
     select o.id, date_trunc('minute', now()) - n * interval '1 minute', false, lpad(to_hex(s), 16, '0'), 100, 0, 100, 100, 100, 0.5, ${buckets(0)}
     from rowhouse.organizations o, generate_series(0, 5) n, generate_series(1, $1::int) s`,
    [SHAPES],
  )
  await admin.query(
    `insert into rowhouse.organization_measures
     select o.id, date_trunc('minute', now()) - n * interval '1 minute', false, 100, 0, 100, 100, 100, 0.5, ${buckets(0)}
     from rowhouse.organizations o, generate_series(0, 30) n`,
  )
  await admin.query(
    'vacuum analyze rowhouse.organization_measures, rowhouse.statement_measures, rowhouse.measure_history',
  )
}

const cases = { calm: [0, 0.5], noticed: [1, 40], slow: [20, 45] } as const

async function measure(admin: Client, count: number): Promise<Record<string, number>> {
  const results: Record<string, number> = {}
  const judge = async (): Promise<number> => {
    const begunMs = performance.now()
    const { rowCount } = await admin.query('select from rowhouse.judge_measures()')
    if (rowCount !== 0) throw new Error(`There were ${String(rowCount)} alerts.`)
    return performance.now() - begunMs
  }
  for (const [name, [slow, maxMs]] of Object.entries(cases)) {
    await admin.query(
      `update rowhouse.organization_measures set buckets = ${buckets(slow)}, max_ms = $1 where window_start > now() - interval '6 minutes'`,
      [maxMs],
    )
    await admin.query('vacuum analyze rowhouse.organization_measures')
    await admin.query(`update rowhouse.measure_state set history_until = now(), pruned_at = now()`)
    const all: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) all.push(await judge())
    results[`${name}_ms_${count}`] = Math.round(median(all))
  }
  await admin.query(
    `delete from rowhouse.measure_history where window_start >= now() - interval '40 minutes';
     update rowhouse.measure_state set history_until = date_bin('10 minutes', now() - interval '26 minutes', '2000-01-01')`,
  )
  const before = results[`slow_ms_${count}`] ?? 0
  results[`history_ms_${count}`] = Math.max(0, Math.round((await judge()) - before))
  return results
}

/** One flush of a process that is asked by as many organizations as fit, the first into a minute and the second into the same. */
async function flush(appUrl: string, databaseId: string, organizations: readonly string[]): Promise<number> {
  const app = new Client(appUrl)
  await app.connect()
  try {
    const processId = randomUUID()
    const key = deriveTokenKey(SIGNING_KEY, databaseId)
    const times: number[] = []
    for (let sequence = 1; sequence <= ROUNDS; sequence += 1) {
      const cells = Array.from({ length: CELLS }, (_, n) => ({
        o: organizations[Math.floor(n / SHAPES) % organizations.length],
        k: false,
        f: `00000000000000a${n % SHAPES}`,
        c: 10,
        e: 0,
        t: 10,
        r: 10,
        b: 1000,
        m: 2,
        h: Array.from({ length: 40 }, (_bucket, at) => (at === 5 ? 10 : 0)),
      }))
      const shapes = Object.fromEntries([0, 1, 2, 3].map((n) => [`00000000000000a${n}`, `select ${n}`]))
      const token = mintToken(
        { databaseId, signingKey: SIGNING_KEY },
        { org: null, kind: 'service', service: 'rowhouse runtime', request: processId },
        key,
      )
      const begunMs = performance.now()
      await app.query('select rowhouse.record_measures($1, $2)', [
        token,
        JSON.stringify({ sequence, ageMs: 0, shapes, cells }),
      ])
      times.push(performance.now() - begunMs)
    }
    return Math.round(median(times))
  } finally {
    await app.end()
  }
}

export const judging: Bench = {
  name: 'judging',
  measures: 'judging 1,000 and 10,000 active organizations, and taking in what a process counted',
  aims: {
    calm_most_over_fewest: { max: 12 },
    noticed_most_over_fewest: { max: 12 },
    slow_most_over_fewest: { max: 12 },
    slow_share_of_15_s: { max: 0.2 },
  },
  async run({ quick, adminUrl, log }: BenchContext) {
    const levels = quick ? QUICK_LEVELS : LEVELS
    const urls = await makeDatabase(adminUrl, DATABASE)
    const admin = new Client(Object.assign(new URL(adminUrl), { pathname: `/${DATABASE}` }).href)
    await admin.connect()
    const results: Record<string, number> = {}
    try {
      for (const level of levels) {
        log(`filling in ${level} organizations and a day of theirs`)
        await fill(admin, level)
        Object.assign(results, await measure(admin, level))
      }
      const [fewest, most] = levels
      for (const name of [...Object.keys(cases), 'history']) {
        const [small, large] = [results[`${name}_ms_${fewest}`] ?? 0, results[`${name}_ms_${most}`] ?? 0]
        results[`${name}_most_over_fewest`] = Number((large / Math.max(1, small)).toFixed(2))
      }
      results['slow_share_of_15_s'] = Number(((results[`slow_ms_${most}`] ?? 0) / 15_000).toFixed(3))
      const { rows } = await admin.query<{ id: string; database: string }>(
        'select o.id, d.id as database from rowhouse.organizations o, rowhouse.database d',
      )
      results['flush_of_4096_ms'] = await flush(
        urls.app,
        rows[0]?.database ?? '',
        rows.map(({ id }) => id),
      )
      const sizes = await admin.query<{ name: string; bytes: number }>(
        `select c.relname as name, pg_total_relation_size(c.oid) / greatest(1, c.reltuples) as bytes from pg_class c
         where c.oid in ('rowhouse.organization_measures'::regclass, 'rowhouse.statement_measures'::regclass, 'rowhouse.measure_history'::regclass)`,
      )
      for (const { name, bytes } of sizes.rows) results[`bytes_a_row_${name}`] = Math.round(bytes)
      return results
    } finally {
      await admin.end()
    }
  },
}
