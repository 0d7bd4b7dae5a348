// 500 clients of 200 organizations, all through one server connection that PgBouncer hands from transaction to
// transaction. Every value, error and setting carries the mark of its organization, and so does everything that comes
// back: rows, errors, what a session remembers, lines of the logs. One foreign mark is a leak.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { Client } from 'pg'
import { createRowhouse, isRowhouseError } from 'rowhouse'
import type { Organization, Rowhouse } from 'rowhouse'

import { SIGNING_KEY, makeDatabase } from '../bench/database.ts'
import { foreignMarks, markOf } from './marks.ts'
import { startPgBouncer } from './pgbouncer.ts'

export interface SoakOptions {
  readonly adminUrl: string
  readonly serverLogFile: string
  readonly operations: number
  readonly clients: number
  readonly organizations: number
  readonly log: (line: string) => void
}

interface Tenant {
  readonly index: number
  readonly id: string
  readonly ownerId: string
  readonly handle: Organization
  readonly stranger: Organization
  /** Rows that were acknowledged and not deleted since. */
  rows: number
}

interface Tally {
  operations: number
  rowsSeen: number
  errorsProvoked: number
  errorsUnexpected: number
  foreignRows: number
  foreignErrors: number
  foreignSettings: number
  readonly examples: string[]
}

const DATABASE = 'rowhouse_soak_pooler'
const ROWS_AT_START = 5
const EXAMPLES_MAX = 10

export async function soakPooler(options: SoakOptions): Promise<Record<string, number | string>> {
  const { operations, clients, log } = options
  const urls = await makeDatabase(options.adminUrl, DATABASE)
  // The server quotes the values of what failed, so that its log shows whose they were.
  await runAs(options.adminUrl, 'alter role rowhouse_app set log_parameter_max_length_on_error = -1')
  const logBegin = readFileSync(options.serverLogFile, 'utf8').length
  await runAs(
    urls.migrator,
    `create table notes (
       organization_id uuid not null default rowhouse.organization_id(),
       id uuid not null default gen_random_uuid(),
       body text not null,
       primary key (organization_id, id))`,
    `select rowhouse.protect('notes')`,
  )
  const bouncer = await startPgBouncer(urls.app, clients)
  const rowhouse = createRowhouse({
    url: bouncer.url,
    signingKey: SIGNING_KEY,
    preparedStatements: false,
    pool: { max: clients, acquireTimeoutMs: 300_000 },
  })
  try {
    const tenants = await makeTenants(rowhouse, urls.control, options.organizations)
    for (const tenant of tenants) await plant(tenant)
    await proveDetection(tenants)
    const tally = await soak(tenants, operations, clients, log)
    const begun = Date.now()
    const serverConnections = await bouncer.serverConnections()
    const wrongCounts = await countWrong(urls.migrator, tenants)
    const serverLog = readFileSync(options.serverLogFile, 'utf8').slice(logBegin)
    const entries = markedEntries(serverLog)
    const foreignLogLines = entries.filter(({ size }) => size > 1).length + foreignMarks(bouncer.log(), -1).length
    log(`checked in ${Date.now() - begun} ms`)
    for (const example of tally.examples) log(example)
    const { examples: _, ...counts } = tally
    return {
      pgbouncer: bouncer.version,
      clients,
      organizations: tenants.length,
      server_connections: serverConnections,
      ...Object.fromEntries(Object.entries(counts).map(([key, value]) => [snake(key), value])),
      log_lines_with_a_mark: entries.length,
      foreign_log_lines: foreignLogLines,
      organizations_with_lost_or_surplus_rows: wrongCounts,
    }
  } finally {
    await rowhouse.close()
    await bouncer.stop()
    await runAs(options.adminUrl, `drop database if exists ${DATABASE} with (force)`)
  }
}

const snake = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

