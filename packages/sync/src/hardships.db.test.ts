// What may happen to the tables, the connection or the organization while the engine works: a table changes under it, its
// policy is switched off, the connection goes, the organization is suspended, a neighbour has a mountain of work, the clock
// is set back. Nothing is lost, nothing crosses over, nobody else waits.
import type { Connector } from '@rowhouse/connectors'
import { withClient } from '@rowhouse/testkit'
import { Client, Pool } from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { moveConnection, readConnection } from './connections/store.ts'
import { fast, useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'
import { readMarks } from './home/marks.ts'
import { lockRows, markUnlinkedRows, matchRows, updateRows } from './home/rows.ts'
import type { Sync } from './index.ts'

const house = useHouse()
const soon = { timeout: 60_000, interval: 50 }
const more: Sync[] = []

const admin = <Value>(work: (client: Client) => Promise<Value>): Promise<Value> =>
  withClient(house().database.adminUrl, work)
const migrate = (text: string): Promise<unknown> =>
  withClient(house().database.migratorUrl, (client) => client.query(text))

afterEach(async () => {
  await house().sync.worker.stop()
  for (const sync of more.splice(0)) await sync.close()
  await admin(async (client) => {
    await client.query(`delete from rowhouse.connections where connector <> ''`)
    for (const table of ['contacts', 'companies', 'rowhouse_home.sync_links', 'rowhouse_home.sync_marks'])
      await client.query(`delete from ${table}`)
  })
})

async function connected(index: number, name: string, contacts: readonly Record<string, string>[]): Promise<Household> {
  const account = house().createAccount({ connector: 'hubspot', name })
  const hand = house().sandbox.person(account.id)
  for (const contact of contacts) hand.create('contacts', contact)
  return house().connect(index, account)
}

const theirs = async ({ account }: Household, field: string): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await house().records(account, 'contacts')).map(({ properties }) => {
      const known = properties as Record<string, string>
      return [known['email'] ?? '', known[field] ?? '']
    }),
  )

describe('a table that changes under the engine', () => {
  it.each([
    [
      'a column that is dropped',
      'alter table contacts drop column title',
      'alter table contacts add column title text',
    ],
    [
      'a column that is renamed',
      'alter table contacts rename column title to job',
      'alter table contacts rename column job to title',
    ],
    [
      'a column that gets another type',
      'alter table contacts alter column phone type integer using null',
      'alter table contacts alter column phone type text',
    ],
  ])('%s stops what needs it and says so; when it fits again all arrives', async (_, change, back) => {
    const alder = await connected(0, 'Alder', [{ email: 'a@x.example', firstname: 'A' }])
    house().sync.worker.start()
    await house().live(alder)
    await migrate(change)
    try {
      await alder.person.query(`update contacts set first_name = 'Here'`)
      house().sandbox.person(alder.account.id).create('contacts', { email: 'b@x.example', phone: '12' })
      const said = async (): Promise<unknown> => {
        const { lastError, state } = await house().sync.connections.get(alder.organizationId, alder.connection.id)
        return { state, code: lastError?.code }
      }
      await expect.poll(said, soon).toEqual({ state: 'degraded', code: 'mapping_invalid' })
    } finally {
      await migrate(back)
    }
    await expect.poll(() => theirs(alder, 'firstname'), soon).toMatchObject({ 'a@x.example': 'Here' })
    await expect
      .poll(async () => (await alder.person.query(`select from contacts where email = 'b@x.example'`)).rowCount, soon)
      .toBe(1)
    const state = async (): Promise<string> =>
      (await house().sync.connections.get(alder.organizationId, alder.connection.id)).state
    await expect.poll(state, soon).toBe('live')
  })

  it('whose policy is switched off by hand shows the engine no row of another organization', async () => {
    const alder = await connected(0, 'Alder', [])
    const [, owner] = house().owners
    const birch = house().rowhouse.as(owner as { organizationId: string; userId: string })
    const { rows } = await birch.query<{ id: string }>(
      `insert into contacts (email, title) values ('same@x.example', 'Theirs') returning id`,
    )
    const ids = rows.map(({ id }) => id)
    const engine = house().rowhouse.as({ organizationId: alder.organizationId, connectionId: alder.connection.id })
    const { mapping } = await stored(alder)
    const contact = mapping.find(({ object }) => object === 'contact')
    if (contact === undefined) throw new Error('The default mapping has contacts.')
    await admin((client) =>
      client.query(
        `set session_replication_role = replica; alter table contacts no force row level security, disable row level security`,
      ),
    )
    try {
      const seen = await engine.transaction(async (tx) => {
        await updateRows(tx, contact, [{ id: ids[0] ?? '', values: { jobtitle: 'Ours' } }])
        await markUnlinkedRows(tx, contact, alder.connection.id)
        return [
          await lockRows(tx, contact, ids),
          await matchRows(tx, contact, alder.connection.id, 'email', ['same@x.example']),
          (await tx.query('select from rowhouse_home.sync_marks')).rowCount,
          // Without the words in the statement it would be there to see.
          (await tx.query('select from contacts')).rowCount,
        ]
      })
      expect(seen).toEqual([new Map(), new Map(), 0, 1])
    } finally {
      await admin((client) =>
        client.query(
          `set session_replication_role = replica; alter table contacts enable row level security, force row level security`,
        ),
      )
    }
    expect((await birch.query('select title from contacts')).rows).toEqual([{ title: 'Theirs' }])
  })

  it('that is protected strictly, so that nobody names an organization, gets what the CRM has', async () => {
    await migrate(`select rowhouse.protect('contacts', '{"strict": true}')`)
    try {
      const alder = await connected(0, 'Alder', [{ email: 'strict@x.example' }])
      house().sync.worker.start()
      await house().live(alder)
      expect((await alder.person.query('select email from contacts')).rows).toEqual([{ email: 'strict@x.example' }])
    } finally {
      await migrate(`select rowhouse.protect('contacts')`)
    }
  })
})

