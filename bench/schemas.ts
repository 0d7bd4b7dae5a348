// What thousands of schemas cost a connection: the same query of a tenant at 100, 1,000 and 5,000 of them, through the runtime,
// whose connections serve one home each, and through a pg.Pool whose connections serve all of them by search_path. A backend
// keeps what it learnt of each table it has met, so that memory is what differs, and time in the end.
import { readFile } from 'node:fs/promises'

import { Client, Pool } from 'pg'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse } from 'rowhouse'

import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY, makeDatabase } from './database.ts'
import { percentile } from './load.ts'
import { addSchemaHomes, dropSchemaHomes } from './schema-homes.ts'
import type { SchemaHome } from './schema-homes.ts'

const DATABASE = 'rowhouse_bench_schemas'
const LEVELS = [100, 1000, 5000] as const
const QUICK_LEVELS = [100, 300, 600] as const
/** Connections of either pool. */
const CONNECTIONS = 5
const WARM_QUERIES = 2000
/** Homes that are asked at each level, spread over all that there are: as many of each must be met for the first time. */
const SAMPLE = 100
/** Each for another home than the last ones, so that nearly every one opens a connection. */
const ANY_QUERIES = 500
const PLAIN_NAME = 'rowhouse bench plain'

const QUERY = 'select id, email, name from contacts order by email limit 20'
const TABLES = `create table contacts (
  organization_id uuid not null default rowhouse.organization_id(),
  id uuid not null default gen_random_uuid(),
  email text, name text,
  primary key (organization_id, id)
);
create index on contacts (organization_id, email);
select rowhouse.protect('contacts');`
const ROWS = `insert into contacts (organization_id, email, name)
select $organization, 'person' || n || '@example.com', 'Person ' || n from generate_series(1, 20) as n;`

