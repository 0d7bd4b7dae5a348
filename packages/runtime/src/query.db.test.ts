// One query at a time: what goes in and comes out is what pg gives; what breaks is an error with a code, and the
// next query works.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { createRowhouse } from './index.ts'
import type { Organization, Rowhouse } from './index.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let rowhouse: Rowhouse
let acme: Organization

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  rowhouse = createRowhouse({
    url: database().appUrl,
    signingKey: database().signingKey,
    pool: { max: 1, statementTimeoutMs: 20_000 },
  })
  acme = rowhouse.as({ organizationId: worlds.a.organizationId, userId: worlds.a.ownerId })
})
afterAll(() => rowhouse.close())

test('values go in and rows come out as with pg', async () => {
  const text = `select $1::int as int, $2::text as text, $3::timestamptz as at, $4::jsonb as json, $5::text[] as array, $6::bytea as bytes,
    $7::bool as bool, $8::numeric as numeric, $9::int8 as big, null as nothing, '{1,2}'::int[] as ints, 1 as twice, 2 as twice,
    $10::date as day, $11::float8 as float, 'NaN'::float8 as nan`
  const values = [
    1,
    `it's "ü" 🦊 \\ %`,
    new Date('2030-01-01T12:34:56.789Z'),
    { a: [1, null, 'x'] },
    ['a', null, 'b,"c"'],
    Buffer.from([0, 255]),
    true,
    '1.50',
    2n ** 60n,
    '2030-02-03',
    0.1,
  ]
  const theirs = await withClient(database().appUrl, (client) => client.query(text, values))
  for (let run = 0; run < 3; run += 1) {
    const ours = await acme.query(text, values)
    expect(ours.rows).toEqual(theirs.rows)
    expect(Object.keys(ours.rows[0] ?? {})).toEqual(Object.keys(theirs.rows[0] as object))
    expect(ours.fields.map(({ name, dataTypeID }) => ({ name, dataTypeID }))).toEqual(
      theirs.fields.map(({ name, dataTypeID }) => ({ name, dataTypeID })),
    )
    expect([ours.command, ours.rowCount]).toEqual([theirs.command, theirs.rowCount])
  }
})

test('counts and commands are pg’s', async () => {
  expect(await acme.query(`insert into notes (body) values ('one'), ('two')`)).toMatchObject({
    command: 'INSERT',
    rowCount: 2,
    rows: [],
  })
  expect(await acme.query(`update notes set body = 'three' where body = 'two'`)).toMatchObject({
    command: 'UPDATE',
    rowCount: 1,
  })
  expect(await acme.query(`delete from notes where body in ('one', 'three') returning body`)).toMatchObject({
    command: 'DELETE',
    rowCount: 2,
  })
})

test.each([
  ['query_failed', '22012', 'select 1 / 0', []],
  ['query_failed', '42601', 'select from where', []],
  ['query_failed', '42P01', 'select * from missing', []],
  ['query_failed', '22P02', 'select $1::int', ['abc']],
  ['query_failed', '08P01', 'select $1::int', []],
  ['check_violation', '23502', 'insert into folders (name) values (null)', []],
  ['permission_denied', '42501', 'select * from rowhouse.keys', []],
] as const)('%s (%s) %s', async (code, sqlState, text, values) => {
  for (let run = 0; run < 2; run += 1) {
    await expect(acme.query(text, values)).rejects.toMatchObject({
      code,
      details: { sqlState },
      cause: { code: sqlState },
    })
  }
  await expect(acme.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
})

test('names of what was violated are in the details, rows are not', async () => {
  const insert = `insert into folders (organization_id, id, name) select organization_id, id, 'a secret' from folders limit 1`
  const error = await acme.query(insert).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'unique_violation', details: { table: 'folders', constraint: 'folders_pkey' } })
  expect(JSON.stringify(error)).not.toContain('a secret')
  const orphan = 'insert into notes (folder_id) values (gen_random_uuid())'
  await expect(acme.query(orphan)).rejects.toMatchObject({ code: 'foreign_key_violation' })
})