async function stored({ connection }: Household): Promise<Awaited<ReturnType<typeof readConnection>>> {
  const pool = new Pool({ connectionString: house().database.controlUrl, max: 1 })
  try {
    return await readConnection(pool, connection.id)
  } finally {
    await pool.end()
  }
}

describe('an organization', () => {
  it('that is suspended waits and loses nothing; others go on, and are shown as they are', async () => {
    const alder = await connected(0, 'Alder', [{ email: 'a@x.example' }])
    const birch = await connected(1, 'Birch', [{ email: 'b@x.example' }])
    house().sync.worker.start()
    await house().live(alder)
    await house().live(birch)
    const status = (of: string): Promise<unknown> =>
      admin((client) =>
        client.query('update rowhouse.organizations set status = $2 where id = $1', [alder.organizationId, of]),
      )
    await alder.person.query(`update contacts set title = 'Before'`)
    await status('suspended')
    house().sandbox.person(alder.account.id).create('contacts', { email: 'meanwhile@x.example' })
    await birch.person.query(`insert into contacts (email) values ('shown@x.example')`)
    const shown = async (): Promise<number> =>
      (await house().sync.connections.get(birch.organizationId, birch.connection.id)).records
    await expect.poll(shown, soon).toBe(2)
    await status('active')
    await expect.poll(() => theirs(alder, 'jobtitle'), soon).toMatchObject({ 'a@x.example': 'Before' })
    const here = async (): Promise<number | null> =>
      (await alder.person.query(`select from contacts where email = 'meanwhile@x.example'`)).rowCount
    await expect.poll(here, soon).toBe(1)
  })

  it('with a mountain of changes keeps no other one waiting', async () => {
    const whale = await connected(0, 'Whale', [])
    const small = await connected(1, 'Small', [{ email: 'small@x.example' }])
    house().sync.worker.start({ concurrency: 2, sliceMs: 200 })
    await house().live(whale)
    await house().live(small)
    house().sandbox.chaos(whale.account.id, { latencyMs: 100 })
    await whale.person.query(
      `insert into contacts (email) select 'w' || n || '@x.example' from generate_series(1, 4000) n`,
    )
    const left = async (): Promise<number> =>
      (await whale.person.query(`select from rowhouse_home.sync_marks where direction = 'outbound'`)).rowCount ?? 0
    await expect.poll(left, soon).toBeGreaterThan(1000)
    await small.person.query(`update contacts set title = 'Quick'`)
    await expect.poll(() => theirs(small, 'jobtitle'), soon).toEqual({ 'small@x.example': 'Quick' })
    expect(await left()).toBeGreaterThan(0)
  })

  it('with a hundred thousand marks is read from the first ones on, whatever else there is', async () => {
    const alder = await connected(0, 'Alder', [])
    const engine = house().rowhouse.as({ organizationId: alder.organizationId, connectionId: alder.connection.id })
    await engine.query(
      `insert into rowhouse_home.sync_marks (connection_id, direction, object, record_id, due_at)
       select $1, 'inbound', 'contact', n::text,
         case when n % 2 = 0 then '-infinity'::timestamptz else timestamptz '9999-01-01' end
       from generate_series(1, 100000) n`,
      [alder.connection.id],
    )
    await admin((client) => client.query('analyze rowhouse_home.sync_marks'))
    const asked: { text: string; values: readonly unknown[] }[] = []
    const noting = {
      query: <Row>(text: string, values: readonly unknown[] = []) => {
        asked.push({ text, values })
        return engine.query<Row>(text, values)
      },
    }
    const marks = await readMarks(noting, alder.connection.id, 'inbound', ['company', 'contact'], 1000)
    expect(marks).toHaveLength(1000)
    const [{ text, values }] = asked as [(typeof asked)[number]]
    const { rows } = await engine.query<{ 'QUERY PLAN': unknown }>(
      `explain (analyze, buffers, costs off, timing off, format json) ${text}`,
      values,
    )
    const counts = [...JSON.stringify(rows[0]).matchAll(/"(?:Actual Rows|Rows Removed by \w+)":([\d.]+)/g)]
    expect(Math.max(...counts.map(([, count]) => Number(count)))).toBeLessThan(2500)
  })
})

