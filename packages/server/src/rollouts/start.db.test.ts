// A rollout over HTTP: the server's folder says what, an operator says when, and agrees to what goes for good.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@rowhouse/client'
import type { ServerEvent } from '@rowhouse/contracts'
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { operatorKey, startTestServer } from '../test-server.ts'
import type { Answer, TestServer } from '../test-server.ts'

const HOMES = 6
const soon = { timeout: 60_000, interval: 50 }
const database = useTestDatabase()
let folder: string
let server: TestServer
let version = 20_260_101_000_000

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowhouse-migrations-'))
  server = await startTestServer(database(), { config: { migrations: folder } })
  await makeHomes(database(), HOMES)
})
afterAll(async () => {
  await server?.stop()
  await dropHomes(database())
  await rm(folder, { recursive: true, force: true })
})

const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
  server.call(method, path, { bearer: operatorKey, ...(body === undefined ? {} : { body }) })
const begin = (body: unknown = {}): Promise<Answer> => call('POST', '/v1/rollouts', body)
const migrate = async (name: string, sql: string): Promise<string> => {
  version += 1
  await writeFile(join(folder, `${version}_${name}.sql`), sql)
  return String(version)
}
const makeTable = (name: string): Promise<string> =>
  migrate(name, `create table ${name} (id uuid primary key); select rowhouse.protect('${name}');`)
const rolloutOf = async (id: string): Promise<Answer['body']> => (await call('GET', `/v1/rollouts/${id}`)).body.rollout
const ended = async (id: string): Promise<Answer['body']> =>
  vi.waitFor(async () => {
    const rollout = await rolloutOf(id)
    expect(rollout.state).not.toBe('running')
    return rollout
  }, soon)
const admin = async <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(text, values)).rows)
const homesWith = async (table: string): Promise<number> =>
  (await admin(`select from pg_class where relname = $1 and relkind = 'r'`, [table])).length

/** Holds a table of one home until it is let go, so that a rollout which changes it waits there. */
async function hold(table: string): Promise<{ letGo(): Promise<void> }> {
  const [home] = await admin<{ schema: string }>(
    `select schema_name as schema from rowhouse.homes where isolation = 'schema' order by created_at desc, id desc limit 1`,
  )
  const client = new Client({ connectionString: database().adminUrl })
  await client.connect()
  await client.query(`begin; lock table ${home?.schema}.${table} in share mode`)
  return {
    letGo: async () => {
      await client.query('rollback')
      await client.end()
    },
  }
}
const patient = { lockTimeoutMs: 50, lockAttempts: 1000, waves: [100] }

