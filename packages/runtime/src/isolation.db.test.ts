// Two organizations on one connection, with and without named statements, directly and by way of a pooler that gives
// every transaction another server connection: what one leaves behind must not reach the other.
import { createTwoWorlds, startTransactionPooler, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TransactionPooler, TwoWorlds } from '@rowhouse/testkit'
import { assert, asyncProperty, array, constantFrom, record } from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createRowhouse } from './index.ts'
import type { Organization, Rowhouse, RowhouseOptions } from './index.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let pooler: TransactionPooler

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  pooler = await startTransactionPooler(database().appUrl, { servers: 2 })
})
afterAll(() => pooler.close())

const ways: readonly { readonly name: string; readonly options: () => RowhouseOptions }[] = [
  { name: 'one connection, named statements', options: () => ({ url: database().appUrl, pool: { max: 1 } }) },
  {
    name: 'one connection, no named statements',
    options: () => ({ url: database().appUrl, pool: { max: 1 }, preparedStatements: false }),
  },
  { name: 'a transaction pooler', options: () => ({ url: pooler.url, pool: { max: 3 }, preparedStatements: false }) },
]

describe.each(ways)('$name', ({ name, options }) => {
  let rowhouse: Rowhouse
  let a: Organization
  let b: Organization

  beforeAll(() => {
    rowhouse = createRowhouse({ signingKey: database().signingKey, ...options() })
    a = rowhouse.as({ organizationId: worlds.a.organizationId, userId: worlds.a.ownerId })
    b = rowhouse.as({ organizationId: worlds.b.organizationId, service: 'nightly' })
  })
  afterAll(() => rowhouse.close())

  const organizationsSeenBy = async (organization: Organization): Promise<string[]> => {
    const { rows } = await organization.query<{ organization_id: string }>('select distinct organization_id from notes')
    return rows.map((row) => row.organization_id)
  }

  test('each sees its own rows, in turns', async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await organizationsSeenBy(a)).toEqual([worlds.a.organizationId])
      expect(await organizationsSeenBy(b)).toEqual([worlds.b.organizationId])
    }
  })

  test('a write for the other one is refused, and leaves nothing', async () => {
    await expect(
      a.query('insert into notes (organization_id, body) values ($1, $2)', [worlds.b.organizationId, 'planted']),
    ).rejects.toMatchObject({ code: 'row_level_security' })
    expect((await b.query('select from notes where body = $1', ['planted'])).rowCount).toBe(0)
    expect((await a.query('update notes set body = body where id = $1', [worlds.b.noteIds[0]])).rowCount).toBe(0)
  })

  test('settings that one leaves in the session do not reach the other', async () => {
    const { rows: before } = await b.query(
      `select current_setting('TimeZone') as zone, current_setting('search_path') as path`,
    )
    await a.query(`select set_config('TimeZone', 'Asia/Tokyo', false), set_config('search_path', 'nowhere', false),
      set_config('default_transaction_read_only', 'on', false)`)
    await a.query('select 1')
    // As many as the pooler has server connections: one of them is the one that was changed.
    for (let count = 0; count < 2; count += 1) {
      const { rows: after } = await b.query(
        `select current_setting('TimeZone') as zone, current_setting('search_path') as path`,
      )
      expect(after).toEqual(before)
    }
    await expect(
      b.transaction((tx) => tx.query(`insert into notes (body) values ('still writable')`)),
    ).resolves.toMatchObject({ rowCount: 1 })
  })

  test('random numbers and sequences that one knows do not go on for the other', async () => {
    const seeded = await withClient(database().appUrl, async (client) => {
      await client.query('select setseed(0.25)')
      return (await client.query<{ random: number }>('select random()')).rows[0]?.random
    })
    await withClient(database().adminUrl, (admin) =>
      admin.query(
        'create sequence if not exists public.numbers; grant usage on sequence public.numbers to rowhouse_app',
      ),
    )
    // As many as the pooler has server connections: each of them was seeded by the one, and serves the other.
    for (let count = 0; count < 2; count += 1) await a.query(`select setseed(0.25), nextval('public.numbers')`)
    for (let count = 0; count < 2; count += 1) {
      const { rows } = await b.query<{ random: number }>('select random()')
      expect(rows[0]?.random).not.toBe(seeded)
      await expect(b.query('select lastval()')).rejects.toMatchObject({ details: { sqlState: '55000' } })
    }
  })

  test('a refused person gets an error, the statement does not run, and the next query does', async () => {
    const stranger = rowhouse.as({ organizationId: worlds.b.organizationId, userId: worlds.a.ownerId })
    const text = 'insert into notes (body) values ($1)'
    await expect(stranger.query(text, [name])).rejects.toMatchObject({
      code: 'not_a_member',
      details: { sqlState: 'RH011' },
    })
    expect((await b.query('select from notes where body = $1', [name])).rowCount).toBe(0)
    await expect(b.query(text, [name])).resolves.toMatchObject({ rowCount: 1 })
  })

  test('any interleaving of many callers: nobody sees a row of the other', async () => {
    const act = record({
      who: constantFrom('a', 'b', 'stranger'),
      what: constantFrom('read', 'write', 'transaction', 'rollback', 'fail', 'begin', 'set'),
    })
    await assert(
      asyncProperty(array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
        const seen = await Promise.all(acts.map(({ who, what }) => perform(who, what)))
        for (const [index, { who }] of acts.entries()) {
          const own = who === 'a' ? worlds.a.organizationId : worlds.b.organizationId
          expect(seen[index]?.filter((id) => id !== own || who === 'stranger')).toEqual([])
        }
      }),
      { numRuns: 25, seed: 20_261_121 },
    )
    // A moment later: it asks the catalogue what has changed, by itself.
    await expect.poll(() => rowhouse.connections).toMatchObject({ busy: 0, waiting: 0 })
  })

  async function perform(who: string, what: string): Promise<string[]> {
    const stranger = rowhouse.as({ organizationId: worlds.a.organizationId, userId: worlds.b.ownerId })
    const organization = who === 'a' ? a : who === 'b' ? b : stranger
    const read = 'select organization_id from notes limit 50'
    const write = `insert into notes (body) values ('fuzz') returning organization_id`
    const rowsOf = (result: { rows: unknown[] }): string[] =>
      (result.rows as { organization_id: string }[]).map((row) => row.organization_id)
    try {
      if (what === 'read') return rowsOf(await organization.query(read))
      if (what === 'write') return rowsOf(await organization.query(write))
      if (what === 'fail') return rowsOf(await organization.query('select 1 / 0'))
      if (what === 'begin') return rowsOf(await organization.query('begin'))
      if (what === 'set')
        return rowsOf(await organization.query(`select set_config('search_path', 'x', false) from notes where false`))
      return await organization.transaction(async (tx) => {
        const written = rowsOf(await tx.query(write))
        const all = rowsOf(await tx.query(read))
        if (what === 'rollback') throw new Error('rolled back on purpose')
        return [...written, ...all]
      })
    } catch {
      return []
    }
  }
})

test('the pooler did give transactions other server connections', () => {
  expect(pooler.switches).toBeGreaterThan(10)
})
