// Statements that no transaction may hold: done once in every home, whatever an interrupted run left behind.
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { contacts, prepareAll } from '../fixtures/test-fleet.ts'
import type { RolloutPace } from './options.ts'
import { rollOut } from './roll-out.ts'
import type { RolloutResult } from './roll-out.ts'

const database = useTestDatabase()
const HOMES = 4
let homes: TestHome[]

const admin = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(sql, values)).rows)
const run = async (
  texts: readonly (readonly [string, string])[],
  pace: Partial<RolloutPace> = {},
): Promise<RolloutResult> =>
  rollOut({ catalogueUrl: database().migratorUrl, migrations: await prepareAll(...texts), pace })

const FIRST = ['20260101000000', contacts] as const
const INDEX = [
  '20260102000000',
  'create index concurrently contacts_by_email on contacts (organization_id, email);\nvacuum contacts',
] as const
const indexes = (): Promise<{ valid: boolean; homes: number }[]> =>
  admin(`select i.indisvalid as valid, count(*)::int as homes from pg_index i join pg_class c on c.oid = i.indexrelid
    where c.relname = 'contacts_by_email' group by 1 order by 1`)

beforeEach(async () => {
  homes = await makeHomes(database(), HOMES)
  await run([FIRST])
})
afterEach(async () => {
  await dropHomes(database())
  await admin('drop table if exists public.contacts')
})

it('are run in every home, also between migrations that are transactions', async () => {
  const third = ['20260103000000', 'alter table contacts add column phone text'] as const
  expect(await run([FIRST, INDEX, third])).toMatchObject({ state: 'done', homes: HOMES + 1 })
  expect(await indexes()).toEqual([{ valid: true, homes: HOMES + 1 }])
  expect(await run([FIRST, INDEX, third])).toMatchObject({ state: 'nothing' })
})

it('build an index anew where an interrupted build left an invalid one, and keep one that is whole', async () => {
  const [invalid, whole] = homes as [TestHome, TestHome]
  for (const { schemaName } of [invalid, whole])
    await admin(`create index contacts_by_email on ${schemaName}.contacts (organization_id, email)`)
  await admin(`update pg_index set indisvalid = false where indexrelid = $1::regclass`, [
    `${invalid.schemaName}.contacts_by_email`,
  ])
  const oid = async (): Promise<unknown> =>
    admin('select $1::regclass::oid as oid', [`${whole.schemaName}.contacts_by_email`])
  const before = await oid()
  await run([FIRST, INDEX])
  expect(await indexes()).toEqual([{ valid: true, homes: HOMES + 1 }])
  expect(await oid()).toEqual(before)
})

it('drop an index once, and go on where it is gone already', async () => {
  await run([FIRST, INDEX])
  await admin(`drop index ${homes[0]?.schemaName}.contacts_by_email`)
  expect(await run([FIRST, INDEX, ['20260103000000', 'drop index concurrently contacts_by_email']])).toMatchObject({
    state: 'done',
  })
  expect(await indexes()).toEqual([])
})

it('that cannot end leave their home for later, and no invalid index for long', async () => {
  const held = homes[2] as TestHome
  const holder = new Client(database().adminUrl)
  await holder.connect()
  await holder.query('begin')
  await holder.query(`insert into ${held.schemaName}.contacts (organization_id, email) values ($1, 'x')`, [
    held.organizationId,
  ])
  await expect(run([FIRST, INDEX], { outsideLockTimeoutMs: 100, lockAttempts: 2 })).rejects.toMatchObject({
    code: 'rollout_incomplete',
    details: { done: HOMES, blocked: 1 },
  })
  await holder.end()
  expect(await run([FIRST, INDEX])).toMatchObject({ state: 'done', homes: 1 })
  expect(await indexes()).toEqual([{ valid: true, homes: HOMES + 1 }])
})

it('never build a unique index that other organizations would feel, not even for a moment', async () => {
  const unique = ['20260102000000', 'create unique index concurrently emails on contacts (email)'] as const
  const built = (): Promise<object[]> => admin(`select oid::regclass from pg_class where relname = 'emails'`)
  for (const round of [1, 2]) {
    await expect(run([FIRST, unique]), `round ${round}`).rejects.toMatchObject({ code: 'rollout_canary_failed' })
    expect(await built()).toEqual([])
  }
  // One that came to nothing is begun anew: each of the two says why.
  expect(await admin(`select code from rowhouse.rollout_homes where state = 'failed'`)).toEqual([
    { code: 'key_guarded' },
    { code: 'key_guarded' },
  ])

  // Without the look before, the guard speaks when the index is there; and the next run takes it for done.
  await admin(`alter function rowhouse.check_unique_index(name, name, name) rename to looking;
    create function rowhouse.check_unique_index(name, name, name) returns void language sql as ''`)
  try {
    await expect(run([FIRST, unique])).rejects.toMatchObject({ code: 'rollout_canary_failed' })
    expect(await built()).toHaveLength(1)
  } finally {
    await admin(`drop function rowhouse.check_unique_index(name, name, name);
      alter function rowhouse.looking(name, name, name) rename to check_unique_index`)
  }
})

it('build a unique index whose first column is the organization', async () => {
  const unique = [
    '20260102000000',
    'create unique index concurrently emails on contacts (organization_id, email)',
  ] as const
  expect(await run([FIRST, unique])).toMatchObject({ state: 'done', homes: HOMES + 1 })
})
