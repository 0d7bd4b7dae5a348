// The audit log, a record's life and undelete over HTTP, as several people.
import { randomUUID } from 'node:crypto'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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

describe('exported as a file', () => {
  const exported = (query: string, bearer = people.viewer): Promise<Answer> =>
    server.call('GET', `${base}/audit-log/export${query}`, { bearer })

  /** Notes of the first organization, each written by one statement. */
  const write = (count: number, sizeBytes: number): Promise<void> =>
    withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await server.worlds.a.enter(app)
      await app.query('insert into notes (body) select repeat($2, $3) from generate_series(1, $1)', [
        count,
        'x',
        sizeBytes,
      ])
      await app.query('commit')
    })

  it('is every line that a filter chooses, over pages, as JSON lines and as CSV; and on record', async () => {
    await write(450, 10)
    const jsonl = await exported('?table=notes')
    expect(jsonl.headers.get('content-disposition')).toMatch(/^attachment; filename="[a-z0-9-]+-change-log\.jsonl"$/)
    const lines = jsonl.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { seq: string; table: string })
    const { rows } = await withClient(database().adminUrl, (admin) =>
      admin.query<{ seq: string }>(
        `select seq from rowhouse.change_log where organization_id = $1 and table_name = 'notes' order by seq desc`,
        [server.worlds.a.organizationId],
      ),
    )
    expect(rows.length).toBeGreaterThan(450)
    expect(lines.map(({ seq }) => seq)).toEqual(rows.map(({ seq }) => seq))
    const listed = await get('/audit-log?table=notes&limit=1')
    expect(lines[0]).toEqual(listed.body.items[0])

    const csv = await exported('?table=notes&format=csv&action=insert')
    expect(csv.headers.get('content-type')).toMatch(/^text\/csv/)
    const [head, ...cells] = csv.text.trimEnd().split('\r\n')
    expect(head).toMatch(/^seq,at,actor_kind,/)
    expect(cells.length).toBeGreaterThanOrEqual(450)
    expect((await exported('?from=2100-01-01T00:00:00Z')).text).toBe('')

    const log = await withClient(database().adminUrl, (admin) =>
      admin.query(
        `select distinct actor_id, target, outcome from rowhouse.control_audit where action = 'audit_log.export' and target is not null`,
      ),
    )
    expect(log.rows).toEqual([{ actor_id: server.worlds.a.viewerId, target: 'notes', outcome: 'done' }])
  })

  it('is refused to who may not read it, and for what is no filter', async () => {
    for (const bearer of [people.stranger, people.neighbour])
      expect(await exported('', bearer)).toMatchObject({ status: 404, body: { code: 'organization_not_found' } })
    expect((await server.call('GET', `${base}/audit-log/export`)).body.code).toBe('unauthenticated')
    for (const query of ['?format=xlsx', '?from=yesterday', '?action=drop', '?format=csv&format=csv'])
      expect([query, (await exported(query)).body.code]).toEqual([query, 'validation_failed'])
  })

  /** Begins to read as somebody who meanwhile loses the right to; says whether the file had an end. */
  async function readWhileLosing({ url }: TestServer, bearer: string, userId: string): Promise<'whole' | 'cut off'> {
    const response = await fetch(`${url}${base}/audit-log/export?table=notes`, {
      headers: { authorization: `Bearer ${bearer}` },
    })
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    await withClient(database().adminUrl, (admin) =>
      admin.query('update rowhouse.members set role = $2 where user_id = $1', [userId, 'deaf']),
    )
    try {
      while (!(await reader.read()).done);
      return 'whole'
    } catch {
      return 'cut off'
    }
  }

  it('breaks off for who may no longer read, and would end as if it were whole if that were not asked for each page', async () => {
    const { organizationId, viewerId, memberId } = server.worlds.a
    await withClient(database().adminUrl, (admin) =>
      admin.query(
        `insert into rowhouse.roles (organization_id, name, permissions) values ($1, 'deaf', '{organization.read}')`,
        [organizationId],
      ),
    )
    // More than lies in buffers on the way.
    await write(1200, 50_000)
    expect(await readWhileLosing(server, people.member, memberId)).toBe('cut off')
    const unguarded = await startTestServer(database(), { guards: { access: false, sameSite: true } })
    try {
      expect(await readWhileLosing(unguarded, await unguarded.token(viewerId), viewerId)).toBe('whole')
    } finally {
      await unguarded.stop()
    }
  })
})
