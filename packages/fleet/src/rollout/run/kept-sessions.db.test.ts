// Connections that a rollout goes on with in its next wave: which are kept, how many, and what becomes of one that breaks while
// nobody uses it.
import { dropHomes, makeHomes, startHoldingProxy, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Held } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openSession } from '../apply/session.ts'
import { contacts, prepareAll } from '../fixtures/test-fleet.ts'
import { KeptSessions } from './kept-sessions.ts'
import { rollOut } from './roll-out.ts'

const database = useTestDatabase()
const open = (): Promise<Client> => openSession({ connectionString: database().migratorUrl }, 'rowhouse kept')
const there = (): Promise<number | null> =>
  withClient(
    database().adminUrl,
    async (admin) =>
      (await admin.query("select from pg_stat_activity where application_name = 'rowhouse kept'")).rowCount,
  )
afterEach(() => dropHomes(database()))

it('are those of databases to come back to, so many of each, and end with the rollout', async () => {
  const sessions = new KeptSessions(1, (name) => name === 'many')
  const [first, second, other] = [await open(), await open(), await open()]
  await sessions.give('many', first)
  await sessions.give('many', second)
  await sessions.give('alone', other)
  await vi.waitUntil(async () => (await there()) === 1, { timeout: 60_000 })
  expect(await sessions.take('alone')).toBeNull()
  expect(await sessions.take('many')).toBe(first)
  expect(await sessions.take('many')).toBeNull()
  await sessions.give('many', first)
  await sessions.end()
  await vi.waitUntil(async () => (await there()) === 0, { timeout: 60_000 })
})

it('one that breaks while nobody uses it is not handed out', async () => {
  const sessions = new KeptSessions(1, () => true)
  const client = await open()
  await sessions.give('many', client)
  await withClient(database().adminUrl, (admin) =>
    admin.query(
      "select pg_terminate_backend(pid, 60000) from pg_stat_activity where application_name = 'rowhouse kept'",
    ),
  )
  expect(await sessions.take('many')).toBeNull()
})

describe('one whose wire goes silent while nobody uses it', () => {
  // What is sent arrives nowhere and nothing comes back, as behind a firewall that forgot the connection.
  const silent = async (
    answersWithinMs: number,
    use: (sessions: KeptSessions, client: Client, wire: Held) => Promise<void>,
  ): Promise<void> => {
    const proxy = await startHoldingProxy(database().migratorUrl)
    const sessions = new KeptSessions(1, () => true, answersWithinMs)
    const client = await openSession({ connectionString: proxy.url }, 'rowhouse kept')
    await sessions.give('many', client)
    const wire = proxy.hold('request', 'select')
    try {
      await use(sessions, client, wire)
    } finally {
      wire.release()
      await proxy.close()
    }
    await vi.waitUntil(async () => (await there()) === 0, { timeout: 60_000 })
  }

  it('is not handed out', async () => {
    await silent(100, async (sessions, _, wire) => {
      expect(await sessions.take('many')).toBeNull()
      await wire.isHeld
    })
  })

  it('does not keep the rollout from ending', async () => {
    await silent(100, async (sessions, _, wire) => {
      await sessions.end()
      await wire.isHeld
      expect(await sessions.take('many')).toBeNull()
    })
  })

  it('would hold up the rollout for as long as it is silent without a time to answer in', async () => {
    await silent(0, async (sessions, client, wire) => {
      const taken: (Client | null)[] = []
      const taking = sessions.take('many').then((one) => taken.push(one))
      await wire.isHeld
      // The server itself answers meanwhile.
      for (let others = 0; others < 10; others += 1) await (await open()).end()
      expect(taken).toEqual([])
      wire.release()
      await taking
      expect(taken).toEqual([client])
    })
  })
})

it('a rollout whose connections all break between two waves goes on with new ones', async () => {
  const homes = await makeHomes(database(), 6)
  const migrations = await prepareAll(['20260101000000', contacts])
  const broken: Promise<number>[] = []
  // The catalogue's holds the lock of who rolls out; all others of this program are the homes'.
  const breakAll = (): Promise<number> =>
    withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query(
        `select pg_terminate_backend(a.pid, 60000) from pg_stat_activity a
         where a.datname = current_database() and a.application_name = 'rowhouse migrate' and a.state = 'idle'
           and not exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory')`,
      )
      return rows.length
    })
  const { state } = await rollOut({
    catalogueUrl: database().migratorUrl,
    migrations,
    pace: { waves: [50, 100] },
    onEvent: (event) => {
      if (event.type === 'verifying') broken.push(breakAll())
    },
    verify: async () => {
      await Promise.all(broken)
      return []
    },
  })
  expect(state).toBe('done')
  // Of the first wave, kept for the next.
  expect(await Promise.all(broken)).toEqual([1])
  const { rows } = await withClient(database().adminUrl, (admin) =>
    admin.query<{ homes: number }>(
      "select count(distinct schema_name)::int as homes from rowhouse.applied_tenant_migrations where version = '20260101000000' and schema_name = any ($1)",
      [homes.map(({ schemaName }) => schemaName)],
    ),
  )
  expect(rows).toEqual([{ homes: homes.length }])
})
