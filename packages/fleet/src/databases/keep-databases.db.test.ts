// What looking after many databases takes: connections at a time and in all, and statements to the catalogue, counted between
// the keeper and a real server.
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { Pool } from 'pg'
import type { QueryResult } from 'pg'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'

import { keepDatabases } from './keep-databases.ts'

const database = useTestDatabase()
const soon = { timeout: 120_000, interval: 20 }
const COUNT = 24
const names = Array.from({ length: COUNT }, (_, n) => `kept_${process.pid}_${n}`)

const admin = (text: string, values: unknown[] = []): Promise<unknown> =>
  withClient(database().adminUrl, (client) => client.query(text, values))
const maintenance = (text: string): Promise<unknown> =>
  withClient(Object.assign(new URL(database().adminUrl), { pathname: '/postgres' }).href, (client) =>
    client.query(text),
  )

beforeAll(async () => {
  const source = new URL(database().adminUrl).pathname.slice(1)
  for (const name of names) await maintenance(`create database ${name} template ${source}`)
  for (const name of names) {
    await withClient(Object.assign(new URL(database().adminUrl), { pathname: `/${name}` }).href, (client) =>
      client.query('update rowhouse.database set name = current_database()'),
    )
    await maintenance(`grant connect on database ${name} to rowhouse_control, rowhouse_migrator`)
  }
  await admin(
    `insert into rowhouse.homes (cluster, database_name, schema_name, login, isolation, state)
     select 'main', name, 'public', 'rowhouse_h_' || lpad(to_hex(n), 16, '0'), 'database', 'spare'
     from unnest($1::text[]) with ordinality d (name, n)`,
    [names],
  )
}, 240_000)
afterAll(async () => {
  for (const name of names) await maintenance(`drop database if exists ${name} with (force)`)
}, 120_000)

/** Between a client and the server: how many connections there were, and at most at a time. */
async function startCounter(url: string) {
  const { hostname, port } = new URL(url)
  const counts = { all: 0, open: 0, most: 0 }
  const server = createServer((client) => {
    counts.all += 1
    counts.open += 1
    counts.most = Math.max(counts.most, counts.open)
    let isOpen = true
    const gone = (): void => {
      if (isOpen) counts.open -= 1
      isOpen = false
    }
    const upstream = connect(Number(port), hostname)
    // Before the client hears of it, and can open another.
    upstream.on('end', gone)
    for (const socket of [client, upstream]) {
      socket.on('error', () => {})
      socket.on('close', gone)
    }
    client.pipe(upstream)
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const counted = new URL(url)
  counted.hostname = '127.0.0.1'
  counted.port = String((server.address() as AddressInfo).port)
  return { url: counted.href, counts, close: () => new Promise((resolve) => server.close(resolve)) }
}

/** One round over all databases, with what the keeper asks of the catalogue on its way. */
async function round(ask: (text: string, values: unknown[]) => unknown[] = (_text, values) => values) {
  await admin('delete from rowhouse.data_databases')
  const counter = await startCounter(database().adminUrl)
  const pool = new Pool({ connectionString: database().controlUrl, max: 4 })
  const errors: unknown[] = []
  let statements = 0
  const keeper = keepDatabases({
    catalogue: {
      query: (text: string, values: unknown[] = []): Promise<QueryResult<object>> => {
        statements += 1
        return pool.query(text, ask(text, values))
      },
    },
    catalogueUrl: counter.url,
    signingKey: database().signingKey,
    onError: (where, error) => errors.push([where, error]),
    everyMs: 60_000,
  })
  try {
    await vi.waitFor(() => expect(keeper.counts.databases).toBe(COUNT), soon)
  } finally {
    await keeper.stop()
    await pool.end()
    await counter.close()
  }
  expect(errors).toEqual([])
  return { ...counter.counts, statements }
}

it('takes two connections of a server at a time, one for each database, and four statements of the catalogue', async () => {
  const { all, most, statements } = await round()
  expect(most).toBe(2)
  expect(all).toBe(COUNT)
  // One to take it up, one for the reports, one to settle it, at most one that finds no other; and the first look.
  expect(statements).toBeLessThanOrEqual(4 * COUNT + 2)
  const { most: unbounded } = await round((text, values) => (text.includes('take_data_database') ? [[]] : values))
  expect(unbounded).toBeGreaterThan(2)
})