async function runAs(url: string, ...statements: string[]): Promise<void> {
  const client = new Client(url)
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

async function makeTenants(rowhouse: Rowhouse, controlUrl: string, count: number): Promise<Tenant[]> {
  const control = new Client(controlUrl)
  await control.connect()
  const tenants: Tenant[] = []
  for (let index = 0; index < count; index += 1) {
    const ownerId = randomUUID()
    const { rows } = await control.query<{ id: string }>('select rowhouse.create_organization($1, $2, $3) as id', [
      `Organization ${index}`,
      `organization-${index}`,
      ownerId,
    ])
    const { id } = rows[0] as { id: string }
    const handle =
      index % 2 === 0
        ? rowhouse.as({ organizationId: id, userId: ownerId })
        : rowhouse.as({ organizationId: id, service: 'soak' })
    const stranger = rowhouse.as({ organizationId: id, userId: randomUUID() })
    tenants.push({ index, id, ownerId, handle, stranger, rows: 0 })
  }
  await control.end()
  return tenants
}

async function plant(tenant: Tenant): Promise<void> {
  await tenant.handle.query('insert into notes (body) select $1 || n from generate_series(1, $2::int) n', [
    markOf(tenant.index),
    ROWS_AT_START,
  ])
  tenant.rows = ROWS_AT_START
}

/** What a client does, by weight. Each returns the rows it was given. */
type Act = (tenant: Tenant) => Promise<readonly Record<string, unknown>[]>

class Provoked extends Error {}

const READ = 'select organization_id, body from notes order by id limit 20'
const READ_SETTING = `select current_setting('app.mark', true) as setting`

const acts: readonly (readonly [number, Act])[] = [
  [45, async ({ handle }) => (await handle.query(READ)).rows],
  [
    5,
    async ({ handle }) =>
      (await handle.query('select organization_id, body from notes where body like $1', ['%'])).rows,
  ],
  [
    12,
    async (tenant) => {
      const insert = 'insert into notes (body) values ($1) returning organization_id, body'
      const { rows } = await tenant.handle.query(insert, [`${markOf(tenant.index)} ${randomUUID()}`])
      tenant.rows += 1
      return rows
    },
  ],
  [
    10,
    async ({ handle, index }) =>
      (
        await handle.query(
          `update notes set body = $1 where id = (select id from notes limit 1) returning organization_id, body`,
          [`${markOf(index)} changed`],
        )
      ).rows,
  ],
  [
    10,
    async (tenant) => {
      const remove = `delete from notes where id = (select id from notes order by id limit 1 for update skip locked)
        returning organization_id, body`
      const { rows } = await tenant.handle.query(remove)
      tenant.rows -= rows.length
      return rows
    },
  ],
  [
    6,
    async (tenant) => {
      const seen = await tenant.handle.transaction(async (tx) => {
        await tx.query(`select set_config('app.mark', $1, false)`, [markOf(tenant.index)])
        await tx.query('insert into notes (body) values ($1)', [`${markOf(tenant.index)} in a transaction`])
        return [...(await tx.query(READ)).rows, ...(await tx.query(READ_SETTING)).rows]
      })
      tenant.rows += 1
      return seen
    },
  ],
  [
    3,
    (tenant) =>
      tenant.handle
        .transaction(async (tx) => {
          await tx.query('insert into notes (body) values ($1)', [`${markOf(tenant.index)} rolled back`])
          throw new Provoked()
        })
        .catch((error: unknown) => {
          if (error instanceof Provoked) return []
          throw error
        }),
  ],
  [3, async ({ handle, index }) => (await handle.query('select $1::int', [markOf(index)])).rows],
  [
    2,
    async ({ handle, index }) => (await handle.query(`select set_config('app.mark', $1, false)`, [markOf(index)])).rows,
  ],
  [3, async ({ handle }) => (await handle.query(READ_SETTING)).rows],
  [1, async ({ stranger }) => (await stranger.query(READ)).rows],
]

const totalWeight = acts.reduce((sum, [weight]) => sum + weight, 0)

/** The operation's act by its number alone, so that a run can be repeated. */
function actOf(number: number): Act {
  let point = (Math.imul(number ^ 0x9e3779b9, 0x85ebca6b) >>> 0) % totalWeight
  for (const [weight, act] of acts) {
    if (point < weight) return act
    point -= weight
  }
  throw new Error('The weights do not add up.')
}

const noTally = (): Tally => ({
  operations: 0,
  rowsSeen: 0,
  errorsProvoked: 0,
  errorsUnexpected: 0,
  foreignRows: 0,
  foreignErrors: 0,
  foreignSettings: 0,
  examples: [],
})

/** A run that finds nothing says something only if it would have: here one organization is given another's handle. */
async function proveDetection([one, other]: readonly Tenant[]): Promise<void> {
  if (one === undefined || other === undefined) throw new Error('The run needs two organizations.')
  const swapped: Tenant = { ...one, handle: other.handle }
  const tally = noTally()
  const kinds: Act[] = [
    async ({ handle }) => (await handle.query(READ)).rows,
    async ({ handle }) => (await handle.query('select $1::int', [markOf(other.index)])).rows,
    async ({ handle }) => (await handle.query('select $1::text as setting', [markOf(other.index)])).rows,
  ]
  for (const act of kinds) await operate(swapped, act, tally)
  if (tally.foreignRows === 0 || tally.foreignErrors === 0 || tally.foreignSettings === 0) {
    throw new Error(`The run would not see a leak: ${JSON.stringify(tally)}`)
  }
}

async function soak(
  tenants: readonly Tenant[],
  operations: number,
  clients: number,
  log: (line: string) => void,
): Promise<Tally> {
  const tally = noTally()
  const begun = Date.now()
  let next = 0
  const client = async (): Promise<void> => {
    for (let number = next++; number < operations; number = next++) {
      const tenant = tenants[(Math.imul(number, 0x9e3779b1) >>> 0) % tenants.length] as Tenant
      await operate(tenant, actOf(number), tally)
      tally.operations += 1
      if (tally.operations % 50_000 === 0) {
        log(`${tally.operations} operations, ${Math.round((tally.operations * 1000) / (Date.now() - begun))} a second`)
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return tally
}

async function operate(tenant: Tenant, act: Act, tally: Tally): Promise<void> {
  const note = (what: string): void => {
    if (tally.examples.length < EXAMPLES_MAX) tally.examples.push(`organization ${tenant.index}: ${what}`)
  }
  try {
    for (const row of await act(tenant)) {
      tally.rowsSeen += 1
      const text = JSON.stringify(row)
      const foreign = foreignMarks(text, tenant.index).length > 0
      if (foreign && 'setting' in row) tally.foreignSettings += 1
      else if (foreign || ('organization_id' in row && row['organization_id'] !== tenant.id)) tally.foreignRows += 1
      else continue
      note(text)
    }
  } catch (error) {
    const text = isRowhouseError(error) ? `${error.code} ${error.message}` : String(error)
    const isProvoked = isRowhouseError(error) && (error.code === 'query_failed' || error.code === 'not_a_member')
    if (isProvoked) tally.errorsProvoked += 1
    else tally.errorsUnexpected += 1
    if (foreignMarks(text, tenant.index).length > 0) tally.foreignErrors += 1
    else if (isProvoked) return
    note(text)
  }
}

/** Organizations whose rows are not as many as were acknowledged, or bear another's mark. */
async function countWrong(migratorUrl: string, tenants: readonly Tenant[]): Promise<number> {
  const client = new Client(migratorUrl)
  await client.connect()
  const { rows } = await client.query<{ organization_id: string; rows: number; marks: string[] }>(
    `select organization_id, count(*)::int as rows, array_agg(distinct substring(body from '<[0-9]+>')) as marks
     from notes group by organization_id`,
  )
  await client.end()
  const found = new Map(rows.map((row) => [row.organization_id, row]))
  return tenants.filter(({ id, index, rows: expected }) => {
    const row = found.get(id)
    const isWhole = (row?.rows ?? 0) === expected
    return !isWhole || (row?.marks ?? []).some((mark) => mark !== markOf(index))
  }).length
}

/** The marks of each entry of the server's log (a message with its detail, context and statement) that bears any. */
function markedEntries(log: string): ReadonlySet<string>[] {
  return log
    .split(/^(?=\S+ \S+ \S+ \[\d+\] (?:ERROR|FATAL|PANIC|WARNING|LOG|NOTICE):)/m)
    .map((entry) => new Set(entry.match(/<\d+>/g)))
    .filter(({ size }) => size > 0)
}
