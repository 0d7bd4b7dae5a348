// Reading across organizations: an approved report over 1,000 organizations, against one statement over the same rows
// by a login that bypasses row security. The second is not a way Rowhouse offers; it is the floor.
import { Client } from 'pg'
import { createRowhouse } from 'rowhouse'

import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY, makeDatabase } from './database.ts'
import { reportOverDatabases } from './report-databases.ts'
import { median } from './rounds.ts'

const DATABASE = 'rowhouse_bench_report'
const ORGANIZATIONS = 1000
const ROWS_PER_ORGANIZATION = 200
const STATEMENT = 'select stage, count(*) as deals, sum(amount) as amount from deals group by stage'

async function build(adminUrl: string): Promise<{ readonly app: string; readonly migrator: string }> {
  const urls = await makeDatabase(adminUrl, DATABASE)
  const owner = new Client(urls.migrator)
  await owner.connect()
  await owner.query(`create table deals (
    organization_id uuid not null default rowhouse.organization_id(),
    id uuid not null default gen_random_uuid(), stage text, amount numeric,
    primary key (organization_id, id))`)
  await owner.query(
    `select rowhouse.create_organization('Organization ' || n, 'organization-' || n, gen_random_uuid())
     from generate_series(1, $1::int) n`,
    [ORGANIZATIONS],
  )
  await owner.query(
    `insert into deals (organization_id, stage, amount)
     select o.id, 'stage ' || n % 5, n from rowhouse.organizations o, generate_series(1, $1::int) n`,
    [ROWS_PER_ORGANIZATION],
  )
  await owner.query(`select rowhouse.protect('deals')`)
  await owner.query(
    `select rowhouse.define_report('deals_by_stage', $1, 'stage text, deals bigint, amount numeric',
       'select stage, sum(deals) as deals, sum(amount) as amount from results group by stage order by stage')`,
    [STATEMENT],
  )
  await owner.query(`select rowhouse.approve_report('deals_by_stage', 'benchmark')`)
  await owner.query('analyze deals')
  await owner.end()
  return urls
}

export const report: Bench = {
  name: 'report',
  measures:
    '1,000 organizations read by an approved report, against one statement that bypasses row security; 50 databases',
  aims: { seconds_1000_organizations: { max: 5 } },
  async run({ quick, adminUrl, log }: BenchContext) {
    log(`building ${ORGANIZATIONS} organizations of ${ROWS_PER_ORGANIZATION} rows`)
    const urls = await build(adminUrl)
    const rowhouse = createRowhouse({ url: urls.app, signingKey: SIGNING_KEY, pool: { max: 8 } })
    const bypass = new Client(urls.migrator)
    await bypass.connect()
    const measured = { report: [] as number[], bypass: [] as number[] }
    const rounds = quick ? 5 : 15
    for (let round = 0; round <= rounds; round += 1) {
      const begun = performance.now()
      const { rows, organizations } = await rowhouse.report('deals_by_stage', { reason: 'benchmark' })
      const middle = performance.now()
      const floor = await bypass.query(`${STATEMENT} order by stage`)
      const end = performance.now()
      if (organizations !== ORGANIZATIONS || rows.length !== floor.rows.length) throw new Error('The answers differ.')
      if (round === 0) continue
      measured.report.push(middle - begun)
      measured.bypass.push(end - middle)
    }
    await rowhouse.close()
    await bypass.end()
    const seconds = median(measured.report) / 1000
    const databases = await reportOverDatabases(adminUrl, log)
    return {
      seconds_1000_organizations: Number(seconds.toFixed(2)),
      milliseconds_per_organization: Number(((seconds * 1000) / ORGANIZATIONS).toFixed(2)),
      milliseconds_bypass: Number(median(measured.bypass).toFixed(1)),
      milliseconds_50_databases_first: Math.round(databases.first),
      milliseconds_50_databases: Math.round(databases.again),
      milliseconds_50_databases_one_closed: Math.round(databases.oneClosed),
    }
  },
}