/** Kilobytes that these backends have to themselves: what they share with the others, the buffers above all, does not count. */
async function ownKilobytes(admin: Client, where: string): Promise<number> {
  const { rows } = await admin.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and ${where}`,
  )
  const each: number[] = []
  for (const { pid } of rows) {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch((error: unknown) => {
      throw new Error('The memory of a backend is read from /proc of this machine, as its user or as root.', {
        cause: error,
      })
    })
    const own = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)].map(([, digits]) => Number(digits))
    each.push(own.reduce((sum, one) => sum + one, 0))
  }
  if (each.length === 0) throw new Error(`There is no backend where ${where}.`)
  return each.reduce((sum, one) => sum + one, 0) / each.length
}

/** Milliseconds of each call, so many at a time. */
async function times(calls: number, atOnce: number, call: (number: number) => Promise<unknown>): Promise<number[]> {
  const all: number[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < calls) {
      const number = next
      next += 1
      const begun = performance.now()
      await call(number)
      all.push(performance.now() - begun)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return all
}

/** Each of the sample once, in an order that is the same each time and has no neighbours in it. */
const spread = (homes: readonly SchemaHome[], number: number): SchemaHome =>
  homes[Math.floor((((number * 7919) % SAMPLE) * homes.length) / SAMPLE)] as SchemaHome

interface Measured {
  readonly warmMs: number
  readonly anyMs: number
  /** The first query for a home, whose placement nobody has asked for yet. */
  readonly firstMs: number
  readonly kilobytes: number
}

/** Through the runtime, and what its connections hold after that. */
async function throughRuntime(
  rowhouse: Rowhouse,
  admin: Client,
  homes: readonly SchemaHome[],
  queries: { readonly warm: number; readonly any: number },
): Promise<Measured> {
  const ask = async ({ organizationId }: SchemaHome): Promise<void> => {
    const { rowCount } = await rowhouse.as({ organizationId, service: 'bench' }).query(QUERY)
    if (rowCount !== 20) throw new Error(`The answer has ${String(rowCount)} rows.`)
  }
  const first = await times(SAMPLE, CONNECTIONS, (number) => ask(spread(homes, number)))
  const any = await times(queries.any, CONNECTIONS, (number) => ask(spread(homes, number)))
  const few = homes.slice(-CONNECTIONS)
  await times(200, CONNECTIONS, (number) => ask(few[number % CONNECTIONS] as SchemaHome))
  const warm = await times(queries.warm, CONNECTIONS, (number) => ask(few[number % CONNECTIONS] as SchemaHome))
  return {
    firstMs: percentile(first, 0.5),
    anyMs: percentile(any, 0.5),
    warmMs: percentile(warm, 0.5),
    kilobytes: await ownKilobytes(admin, `usename ~ '^rowhouse_h_' and application_name = 'rowhouse'`),
  }
}

/** Through connections that serve whichever schema comes: each has met all of them afterwards. */
async function throughPlainPool(
  admin: Client,
  url: string,
  homes: readonly SchemaHome[],
  queries: { readonly warm: number; readonly any: number },
): Promise<Omit<Measured, 'firstMs'>> {
  const pool = new Pool({ connectionString: url, max: CONNECTIONS, application_name: PLAIN_NAME })
  pool.on('error', () => {})
  const ask = async (home: SchemaHome, client: Pick<Client, 'query'>): Promise<void> => {
    await client.query(`set search_path = ${home.schemaName}`)
    const { rowCount } = await client.query({ text: QUERY, values: [] })
    if (rowCount !== 20) throw new Error(`The answer has ${String(rowCount)} rows.`)
  }
  try {
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.connect()))
    await Promise.all(
      clients.map(async (client) => {
        for (const home of homes) await ask(home, client)
      }),
    )
    const kilobytes = await ownKilobytes(admin, `application_name = '${PLAIN_NAME}'`)
    for (const client of clients) client.release()
    const borrowed = async (home: SchemaHome): Promise<void> => {
      const client = await pool.connect()
      await ask(home, client)
      client.release()
    }
    const any = await times(queries.any, CONNECTIONS, (number) => borrowed(spread(homes, number)))
    const few = homes.slice(-CONNECTIONS)
    const warm = await times(queries.warm, CONNECTIONS, (number) => borrowed(few[number % CONNECTIONS] as SchemaHome))
    return { kilobytes, anyMs: percentile(any, 0.5), warmMs: percentile(warm, 0.5) }
  } finally {
    await pool.end()
  }
}

const rounded = (value: number): number => Number(value.toFixed(2))

export const schemas: Bench = {
  name: 'schemas',
  measures:
    'the same query at 100, 1,000 and 5,000 schemas: time and memory of a connection, and of one that serves all',
  aims: {
    kilobytes_most_over_fewest: { max: 1.1 },
    warm_ms_most_over_fewest: { max: 1.2 },
    any_ms_most_over_fewest: { max: 1.2 },
    first_ms_most_over_fewest: { max: 1.2 },
  },
  async run({ quick, adminUrl, log }: BenchContext) {
    const levels = quick ? QUICK_LEVELS : LEVELS
    const queries = quick ? { warm: 500, any: 150 } : { warm: WARM_QUERIES, any: ANY_QUERIES }
    const urls = await makeDatabase(adminUrl, DATABASE)
    const databaseUrl = Object.assign(new URL(adminUrl), { pathname: `/${DATABASE}` }).href
    const admin = new Client(databaseUrl)
    await admin.connect()
    await admin.query(`insert into rowhouse.plans (id, name, isolation) values ('homes', 'Homes', 'schema')`)
    const results: Record<string, number> = {}
    const homes: SchemaHome[] = []
    try {
      for (const level of levels) {
        const begun = performance.now()
        homes.push(
          ...(await addSchemaHomes(databaseUrl, {
            count: level - homes.length,
            plan: 'homes',
            tables: TABLES,
            rows: ROWS,
          })),
        )
        await admin.query('vacuum analyze pg_class, pg_attribute, pg_index, pg_namespace, pg_authid, pg_auth_members')
        const built = Math.round((performance.now() - begun) / 1000)
        const rowhouse = createRowhouse({ url: urls.app, signingKey: SIGNING_KEY, pool: { max: CONNECTIONS } })
        await rowhouse.connect()
        const own = await throughRuntime(rowhouse, admin, homes, queries)
        await rowhouse.close()
        const plain = await throughPlainPool(admin, databaseUrl, homes, queries)
        log(`${level} schemas, built in ${built} s: ${JSON.stringify({ own, plain })}`)
        results[`first_ms_${level}`] = rounded(own.firstMs)
        for (const [name, measured] of [
          ['', own],
          ['plain_', plain],
        ] as const) {
          results[`${name}kilobytes_${level}`] = Math.round(measured.kilobytes)
          results[`${name}warm_ms_${level}`] = rounded(measured.warmMs)
          results[`${name}any_ms_${level}`] = rounded(measured.anyMs)
        }
      }
      const [fewest, most] = [levels[0], levels.at(-1) as number]
      for (const what of [
        'kilobytes',
        'warm_ms',
        'any_ms',
        'first_ms',
        'plain_kilobytes',
        'plain_warm_ms',
        'plain_any_ms',
      ]) {
        const ratio = (results[`${what}_${most}`] ?? Number.NaN) / (results[`${what}_${fewest}`] ?? Number.NaN)
        results[`${what}_most_over_fewest`] = rounded(ratio)
      }
      return { schemas: most, ...results }
    } finally {
      await dropSchemaHomes(admin)
      await admin.end()
    }
  },
}
