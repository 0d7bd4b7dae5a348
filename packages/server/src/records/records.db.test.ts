// The audit log, a record's life and undelete over HTTP, as several people.
import { randomUUID } from 'node:crypto'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { operatorKey, startTestServer } from '../test-server.ts'
import type { Answer, TestServer } from '../test-server.ts'

const database = useTestDatabase()
let server: TestServer
let base: string
let people: Record<'owner' | 'member' | 'viewer' | 'stranger' | 'neighbour', string>

beforeAll(async () => {
  server = await startTestServer(database())
  const { a, b } = server.worlds
  base = `/v1/organizations/${a.organizationId}`
  people = {
    owner: await server.token(a.ownerId),
    member: await server.token(a.memberId),
    viewer: await server.token(a.viewerId),
    stranger: await server.token(randomUUID()),
    neighbour: await server.token(b.ownerId),
  }
})
afterAll(() => server?.stop())

const get = (path: string, bearer = people.viewer): Promise<Answer> => server.call('GET', base + path, { bearer })
const undelete = (record: string, bearer: string): Promise<Answer> =>
  server.call('POST', `${base}/records/notes/${record}/undelete`, { bearer })

/** A note that was made, changed and deleted. */
async function deletedNote(body: string): Promise<string> {
  return withClient(database().appUrl, async (app) => {
    const asOwner = async (text: string, values: unknown[]): Promise<{ id: string }[]> => {
      await app.query('begin')
      await server.worlds.a.enter(app)
      const { rows } = await app.query<{ id: string }>(text, values)
      await app.query('commit')
      return rows
    }
    const [note] = await asOwner('insert into notes (body) values ($1) returning id', [body])
    const id = note?.id ?? ''
    await asOwner('update notes set body = $2 where id = $1', [id, `${body}!`])
    await asOwner('delete from notes where id = $1', [id])
    return id
  })
}

it('lists lines by table, record, actor, action and time, page by page', async () => {
  const id = await deletedNote('filtered')
  const actions = async (query: string): Promise<string[]> =>
    (await get(`/audit-log?${query}`)).body.items.map(({ action }: { action: string }) => action)
  expect(await actions(`recordId=${id}`)).toEqual(['delete', 'update', 'insert'])
  expect(await actions(`recordId=${id}&table=notes&action=update`)).toEqual(['update'])
  expect(await actions(`recordId=${id}&table=public.notes`)).toHaveLength(3)
  expect(await actions(`recordId=${id}&table=other`)).toEqual([])
  expect(await actions(`recordId=${id}&actor=${server.worlds.a.ownerId}`)).toHaveLength(3)
  expect(await actions(`recordId=${id}&actor=${server.worlds.a.viewerId}`)).toEqual([])
  const [newest, middle] = (await get(`/audit-log?recordId=${id}`)).body.items as { at: string; old: string }[]
  expect(JSON.parse(newest?.old ?? '')).toMatchObject({ id, body: 'filtered!' })
  expect(await actions(`recordId=${id}&from=2100-01-01T00:00:00Z`)).toEqual([])
  expect(await actions(`recordId=${id}&to=2000-01-01T00:00:00Z`)).toEqual([])
  expect(await actions(`recordId=${id}&from=${middle?.at}`)).toContain('delete')

  const seen: string[] = []
  let next: string | null = null
  do {
    const page: Answer = await get(`/audit-log?limit=2${next === null ? '' : `&before=${next}`}`)
    seen.push(...page.body.items.map(({ seq }: { seq: string }) => seq))
    next = page.body.next as string | null
  } while (next !== null)
  const { rows } = await withClient(database().adminUrl, (admin) =>
    admin.query<{ seq: string }>('select seq from rowhouse.change_log where organization_id = $1 order by seq desc', [
      server.worlds.a.organizationId,
    ]),
  )
  expect(seen).toEqual(rows.map(({ seq }) => seq))
  for (const query of ['from=yesterday', 'action=drop', 'limit=0', 'before=x'])
    expect([query, (await get(`/audit-log?${query}`)).body.code]).toEqual([query, 'validation_failed'])
})