test('a value that cannot be sent fails alone', async () => {
  const circular: Record<string, unknown> = {}
  circular['self'] = circular
  await expect(acme.query('select $1::jsonb', [circular])).rejects.toMatchObject({ code: 'query_failed' })
  await expect(acme.query('select $1::text', ['a\0b'])).rejects.toMatchObject({ code: 'query_failed' })
  await expect(acme.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
  expect(rowhouse.connections).toMatchObject({ idle: 1, busy: 0 })
})

test('what a statement hides from its first word is caught by its answer, and the connection is not used again', async () => {
  await withClient(database().adminUrl, (admin) =>
    admin.query(`grant temporary on database ${database().name} to rowhouse_app`),
  )
  const { rows: before } = await acme.query('select pg_backend_pid() as pid')
  await expect(acme.query('select 1 as x into temporary kept')).rejects.toMatchObject({ code: 'statement_not_allowed' })
  const { rows: after } = await acme.query('select pg_backend_pid() as pid')
  expect(after).not.toEqual(before)
  await expect(acme.query('select * from kept')).rejects.toMatchObject({ details: { sqlState: '42P01' } })
})

test('a table that changed under a parsed statement costs nothing but a second try', async () => {
  await withClient(database().migratorUrl, (migrator) => migrator.query('alter table folders add column added int'))
  const star = 'select * from folders'
  expect(Object.keys((await acme.query(star)).rows[0] ?? {})).toContain('added')
  await withClient(database().migratorUrl, (migrator) => migrator.query('alter table folders drop column added'))
  expect(Object.keys((await acme.query(star)).rows[0] ?? {})).not.toContain('added')
})

test('statements that SQL on the connection made away with are parsed anew', async () => {
  await acme.query('select 1 as one')
  await withClient(database().adminUrl, (admin) =>
    admin.query(
      `create or replace function public.forget() returns void language plpgsql as $$ begin execute 'deallocate all'; end $$`,
    ),
  )
  await acme.query('select public.forget()')
  await expect(acme.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
  await expect(acme.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
})

test('names of parsed statements are not to be guessed from the text', async () => {
  // Superuser's eyes: an installation keeps the login from reading the names at all.
  await withClient(database().adminUrl, (admin) =>
    admin.query(`create or replace function public.prepared() returns setof pg_prepared_statements
      language sql security definer as 'select * from pg_prepared_statements'`),
  )
  const names = 'select name from public.prepared()'
  const { rows } = await acme.query<{ name: string }>(names)
  const other = createRowhouse({ url: database().appUrl, signingKey: database().signingKey })
  const { rows: others } = await other
    .as({ organizationId: worlds.b.organizationId, service: 'x' })
    .query<{ name: string }>(names)
  await other.close()
  expect(rows.length).toBeGreaterThan(1)
  expect(rows.filter(({ name }) => others.some((row) => row.name === name))).toEqual([])
})

test('a backend that is killed while it works: nobody knows, and the next query connects anew', async () => {
  const { rows } = await acme.query<{ pid: number }>('select pg_backend_pid() as pid')
  const working = acme.query('select pg_sleep(60)').catch((error: unknown) => error)
  await withClient(database().adminUrl, (admin) => admin.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]))
  expect(await working).toMatchObject({ code: 'connection_lost', retryable: false })
  await expect(acme.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
})

test('one killed while idle is not handed out', async () => {
  const { rows } = await acme.query<{ pid: number }>('select pg_backend_pid() as pid')
  await withClient(database().adminUrl, (admin) => admin.query('select pg_terminate_backend($1, 5000)', [rows[0]?.pid]))
  await expect.poll(() => rowhouse.connections).toBeDefined()
  const second = await acme.query('select 1 as one').catch((error: unknown) => error)
  // The goodbye of the server may still be on its way: then this one query says so, and only this one.
  expect([{ code: 'connection_lost' }, { rowCount: 1 }]).toContainEqual(
    second instanceof Error
      ? { code: (second as Error & { code: string }).code }
      : { rowCount: (second as { rowCount: number }).rowCount },
  )
  await expect(acme.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
})

test('a statement that runs too long is cancelled', async () => {
  const hasty = createRowhouse({
    url: database().appUrl,
    signingKey: database().signingKey,
    pool: { statementTimeoutMs: 50 },
  })
  const organization = hasty.as({ organizationId: worlds.a.organizationId, service: 'x' })
  await expect(organization.query('select pg_sleep(60)')).rejects.toMatchObject({ code: 'statement_timeout' })
  await expect(organization.query('select 1 as one')).resolves.toMatchObject({ rows: [{ one: 1 }] })
  await hasty.close()
})

test('a full pool says so, and closing breaks what does not end', async () => {
  const small = createRowhouse({
    url: database().appUrl,
    signingKey: database().signingKey,
    // Long enough to connect on a busy machine.
    pool: { max: 1, acquireTimeoutMs: 2000, closeTimeoutMs: 20 },
  })
  const organization = small.as({ organizationId: worlds.a.organizationId, service: 'x' })
  await organization.query('select 1')
  const stuck = organization.query('select pg_sleep(60)').catch((error: unknown) => error)
  await expect(organization.query('select 1')).rejects.toMatchObject({ code: 'pool_exhausted', retryable: true })
  await small.close()
  expect(await stuck).toMatchObject({ code: 'connection_lost' })
  await expect(organization.query('select 1')).rejects.toMatchObject({ code: 'closed' })
})

test('the change log names the actor, the request and the origin', async () => {
  const traced = rowhouse.as({
    organizationId: worlds.a.organizationId,
    userId: worlds.a.ownerId,
    requestId: 'req-1',
    origin: 'import',
    ip: '192.0.2.1',
  })
  await traced.query(`insert into notes (body) values ('traced')`)
  const { rows } = await traced.query(
    `select actor_kind, request_id, origin from rowhouse.change_log where new ->> 'body' = 'traced'`,
  )
  expect(rows).toEqual([{ actor_kind: 'user', request_id: 'req-1', origin: 'import' }])
})
