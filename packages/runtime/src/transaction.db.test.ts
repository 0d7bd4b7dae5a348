import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createRowhouse } from './index.ts'
import type { Organization, Rowhouse, Transaction } from './index.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let rowhouse: Rowhouse
let acme: Organization

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  rowhouse = createRowhouse({ url: database().appUrl, signingKey: database().signingKey, pool: { max: 2 } })
  acme = rowhouse.as({ organizationId: worlds.a.organizationId, userId: worlds.a.ownerId })
})
afterAll(() => rowhouse.close())

const count = async (body: string): Promise<number | null> =>
  (await acme.query('select from notes where body = $1', [body])).rowCount
const insert = (tx: Transaction, body: string): Promise<unknown> =>
  tx.query('insert into notes (body) values ($1)', [body])

test('it commits what its function did and returns what it returned', async () => {
  const value = await acme.transaction(async (tx) => {
    await insert(tx, 'committed')
    return 42
  })
  expect([value, await count('committed')]).toEqual([42, 1])
})

test('it rolls back when its function throws, and throws the same', async () => {
  const reason = new Error('changed my mind')
  await expect(
    acme.transaction(async (tx) => {
      await insert(tx, 'thrown away')
      throw reason
    }),
  ).rejects.toBe(reason)
  expect(await count('thrown away')).toBe(0)
})

test('an error that its function swallowed still rolls everything back, and is thrown', async () => {
  await expect(
    acme.transaction(async (tx) => {
      await insert(tx, 'half done')
      await tx.query('select 1 / 0').catch(() => {})
    }),
  ).rejects.toMatchObject({ code: 'query_failed', details: { sqlState: '22012' } })
  expect(await count('half done')).toBe(0)
})

test('a savepoint recovers from an error', async () => {
  await acme.transaction(async (tx) => {
    await insert(tx, 'before the savepoint')
    await tx.query('savepoint here')
    await tx.query('select 1 / 0').catch(() => {})
    await expect(tx.query('select 1')).rejects.toMatchObject({ details: { sqlState: '25P02' } })
    await tx.query('rollback to here')
    await insert(tx, 'after the savepoint')
  })
  expect([await count('before the savepoint'), await count('after the savepoint')]).toEqual([1, 1])
})

test('calls that overlap run in order, and what was not awaited is still part of it', async () => {
  await acme.transaction(async (tx) => {
    const order = await Promise.all(Array.from({ length: 20 }, (_, n) => tx.query('select $1::int as n', [n])))
    expect(order.map(({ rows }) => rows[0]?.['n'])).toEqual(Array.from({ length: 20 }, (_, n) => n))
    void insert(tx, 'not awaited')
  })
  expect(await count('not awaited')).toBe(1)
})

test('of what is asked for in one go, everything behind a failure fails for its reason, and nothing of it is done', async () => {
  const outcome = acme.transaction(async (tx) => {
    const asked = [insert(tx, 'ahead'), tx.query('select 1 / 0'), insert(tx, 'behind'), tx.query('select 1')]
    const settled = await Promise.allSettled(asked)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
    // Whoever waits for the last one only is told why as well.
    await asked[3]
  })
  await expect(outcome).rejects.toMatchObject({ details: { sqlState: '22012' } })
  expect([await count('ahead'), await count('behind')]).toEqual([0, 0])
})