describe('a rollout over HTTP', () => {
  it('is planned, begun, followed in events and by GET, and done in every home', async () => {
    const target = await makeTable('calls')
    const plan = await call('GET', '/v1/rollout-plan')
    expect(plan.body).toMatchObject({
      target,
      upToDate: false,
      homes: { total: HOMES + 1, behind: HOMES + 1 },
      migrations: [{ file: `${target}_calls.sql`, problems: [] }],
      destroys: [],
    })
    const api = createClient({ baseUrl: server.url, headers: { authorization: `Bearer ${operatorKey}` } })
    const watching = new AbortController()
    const events: ServerEvent[] = []
    const opened = Promise.withResolvers<void>()
    const stream = api.events({ signal: watching.signal }, (event) => events.push(event), {
      onStatus: (status) => status === 'open' && opened.resolve(),
    })
    await opened.promise
    const { rollout } = await api.startRollout({ body: { canaries: ['org-1'] } })
    expect(rollout).toMatchObject({ target, startedBy: 'operator, over HTTP' })
    expect(await ended(rollout?.id ?? '')).toMatchObject({
      state: 'done',
      homes: { total: HOMES + 1, done: HOMES + 1, failed: 0, blocked: 0 },
    })
    expect(await homesWith('calls')).toBe(HOMES + 1)
    const told = (): ServerEvent[] => events.filter(({ type }) => type === 'rollout')
    await vi.waitFor(
      () =>
        expect(told().at(-1)).toMatchObject({
          rollout: { id: rollout?.id, state: 'done', homes: { done: HOMES + 1 } },
        }),
      soon,
    )
    watching.abort()
    await stream.catch(() => undefined)
    expect((await begin()).body).toEqual({ rollout: null })
    expect((await call('GET', '/v1/rollout-plan')).body).toMatchObject({ upToDate: true })
    expect(
      await admin(
        `select actor_kind, outcome from rowhouse.control_audit where action = 'rollout.start' order by id limit 1`,
      ),
    ).toEqual([{ actor_kind: 'operator', outcome: 'done' }])
  })

  it('is refused as the command line refuses it, and nothing is begun', async () => {
    const last = (await call('GET', '/v1/rollouts')).body.items[0].id
    const path = join(folder, `${await migrate('named', 'create table public.named (id int);')}_named.sql`)
    const refused = await begin()
    expect([refused.status, refused.body.code]).toEqual([409, 'migration_refused'])
    expect(refused.body.details.problems.map(({ check }: { check: string }) => check)).toContain('names_schema')
    await rm(path)
    expect((await begin({ waves: [50, 10] })).body.code).toBe('validation_failed')
    expect((await begin({ sql: 'drop table x' })).body.code).toBe('validation_failed')
    await writeFile(join(folder, 'no-migration.sql'), 'select 1')
    expect((await begin()).body.code).toBe('migration_invalid')
    await rm(join(folder, 'no-migration.sql'))
    await writeFile(join(folder, '20250101000000_early.sql'), 'select 1')
    expect((await begin()).body.code).toBe('migration_out_of_order')
    await rm(join(folder, '20250101000000_early.sql'))
    expect((await call('GET', '/v1/rollouts')).body.items[0].id).toBe(last)
  })

  it('destroys only what was read in a plan of exactly these files', async () => {
    await migrate('drop_calls', '-- rowhouse: allow drop_table because nobody uses it\ndrop table calls;')
    const { body: plan } = await call('GET', '/v1/rollout-plan')
    expect(plan.destroys).toEqual([expect.objectContaining({ check: 'drop_table', reason: 'nobody uses it' })])
    for (const body of [{}, { confirm: 'yes' }]) expect((await begin(body)).body.code).toBe('rollout_unconfirmed')
    // Somebody deploys another folder between reading and agreeing.
    await migrate('drop_nothing', 'comment on table calls is null;')
    expect((await begin({ confirm: plan.confirm })).body.code).toBe('rollout_unconfirmed')
    await rm(join(folder, `${version}_drop_nothing.sql`))
    expect(await homesWith('calls')).toBe(HOMES + 1)
    const { body } = await begin({ confirm: plan.confirm })
    expect(await ended(body.rollout.id)).toMatchObject({ state: 'done' })
    expect(await homesWith('calls')).toBe(0)
  })

  it('is one at a time, is cancelled between two homes, and gone on with', async () => {
    await makeTable('held')
    expect(await ended((await begin()).body.rollout.id)).toMatchObject({ state: 'done' })
    const held = await hold('held')
    await migrate('held_note', 'alter table held add column note text;')
    const { body } = await begin(patient)
    const { id } = body.rollout
    try {
      expect((await begin()).body).toMatchObject({ code: 'rollout_running', details: { rolloutId: id } })
      expect((await call('POST', `/v1/rollouts/${id}/resume`, {})).body.code).toBe('rollout_running')
      expect((await call('POST', `/v1/rollouts/${id}/cancel`)).status).toBe(200)
      expect(await ended(id)).toMatchObject({ state: 'stopped', code: 'rollout_cancelled' })
    } finally {
      await held.letGo()
    }
    const again = await call('POST', `/v1/rollouts/${id}/resume`, {})
    expect(again.body.rollout).toMatchObject({ id })
    expect(await ended(id)).toMatchObject({ state: 'done', code: null })
    // What is done stays done.
    expect((await call('POST', `/v1/rollouts/${id}/cancel`)).body.rollout.state).toBe('done')
    expect((await call('POST', `/v1/rollouts/${id}/resume`, {})).body.code).toBe('rollout_not_resumable')
  })

  it('that another server runs is cancelled through its row; one whose server is gone is ended', async () => {
    const other = await startTestServer(database(), { config: { migrations: folder } })
    const held = await hold('held')
    try {
      await migrate('held_more', 'alter table held add column more text;')
      const { body } = await other.call('POST', '/v1/rollouts', { bearer: operatorKey, body: patient })
      const { id } = body.rollout
      expect((await begin()).body.code).toBe('rollout_running')
      await call('POST', `/v1/rollouts/${id}/cancel`)
      expect(await ended(id)).toMatchObject({ state: 'stopped', code: 'rollout_cancelled' })
      // As kill -9 leaves it: running, and nobody holds its lock.
      await admin(
        `update rowhouse.rollouts set state = 'running', finished_at = null, cancelled_at = null where id = $1`,
        [id],
      )
      expect((await rolloutOf(id)).state).toBe('interrupted')
      expect((await call('POST', `/v1/rollouts/${id}/cancel`)).body.rollout).toMatchObject({
        state: 'stopped',
        code: 'rollout_cancelled',
      })
      await held.letGo()
      expect((await call('POST', `/v1/rollouts/${id}/resume`, {})).body.rollout).toMatchObject({ id })
      expect(await ended(id)).toMatchObject({ state: 'done' })
    } finally {
      await held.letGo().catch(() => undefined)
      await other.stop()
    }
  })

  it('is interrupted by the end of its server, which waits for the home under way', async () => {
    const other = await startTestServer(database(), { config: { migrations: folder } })
    const held = await hold('held')
    try {
      await migrate('held_last', 'alter table held add column last text;')
      const { body } = await other.call('POST', '/v1/rollouts', { bearer: operatorKey, body: patient })
      await other.stop()
      expect(await rolloutOf(body.rollout.id)).toMatchObject({ state: 'stopped', code: 'rollout_interrupted' })
      await held.letGo()
      await call('POST', `/v1/rollouts/${body.rollout.id}/resume`, {})
      expect(await ended(body.rollout.id)).toMatchObject({ state: 'done' })
    } finally {
      await held.letGo().catch(() => undefined)
      await other.stop()
    }
  })

  it('is the operators’, and needs a folder', async () => {
    const bearer = await server.token(server.worlds.a.ownerId)
    const id = '00000000-0000-4000-8000-000000000000'
    for (const [method, path] of [
      ['GET', '/v1/rollout-plan'],
      ['POST', '/v1/rollouts'],
      ['POST', `/v1/rollouts/${id}/cancel`],
      ['POST', `/v1/rollouts/${id}/resume`],
    ] as const) {
      const body = method === 'POST' ? { body: {} } : {}
      expect([path, (await server.call(method, path, { bearer, ...body })).body.code]).toEqual([
        path,
        'permission_denied',
      ])
    }
    for (const [verb, body] of [['cancel'], ['resume', {}]] as const)
      expect((await call('POST', `/v1/rollouts/${id}/${verb}`, body)).body.code).toBe('rollout_not_found')
    const without = await startTestServer(database())
    try {
      const refused = await without.call('POST', '/v1/rollouts', { bearer: operatorKey, body: {} })
      expect([refused.status, refused.body.code]).toEqual([422, 'rollout_folder_missing'])
    } finally {
      await without.stop()
    }
  })
})