it('tells a record’s life and what it was at a moment', async () => {
  const id = await deletedNote('lived')
  const path = `/records/notes/${id}/history`
  const { body } = await get(path)
  expect(body.items.map(({ action }: { action: string }) => action)).toEqual(['insert', 'update', 'delete'])
  expect(body).toMatchObject({ record: null, truncated: false })
  const before = new Date(Date.parse(body.items[0].at) - 1).toISOString()
  expect((await get(`${path}?at=${before}`)).body).toEqual({ record: null, items: [], truncated: false })
  // One millisecond is what the answer keeps of a moment.
  const { rows } = await withClient(database().adminUrl, (admin) =>
    admin.query<{ at: string }>(
      `select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at from rowhouse.change_log where seq = $1`,
      [body.items[1].seq],
    ),
  )
  const then = await get(`${path}?at=${rows[0]?.at}`)
  expect(JSON.parse(then.body.record as string)).toMatchObject({ id, body: 'lived!' })
  expect((await get(`/records/notes/${randomUUID()}/history`)).body.items).toEqual([])
})

it('is nobody else’s', async () => {
  const id = await deletedNote('private')
  for (const path of ['/audit-log', `/records/notes/${id}/history`])
    for (const bearer of [people.stranger, people.neighbour])
      expect(await get(path, bearer)).toMatchObject({ status: 404, body: { code: 'organization_not_found' } })
  expect(await undelete(id, people.neighbour)).toMatchObject({ status: 404 })
  const elsewhere = `/v1/organizations/${server.worlds.b.organizationId}/records/notes/${id}`
  expect((await server.call('GET', `${elsewhere}/history`, { bearer: people.neighbour })).body.items).toEqual([])
  expect((await server.call('POST', `${elsewhere}/undelete`, { bearer: people.neighbour })).body.code).toBe(
    'record_not_deleted',
  )
})

it('brings a record back for who may write, as them, on record', async () => {
  const id = await deletedNote('back')
  expect((await undelete(id, people.viewer)).body.code).toBe('permission_denied')
  expect(await undelete(id, people.member)).toMatchObject({ status: 200, body: { notRestored: [] } })
  const { body } = await get(`/records/notes/${id}/history`)
  expect(body.items.at(-1)).toMatchObject({ action: 'insert', actor: { kind: 'user', id: server.worlds.a.memberId } })
  expect(JSON.parse(body.record as string)).toMatchObject({ id, body: 'back!' })
  expect((await undelete(id, people.member)).body.code).toBe('record_not_deleted')
  expect((await undelete(randomUUID(), operatorKey)).body.code).toBe('record_not_deleted')
  expect(
    (await server.call('POST', `${base}/records/nothing/${id}/undelete`, { bearer: people.member })).body.code,
  ).toBe('record_not_deleted')
  const { rows } = await withClient(database().adminUrl, (admin) =>
    admin.query(
      `select actor_id, target, outcome from rowhouse.control_audit where action = 'record.undelete' and actor_id = $1 order by id limit 1`,
      [server.worlds.a.memberId],
    ),
  )
  expect(rows).toEqual([{ actor_id: server.worlds.a.memberId, target: 'notes', outcome: 'done' }])
})

it('reads ids and tables as they are written, upper case too', async () => {
  await withClient(database().migratorUrl, async (migrator) => {
    await migrator.query(`set role rowhouse_owner; create table "Codes" (id text primary key, note text)`)
    await migrator.query(`select rowhouse.protect('"Codes"')`)
  })
  await withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await server.worlds.a.enter(app)
    await app.query(`insert into "Codes" (id, note) values ('AbC/1', 'x')`)
    await app.query(`delete from "Codes"`)
    await app.query('commit')
  })
  const path = `/records/Codes/${encodeURIComponent('AbC/1')}`
  expect((await get(`${path}/history`)).body.items).toHaveLength(2)
  expect((await server.call('POST', `${base}${path}/undelete`, { bearer: people.member })).status).toBe(200)
})