describe('a connection', () => {
  it('that is removed while a worker reads leaves nothing in the home', async () => {
    const alder = await connected(
      0,
      'Alder',
      Array.from({ length: 300 }, (_, n) => ({ email: `p${n}@x.example` })),
    )
    house().sandbox.chaos(alder.account.id, { latencyMs: 50 })
    house().sync.worker.start()
    const linked = async (): Promise<number | null> =>
      (await alder.person.query('select from rowhouse_home.sync_links')).rowCount
    await expect.poll(linked, soon).toBeGreaterThan(0)
    await house().sync.connections.remove(alder.organizationId, alder.connection.id)
    await house().sync.worker.stop()
    const left = await admin(async (client) => {
      const tables = ['links', 'marks', 'cursors', 'fences', 'deliveries', 'dead_letters', 'conflicts']
      const counts = tables.map((name) => `(select count(*) from rowhouse_home.sync_${name} where connection_id = $1)`)
      const { rows } = await client.query<{ n: string }>(`select ${counts.join(' + ')} as n`, [alder.connection.id])
      return Number(rows[0]?.n)
    })
    expect(left).toBe(0)
  })

  it('is not moved by a worker whose lane somebody else has by now', async () => {
    const alder = await connected(0, 'Alder', [])
    const pool = new Pool({ connectionString: house().database.controlUrl, max: 2 })
    try {
      await pool.query(`update rowhouse.sync_units set epoch = 7 where connection_id = $1`, [alder.connection.id])
      const move = (epoch: string): Promise<unknown> =>
        moveConnection(pool, alder.connection.id, 'matched', null, { lane: 'backfill', epoch })
      await expect(move('6')).rejects.toMatchObject({ code: 'lease_lost' })
      expect((await stored(alder)).state).toBe('matching')
      await move('7')
      expect((await stored(alder)).state).toBe('backfilling')
    } finally {
      await pool.end()
    }
  })
})

