// One round trip: what a query puts on the wire, counted between the client and the server.
import { createTwoWorlds, startWireTap, useTestDatabase } from '@rowhouse/testkit'
import type { TwoWorlds, WireTap } from '@rowhouse/testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { createRowhouse } from './index.ts'
import type { Organization, Rowhouse } from './index.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let tap: WireTap
let rowhouse: Rowhouse
let a: Organization
let b: Organization

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  tap = await startWireTap(database().appUrl)
})
afterEach(() => rowhouse.close())
afterAll(() => tap.close())

async function open(preparedStatements = true): Promise<void> {
  rowhouse = createRowhouse({ url: tap.url, signingKey: database().signingKey, pool: { max: 1 }, preparedStatements })
  a = rowhouse.as({ organizationId: worlds.a.organizationId, userId: worlds.a.ownerId })
  b = rowhouse.as({ organizationId: worlds.b.organizationId, userId: worlds.b.ownerId })
  await a.query('select 1')
}

/** What the client said, one text a round trip. Letters: https://www.postgresql.org/docs/current/protocol-message-formats.html */
async function wordsOf(act: () => Promise<unknown>): Promise<string[]> {
  tap.clear()
  await act()
  expect(tap.exchanges.filter(({ from }) => from === 'client').every(({ reads }) => reads === 1)).toBe(true)
  return tap.exchanges.filter(({ from }) => from === 'client').map(({ types }) => types)
}

const ids = 'select id from notes where body = $1'

test('a query is one write with one Sync; the first parses, the next neither parses nor describes', async () => {
  await open()
  expect(await wordsOf(() => a.query(ids, ['x']))).toEqual(['BEPBDES'])
  expect(await wordsOf(() => a.query(ids, ['y']))).toEqual(['BEBES'])
})

test('a query for another organization brings its reset along, in the same write', async () => {
  await open()
  await b.query(ids, ['x'])
  await a.query(ids, ['x'])
  expect(await wordsOf(() => b.query(ids, ['x']))).toEqual(['BEBEBEBEBEBEBESBEBES'])
})

test('without named statements it is one write with one Sync as well', async () => {
  await open(false)
  expect(await wordsOf(() => a.query(ids, ['x']))).toEqual(['PBEPBEPBEPBEPBEPBDES'])
})

test('a transaction is one round trip to begin, one a statement, one to commit', async () => {
  await open()
  const work = (): Promise<unknown> => a.transaction((tx) => tx.query(ids, ['x']))
  await work()
  expect(await wordsOf(work)).toEqual(['BEBES', 'BES', 'BES'])
})

test('statements of a transaction that are asked for in one go are one round trip', async () => {
  await open()
  const work = (): Promise<unknown> =>
    a.transaction(async (tx) => {
      await Promise.all([tx.query(ids, ['x']), tx.query(ids, ['y']), tx.query('select 1')])
    })
  await work()
  expect(await wordsOf(work)).toEqual(['BEBES', 'BESBESBES', 'BES'])
})

test('the first statement of a transaction leaves with its beginning, where it is named before', async () => {
  await open()
  const work = (): Promise<unknown> => a.transaction(() => Promise.resolve(), { first: { text: ids, values: ['x'] } })
  await work()
  expect(await wordsOf(work)).toEqual(['BEBEBES', 'BES'])
})

test('what was parsed is closed when it is used no more, in a write that is made anyway', async () => {
  await open()
  for (let count = 0; count < 205; count += 1) await a.query(`select ${count}`)
  expect((await wordsOf(() => a.query('select 1000'))).join()).toMatch(/^C+BEPBDES$/)
})

test('a lost network is an error that says nobody knows, and the next query connects anew', async () => {
  await open()
  const query = a.query('select pg_sleep(60)')
  const cut = a.query('select 2').catch((error: unknown) => error)
  tap.cut()
  await expect(query).rejects.toMatchObject({ code: 'connection_lost' })
  expect(await cut).toMatchObject({ rows: [{ '?column?': 2 }] })
})
