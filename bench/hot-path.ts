// What isolation costs on the hot path: a query by primary key, sealed in one batch, against (a) the same query as
// people write it without isolation, over pg.Pool with a named statement and a hand-written WHERE on an unprotected
// twin of the table, and (b) the same seal in the usual shape: BEGIN, enter, query, COMMIT.
import { randomUUID } from 'node:crypto'

import { Client, Pool } from 'pg'
import { createRowhouse } from 'rowhouse'
import type { Organization } from 'rowhouse'

import { startWireTap } from '../packages/testkit/src/wire-tap.ts'
import type { Bench, BenchContext } from './bench.ts'
import { SIGNING_KEY, makeDatabase } from './database.ts'
import { median, medianRatio, runRounds } from './rounds.ts'
import type { Variant } from './rounds.ts'
import { mintTokens } from './tokens.ts'

const DATABASE = 'rowhouse_bench_hot_path'
const ORGANIZATIONS = 50
const CONTACTS_EACH = 1000

const columns = 'id, email, first_name, last_name, title'
const sealedText = `select ${columns} from contacts where id = $1`
const plainText = `select ${columns} from twin.contacts where organization_id = $1 and id = $2`

interface World {
  readonly appUrl: string
  readonly organizationIds: readonly string[]
  readonly ownerId: string
  /** Ids of contacts, by organization. */
  readonly contactIds: ReadonlyMap<string, readonly string[]>
}

/** The twin has the same rows, the same key and no protection; both are vacuumed and in memory. */
async function buildWorld(adminUrl: string): Promise<World> {
  const urls = await makeDatabase(adminUrl, DATABASE)
  const owner = new Client(urls.migrator)
  await owner.connect()
  await owner.query(`create table contacts (
    organization_id uuid not null default rowhouse.organization_id(),
    id uuid not null default gen_random_uuid(),
    email text, first_name text, last_name text, title text,
    primary key (organization_id, id)
  )`)
  await owner.query(`select rowhouse.protect('contacts')`)
  const control = new Client(urls.control)
  await control.connect()
  const ownerId = randomUUID()
  const organizationIds: string[] = []
  for (let index = 0; index < ORGANIZATIONS; index += 1) {
    const { rows } = await control.query<{ id: string }>(`select rowhouse.create_organization($1, $2, $3) as id`, [
      `Organization ${index}`,
      `organization-${index}`,
      ownerId,
    ])
    organizationIds.push(...rows.map(({ id }) => id))
  }
  await control.end()
  await owner.query(
    `insert into contacts (organization_id, email, first_name, last_name, title)
     select o, 'person' || n || '@example.com', 'First ' || n, 'Last ' || n, 'Title'
     from unnest($1::uuid[]) as o, generate_series(1, $2::int) as n`,
    [organizationIds, CONTACTS_EACH],
  )
  // In a schema where nothing is protected: where something is, the guard grants tenants no table that is not.
  await owner.query('create schema twin')
  await owner.query('grant usage on schema twin to rowhouse_app')
  await owner.query('create table twin.contacts (like contacts including all)')
  await owner.query('insert into twin.contacts select * from contacts')
  await owner.query('grant select on twin.contacts to rowhouse_app')
  await owner.query('vacuum analyze contacts')
  await owner.query('vacuum analyze twin.contacts')
  const { rows } = await owner.query<{ organization_id: string; ids: string[] }>(
    'select organization_id, array_agg(id::text) as ids from twin.contacts group by 1',
  )
  await owner.end()
  return {
    appUrl: urls.app,
    organizationIds,
    ownerId,
    contactIds: new Map(rows.map((row) => [row.organization_id, row.ids])),
  }
}

