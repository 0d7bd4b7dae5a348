// A report over organizations that have a database each: what entering one costs that nobody has entered yet, what it costs once
// connections are there, and what it costs while one of the databases lets nobody in.
import { homeMigrations, keepDatabases, openFleet } from '@rowhouse/fleet'
import { Client, Pool } from 'pg'
import { createRowhouse } from 'rowhouse'

import { SIGNING_KEY, makeDatabase } from './database.ts'
import { median } from './rounds.ts'

const DATABASE = 'rowhouse_bench_report_databases'
const ENCRYPTION_KEY = 'an encryption key that only this benchmark uses'
const DATABASES = 50
const ROUNDS = 5
const TABLES = `create table deals (id uuid primary key default gen_random_uuid(), stage text, amount numeric);
select rowhouse.protect('deals');`
const COPY_WAIT_MS = 60_000

/** In milliseconds. */
export interface OverDatabases {
  readonly first: number
  readonly again: number
  readonly oneClosed: number
}

export async function reportOverDatabases(adminUrl: string, log: (line: string) => void): Promise<OverDatabases> {
  const urls = await makeDatabase(adminUrl, DATABASE)
  const url = Object.assign(new URL(adminUrl), { pathname: `/${DATABASE}` }).href
  const admin = new Client(url)
  await admin.connect()
  await admin.query(`insert into rowhouse.plans (id, name, isolation) values ('database', 'Database', 'database')`)
  await admin.query(
    `insert into rowhouse.tenant_migrations (version, name, checksum, sql, released_at)
     values ('20260101000000', 'tables', encode(sha256(convert_to($1, 'UTF8')), 'hex'), $1, now())`,
    [TABLES],
  )
  const reach = { catalogueUrl: url, signingKey: SIGNING_KEY }
  const fleet = openFleet({ ...reach, encryptionKey: ENCRYPTION_KEY, migrations: homeMigrations(admin) })
  const catalogue = new Pool({ connectionString: url, max: 4 })
  const keeper = keepDatabases({ ...reach, catalogue, everyMs: 50, onError: (where) => log(`${where} failed`) })
  // Room for one connection to each: with less, each run would connect to each database anew.
  const rowhouse = createRowhouse({ url: urls.app, signingKey: SIGNING_KEY, pool: { max: DATABASES + 10 } })
  try {
    const migrator = new Client(urls.migrator)
    await migrator.connect()
    await migrator.query(TABLES)
    await migrator.query(
      `select rowhouse.define_report('deals', 'select count(*) as deals from deals', 'deals bigint', 'select sum(deals) as deals from results')`,
    )
    await migrator.query(`select rowhouse.approve_report('deals', 'benchmark')`)
    await migrator.end()
    log(`making ${DATABASES} databases`)
    for (let n = 0; n < DATABASES; n += 1)
      await fleet.createOrganization({ name: `Nr ${n}`, slug: `nr-${n}`, ownerId: null, plan: 'database' })
    const run = async (read: number): Promise<number> => {
      const begunMs = performance.now()
      const { organizations, refused } = await rowhouse.report('deals', { reason: 'benchmark', partial: true })
      const tookMs = performance.now() - begunMs
      if (organizations !== read || organizations + refused.length !== DATABASES)
        throw new Error(`${organizations} were read, and ${refused.length} named as not.`)
      return tookMs
    }
    await untilHeard(admin)
    const first = await run(DATABASES)
    const again: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) again.push(await run(DATABASES))
    const { rows } = await admin.query<{ name: string }>(
      'select database_name as name from rowhouse.placements where database_name is not null order by 1 limit 1',
    )
    await admin.query(`alter database ${rows[0]?.name} allow_connections false`)
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [rows[0]?.name])
    const oneClosed: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) oneClosed.push(await run(DATABASES - 1))
    return { first, again: median(again), oneClosed: median(oneClosed) }
  } finally {
    await rowhouse.close()
    await keeper.stop()
    await catalogue.end()
    await fleet.close()
    await dropHomes(admin)
    await admin.end()
  }
}

/** Until every database knows the report: how long that takes is not what is measured. */
async function untilHeard(catalogue: Client): Promise<void> {
  const untilMs = performance.now() + COPY_WAIT_MS
  for (;;) {
    const { rows } = await catalogue.query<{ lacking: number }>(
      `select count(*)::int as lacking from rowhouse.data_databases d
       where d.reports_revision is distinct from (select r.revision from rowhouse.reports_revision r)`,
    )
    if (rows[0]?.lacking === 0) return
    if (performance.now() > untilMs) throw new Error(`${rows[0]?.lacking} databases have not heard of the report.`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function dropHomes(admin: Client): Promise<void> {
  const { rows } = await admin.query<{ login: string; name: string }>(
    `select login, database_name as name from rowhouse.homes where isolation = 'database' and login is not null`,
  )
  for (const { login, name } of rows) {
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.query(`drop owned by ${login} cascade`)
    await admin.query(`drop role ${login}`)
  }
}