test('a value that cannot be written fails its own statement, not those asked for with it', async () => {
  const circle: { self?: unknown } = {}
  circle.self = circle
  await acme.transaction(async (tx) => {
    const [ahead, wrong, behind] = await Promise.allSettled([
      insert(tx, 'ahead of it'),
      tx.query('select $1::json', [circle]),
      insert(tx, 'behind it'),
    ])
    expect([ahead.status, wrong.status, behind.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })
  expect([await count('ahead of it'), await count('behind it')]).toEqual([1, 1])
})

test('a first statement is answered to its function; one that fails is its failure, and the function does not run', async () => {
  const first = { text: 'insert into notes (body) values ($1) returning body', values: ['first'] }
  const answered = await acme.transaction((_, answer) => Promise.resolve(answer?.rows), { first })
  expect([answered, await count('first')]).toEqual([[{ body: 'first' }], 1])
  let runs = 0
  const work = (): Promise<void> => {
    runs += 1
    return Promise.resolve()
  }
  const fail = acme.transaction(work, { first: { text: 'select 1 / 0' } })
  await expect(fail).rejects.toMatchObject({ code: 'query_failed', details: { sqlState: '22012' } })
  await expect(acme.transaction(work, { first: { text: 'commit' } })).rejects.toMatchObject({
    code: 'statement_not_allowed',
  })
  expect([runs, rowhouse.connections.busy]).toEqual([0, 0])
  expect(await count('first')).toBe(1)
})

test('it cannot be ended from inside, nor used when it is over', async () => {
  let kept: Transaction | undefined
  await acme.transaction(async (tx) => {
    kept = tx
    for (const text of ['commit', 'rollback', 'commit and chain', 'begin', 'set role postgres']) {
      await expect(tx.query(text)).rejects.toMatchObject({ code: 'statement_not_allowed' })
    }
    await insert(tx, 'untouched')
  })
  expect(await count('untouched')).toBe(1)
  await expect(kept?.query('select 1')).rejects.toMatchObject({ code: 'transaction_finished' })
})

test('read only and isolation are what was asked for', async () => {
  const show = `select current_setting('transaction_isolation') as isolation, current_setting('transaction_read_only') as read_only`
  const { rows } = await acme.transaction((tx) => tx.query(show), { isolation: 'repeatable read', readOnly: true })
  expect(rows).toEqual([{ isolation: 'repeatable read', read_only: 'on' }])
  await expect(acme.transaction((tx) => insert(tx, 'x'), { readOnly: true })).rejects.toMatchObject({
    details: { sqlState: '25006' },
  })
  await expect(
    acme.transaction(() => Promise.resolve(), { isolation: 'chaos' as 'serializable' }),
  ).rejects.toMatchObject({ code: 'invalid_option' })
  await expect(acme.transaction(() => Promise.resolve(), { attempts: 0 })).rejects.toMatchObject({
    code: 'invalid_option',
  })
})

test('a collision is retryable, and is retried as often as asked', async () => {
  await acme.query(`insert into notes (body) values ('contended')`)
  let runs = 0
  const collide = (attempts: number): Promise<unknown> =>
    acme.transaction(
      async (tx) => {
        runs += 1
        await tx.query(`select body from notes where body like 'contended%'`)
        // Another transaction changes the row that this one has read, the first time only.
        if (runs === 1) await acme.query(`update notes set body = body || '!' where body like 'contended%'`)
        return tx.query(`update notes set body = body || '?' where body like 'contended%'`)
      },
      { isolation: 'repeatable read', attempts },
    )
  await expect(collide(1)).rejects.toMatchObject({ code: 'serialization_failure', retryable: true })
  runs = 0
  await expect(collide(2)).resolves.toMatchObject({ rowCount: 1 })
  expect(runs).toBe(2)
})

test('a backend that is killed in between: the error says so, and nothing was committed', async () => {
  await expect(
    acme.transaction(async (tx) => {
      await insert(tx, 'killed')
      const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
      await withClient(database().adminUrl, (admin) =>
        admin.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]),
      )
      await insert(tx, 'after the kill')
    }),
  ).rejects.toMatchObject({ code: 'connection_lost' })
  expect(await count('killed')).toBe(0)
})

test('one refused at the door runs nothing', async () => {
  const stranger = rowhouse.as({ organizationId: worlds.b.organizationId, userId: worlds.a.ownerId })
  let ran = false
  await expect(
    stranger.transaction(() => {
      ran = true
      return Promise.resolve()
    }),
  ).rejects.toMatchObject({ code: 'not_a_member' })
  expect(ran).toBe(false)
  expect(rowhouse.connections).toMatchObject({ busy: 0, waiting: 0 })
})