describe('a dead letter', () => {
  it('that several people replay at once, and again, is sent once', async () => {
    const alder = await connected(0, 'Alder', [{ email: 'taken@x.example' }])
    house().sync.worker.start()
    await house().live(alder)
    await alder.person.query(`insert into contacts (email, first_name) values ('not an address', 'Mended')`)
    const letters = async (): Promise<readonly { id: string }[]> =>
      house().sync.deadLetters.list(alder.organizationId, alder.acting)
    await expect.poll(async () => (await letters()).length, soon).toBe(1)
    const [{ id }] = (await letters()) as [{ id: string }]
    await house().sync.worker.stop()
    await alder.person.query(`update contacts set email = 'mended@x.example' where first_name = 'Mended'`)
    await Promise.all([1, 2, 3].map(() => house().sync.deadLetters.replay(alder.organizationId, id)))
    await house().control('reset', { account: alder.account.id })
    house().sync.worker.start()
    await expect.poll(() => theirs(alder, 'firstname'), soon).toMatchObject({ 'mended@x.example': 'Mended' })
    await expect.poll(async () => (await letters()).length, soon).toBe(0)
    const creates = (await house().requests(alder.account)).filter(({ path }) => path.endsWith('batch/create'))
    expect(creates).toHaveLength(1)
    await expect(house().sync.deadLetters.replay(alder.organizationId, id)).rejects.toMatchObject({
      code: 'dead_letter_not_found',
    })
  })
})

describe('a clock that is set back', () => {
  it('lets nobody call for longer than the lease lasts', async () => {
    const clock = { offsetMs: 0 }
    const refused: string[] = []
    const late: { wait: (() => Promise<() => Promise<unknown>>) | null } = { wait: null }
    const hubspot = fast.get('hubspot') as Connector
    const connectors = new Map([
      [
        'hubspot',
        new Proxy(hubspot, {
          get(target, key) {
            if (key !== 'write') return Reflect.get(target, key, target) as unknown
            return async (...asked: Parameters<Connector['write']>) => {
              const { wait } = late
              late.wait = null
              const end = await wait?.()
              try {
                return await target.write(...asked)
              } catch (error) {
                refused.push((error as Error).name)
                throw error
              } finally {
                await end?.()
              }
            }
          },
        }),
      ],
    ])
    const engine = house().engine({ connectors, now: () => Date.now() + clock.offsetMs, callTimeoutMs: 400 })
    more.push(engine)
    const alder = await connected(0, 'Alder', [{ email: 'a@x.example' }])
    engine.worker.start({ leaseMs: 800 })
    await house().live(alder)
    // Its lease ends, because whoever would prolong it waits for a row; on the wall it is an hour earlier.
    late.wait = async () => {
      const holder = new Client(house().database.adminUrl)
      await holder.connect()
      await holder.query('begin')
      const units = `rowhouse.sync_units where connection_id = $1 and lane = 'outbound'`
      await holder.query(`select from ${units} for update`, [alder.connection.id])
      clock.offsetMs = -3_600_000
      const isOver = async (): Promise<boolean> =>
        admin(async (client) => {
          const { rows } = await client.query<{ over: boolean }>(
            `select leased_until < clock_timestamp() as over from ${units}`,
            [alder.connection.id],
          )
          return rows[0]?.over ?? false
        })
      await vi.waitUntil(isOver, soon)
      return async () => {
        await holder.query('commit')
        await holder.end()
      }
    }
    await house().control('reset', { account: alder.account.id })
    await alder.person.query(`update contacts set title = 'After'`)
    await expect.poll(() => refused, soon).toEqual(['PutDown'])
    await expect.poll(() => theirs(alder, 'jobtitle'), soon).toEqual({ 'a@x.example': 'After' })
    const writes = (await house().requests(alder.account)).filter(({ path }) => path.endsWith('batch/update'))
    expect(writes).toHaveLength(1)
  })
})