/** The variants for so many clients, over pools of that size, and what closes them. */
async function openVariants(
  world: World,
  appUrl: string,
  clients: number,
): Promise<{ variants: Variant[]; close: () => Promise<void> }> {
  const organizationId = world.organizationIds[0] as string
  const ids = world.contactIds.get(organizationId) as readonly string[]
  const pool = new Pool({ connectionString: appUrl, max: clients })
  // The pool's end() does not wait for the goodbyes, which the server's stop then interrupts.
  pool.on('error', () => {})
  const rowhouse = createRowhouse({ url: appUrl, signingKey: SIGNING_KEY, pool: { max: clients } })
  const organizations = world.organizationIds.map((id) => ({
    handle: rowhouse.as({ organizationId: id, userId: world.ownerId }),
    ids: world.contactIds.get(id) as readonly string[],
  }))
  const one = organizations[0] as { handle: Organization }
  const token = await mintTokens(pool, SIGNING_KEY, { organizationId, userId: world.ownerId })
  let count = 0
  const nextId = (from: readonly string[]): string => from[(count += 1) % from.length] as string
  const variants: Variant[] = [
    { name: 'sealed', operation: () => one.handle.query(sealedText, [nextId(ids)]) },
    {
      name: 'plain',
      operation: () => pool.query({ name: 'plain', text: plainText, values: [organizationId, nextId(ids)] }),
    },
    {
      name: 'transaction',
      operation: async () => {
        const client = await pool.connect()
        await client.query('begin')
        await client.query({ name: 'enter', text: 'select rowhouse.enter($1)', values: [token()] })
        await client.query({ name: 'sealed', text: sealedText, values: [nextId(ids)] })
        await client.query('commit')
        client.release()
      },
    },
    {
      // Every query for another organization, so that nearly every one resets its connection first.
      name: 'switching',
      operation: () => {
        const { handle, ids: own } = organizations[(count += 1) % ORGANIZATIONS] as (typeof organizations)[number]
        return handle.query(sealedText, [nextId(own)])
      },
    },
  ]
  return {
    variants,
    close: async () => {
      await rowhouse.close()
      await pool.end()
    },
  }
}

/** Round trips of one warm operation, counted on the wire. */
async function countRoundTrips(world: World): Promise<Record<string, number>> {
  const tap = await startWireTap(world.appUrl)
  const { variants, close } = await openVariants(world, tap.url, 1)
  const counts: Record<string, number> = {}
  for (const { name, operation } of variants) {
    await operation()
    tap.clear()
    await operation()
    counts[name] = tap.exchanges.filter(({ from }) => from === 'client').length
  }
  await close()
  await tap.close()
  return counts
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits))

export const hotPath: Bench = {
  name: 'hot-path',
  measures: 'a sealed query by primary key against a plain one and against BEGIN/enter/query/COMMIT',
  aims: {
    sealed_over_plain_8_clients: { min: 0.75 },
    sealed_over_plain_1_client: { min: 0.75 },
    sealed_over_transaction_8_clients: { min: 2.5 },
    sealed_over_transaction_1_client: { min: 2.5 },
    sealed_round_trips: { max: 1 },
  },
  async run({ quick, adminUrl, log }: BenchContext) {
    log(`building ${ORGANIZATIONS} organizations of ${CONTACTS_EACH} contacts, and their unprotected twin`)
    const world = await buildWorld(adminUrl)
    const results: Record<string, number> = {}
    for (const [name, count] of Object.entries(await countRoundTrips(world))) results[`${name}_round_trips`] = count
    for (const clients of [1, 8]) {
      const { variants, close } = await openVariants(world, world.appUrl, clients)
      const suffix = `${clients}_client${clients === 1 ? '' : 's'}`
      log(`${clients} client(s): ${variants.map(({ name }) => name).join(', ')}, interleaved`)
      const rounds = await runRounds(
        variants,
        quick ? { rounds: 6, roundMs: 1000, clients } : { rounds: 15, roundMs: 2000, clients },
      )
      await close()
      for (const { name } of variants) results[`${name}_per_second_${suffix}`] = Math.round(median(rounds[name] ?? []))
      results[`sealed_over_plain_${suffix}`] = round(medianRatio(rounds, 'sealed', 'plain'), 2)
      results[`sealed_over_transaction_${suffix}`] = round(medianRatio(rounds, 'sealed', 'transaction'), 2)
      results[`switching_over_plain_${suffix}`] = round(medianRatio(rounds, 'switching', 'plain'), 2)
    }
    return results
  },
}
