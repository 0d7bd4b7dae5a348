// Each guard taken away, to see that what it holds back is really there. The guarded way is tested beside it, or in
// isolation.db.test.ts.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

import { Connection } from './connection/connection.ts'
import type { Step } from './connection/connection.ts'
import { loadDriver } from './driver.ts'
import type { Outcome } from './wire/batch.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let connection: Connection

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})
beforeEach(async () => {
  const driver = await loadDriver()
  const client = driver.connect({
    connectionString: database().appUrl,
    application_name: 'guards',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  })
  await client.connect()
  connection = new Connection(client, driver, true)
})
afterEach(() => connection.end())

type World = TwoWorlds['a']
const step = (text: string, values: readonly unknown[] = []): Step => ({ text, values })
const enter = (world: World): Step => step('select rowhouse.enter($1)', [world.token()])

/** As the runtime sends it, with nobody looking at the answer. */
const runUnguarded = (world: World, text: string): Promise<Outcome> =>
  new Promise((resolve) => {
    connection.run(world.organizationId, [enter(world), step(text)], resolve)
  })
/** Without the reset between organizations. */
const runWithoutReset = (world: World, text: string): Promise<Outcome> =>
  new Promise((resolve) => {
    connection.continue([enter(world), step(text)], resolve)
  })

test('without the look at the status, a BEGIN stays open and the next write is lost', async () => {
  expect(await runUnguarded(worlds.a, 'begin')).toMatchObject({ status: 'T', error: null })
  const next = await runWithoutReset(worlds.b, `insert into notes (body) values ('lost')`)
  // The next organization finds a transaction that is sealed already: it is refused, and nothing it writes is kept.
  expect(next.status).not.toBe('I')
})

test('without the reset, one organization changes the settings of the next', async () => {
  const zone = `select current_setting('TimeZone') as zone`
  const change = `select set_config('TimeZone', 'Asia/Tokyo', false)`
  await runWithoutReset(worlds.a, change)
  expect((await runWithoutReset(worlds.b, zone)).result.rows).toEqual([{ zone: 'Asia/Tokyo' }])
  await runUnguarded(worlds.a, change)
  expect((await runUnguarded(worlds.b, zone)).result.rows).not.toEqual([{ zone: 'Asia/Tokyo' }])
})

test('two people without an organization do not share settings either', async () => {
  const zone = (text: string): Promise<Outcome> =>
    new Promise((resolve) => {
      connection.run(null, [step(text)], resolve)
    })
  await zone(`select set_config('TimeZone', 'Asia/Tokyo', false)`)
  expect((await zone(`select current_setting('TimeZone') as zone`)).result.rows).not.toEqual([{ zone: 'Asia/Tokyo' }])
})

test('where the reset fails, what ran after it is not believed and the connection is given up', async () => {
  await runUnguarded(worlds.a, 'select 1')
  // In a transaction that failed, every statement is refused, the reset's as well.
  await runUnguarded(worlds.a, 'begin')
  await runWithoutReset(worlds.a, 'select 1 / 0')
  expect(await runUnguarded(worlds.b, 'select 1')).toMatchObject({ status: 'broken', error: { code: '25P02' } })
  expect(connection.broken).toBe(true)
})

test('without enter, nothing is there', async () => {
  const outcome = await new Promise<Outcome>((resolve) => {
    connection.continue([step('select * from notes')], resolve)
  })
  expect(outcome).toMatchObject({ error: null, result: { rowCount: 0 } })
})

test('the seal ends with its batch', async () => {
  expect((await runUnguarded(worlds.a, 'select from notes')).result.rowCount).toBeGreaterThan(0)
  const outcome = await new Promise<Outcome>((resolve) => {
    connection.continue([step('select rowhouse.organization_id() as id')], resolve)
  })
  expect(outcome.result.rows).toEqual([{ id: null }])
})

test('without fresh names, SQL in one query would put its text under the name of the next', async () => {
  await withClient(database().adminUrl, (admin) =>
    admin.query(`create or replace function public.prepared() returns setof pg_prepared_statements
      language sql security definer as 'select * from pg_prepared_statements'`),
  )
  const text = 'select 1 as honest'
  await runUnguarded(worlds.a, text)
  const { result } = await runUnguarded(worlds.a, `select name from public.prepared() where statement = '${text}'`)
  const name = String(result.rows[0]?.['name'])
  // What only SQL that knows the name could do. The name holds 64 random bits of the connection.
  expect(name).toMatch(/^rh_[0-9a-f]{16}_/)
  await runUnguarded(worlds.a, `deallocate "${name}"`)
  await runUnguarded(worlds.a, `prepare "${name}" as select 2 as honest`)
  expect((await runUnguarded(worlds.b, text)).result.rows).toEqual([{ honest: 2 }])
})
