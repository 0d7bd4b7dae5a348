// Patterns that applications on Supabase are written by, run as SQL of their own beside Rowhouse, with two organizations:
// their queries give the answers their authors meant. Each file in fixtures/known-patterns lists what was adapted, and why.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { asPostgrest, createTwoWorlds, sqlstateOf, useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import type { JwtClaims, TwoWorlds, World } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useSupabaseDatabase()
let worlds: TwoWorlds
let both = ''
const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'fixtures/known-patterns', `${name}.sql`), 'utf8')
type Row = Record<string, unknown>
const asPostgres = async (statement: string, values: readonly unknown[] = []): Promise<Row[]> =>
  withClient(database().postgresUrl, async (postgres) => (await postgres.query<Row>(statement, [...values])).rows)
const as = async (
  user: string,
  world: World | null,
  main: string,
  values: readonly unknown[] = [],
  more: JwtClaims = {},
): Promise<Row[]> =>
  (
    await asPostgrest(
      database().authenticatorUrl,
      {
        claims: { role: 'authenticated', sub: user, ...more },
        headers: world === null ? {} : { 'x-organization-id': world.organizationId },
      },
      main,
      values,
    )
  ).rows
const named = (rows: readonly Row[]): unknown[] => rows.map(({ name }) => String(name)).sort()

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  both = randomUUID()
  await asPostgres(
    "insert into rowhouse.members (organization_id, user_id, role) values ($1, $3, 'member'), ($2, $3, 'member')",
    [worlds.a.organizationId, worlds.b.organizationId, both],
  )
  await asPostgres('select rowhouse.expose_organizations()')
  for (const name of ['membership-functions', 'tenant-claim', 'session-variable', 'base-columns', 'crm-contacts']) {
    await asPostgres(fixture(name))
  }
  for (const table of ['projects', 'tenant_projects', 'session_projects']) {
    await asPostgres(
      `insert into ${table} (${table === 'projects' ? 'organization_id' : 'tenant_id'}, name) values ($1, 'Apollo'), ($2, 'Borealis')`,
      [worlds.a.organizationId, worlds.b.organizationId],
    )
  }
})

describe('members and helper functions', () => {
  it('show the projects of all one’s organizations, and let members create and admins change', async () => {
    expect(named(await as(both, null, 'select name from projects'))).toEqual(['Apollo', 'Borealis'])
    expect(named(await as(worlds.a.memberId, null, 'select name from projects'))).toEqual(['Apollo'])
    expect(
      named(await as(both, null, 'select name from projects where organization_id = $1', [worlds.b.organizationId])),
    ).toEqual(['Borealis'])
    expect(await as(randomUUID(), null, 'select from projects')).toEqual([])
    const insert = 'insert into projects (organization_id, name) values ($1, $2)'
    expect(await sqlstateOf(as(worlds.a.memberId, null, insert, [worlds.a.organizationId, 'New Project']))).toBe('done')
    expect(await sqlstateOf(as(worlds.a.memberId, null, insert, [worlds.b.organizationId, 'New Project']))).toBe(
      '42501',
    )
    const update = "update projects set name = 'Renamed' where name = 'New Project' returning name"
    expect(await as(worlds.a.memberId, null, update)).toEqual([])
    expect(await as(worlds.a.ownerId, null, update)).toHaveLength(1)
    const remove = "delete from projects where name = 'Renamed' returning name"
    expect(await as(worlds.b.ownerId, null, remove)).toEqual([])
    expect(await as(worlds.a.ownerId, null, remove)).toHaveLength(1)
  })

  it('list the user’s organizations, and invite and accept', async () => {
    const mine = await as(both, null, 'select organization_id as name from organization_members where user_id = $1', [
      both,
    ])
    expect(named(mine)).toEqual([worlds.a.organizationId, worlds.b.organizationId].sort())
    const email = `${randomUUID()}@example.com`
    const [invite] = await as(
      worlds.a.ownerId,
      worlds.a,
      'insert into organization_invites (organization_id, email) values ($1, $2) returning token',
      [worlds.a.organizationId, email],
    )
    const user = randomUUID()
    await withClient(database().authUrl, (auth) =>
      auth.query('insert into auth.users (id, email, email_confirmed_at) values ($1, $2, now())', [user, email]),
    )
    await as(user, null, 'select accept_invite($1)', [invite?.['token']])
    expect(named(await as(user, null, 'select name from projects'))).toEqual(['Apollo'])
    expect(await sqlstateOf(as(user, null, 'select accept_invite($1)', [invite?.['token']]))).toBe('RH075')
  })
})

describe('a tenant in app_metadata', () => {
  const signIn = async (user: string): Promise<JwtClaims> => {
    const [row] = await withClient(
      database().authUrl,
      async (auth) =>
        (
          await auth.query<{ claims: JwtClaims }>(
            "select rowhouse.custom_access_token_hook($1) -> 'claims' as claims",
            [
              JSON.stringify({
                user_id: user,
                claims: { sub: user, role: 'authenticated', app_metadata: { provider: 'email' } },
              }),
            ],
          )
        ).rows,
    )
    return row?.claims ?? {}
  }

  it('set by set_user_tenant from a server, shows and takes the rows of that tenant', async () => {
    for (const [world, name, other] of [
      [worlds.a, 'Apollo', worlds.b],
      [worlds.b, 'Borealis', worlds.a],
    ] as const) {
      await asPostgres('select rowhouse.set_user_tenant($1, $2)', [both, world.organizationId])
      const claims = await signIn(both)
      expect(named(await as(both, null, 'select name from tenant_projects', [], claims))).toEqual([name])
      expect(named(await as(both, null, 'select name from get_tenant_projects()', [], claims))).toEqual([name])
      const insert = as(
        both,
        null,
        "insert into tenant_projects (tenant_id, name) values ($1, 'x')",
        [other.organizationId],
        claims,
      )
      expect(await sqlstateOf(insert)).toBe('42501')
    }
    expect(await as(both, null, 'select from tenant_projects')).toEqual([])
  })

  it('works in a test as the pattern’s own: SET request.jwt.claims, as authenticated', async () => {
    await withClient(database().postgresUrl, async (postgres) => {
      await postgres.query('begin; set local role authenticated')
      await postgres.query("select set_config('request.jwt.claims', $1, true)", [
        JSON.stringify({ app_metadata: { tenant_id: worlds.a.organizationId } }),
      ])
      expect(named((await postgres.query<Row>('select * from public.tenant_projects')).rows)).toEqual(['Apollo'])
      await postgres.query('rollback')
    })
  })

  it('makes a schema a tenant, whose tables are found by search_path', async () => {
    const schema = `tenant_${worlds.a.organizationId.replaceAll('-', '_')}`
    expect(await asPostgres('select create_tenant_schema($1) as name', [worlds.a.organizationId])).toEqual([
      { name: schema },
    ])
    expect(await asPostgres(`select count(*)::int as n from ${schema}.projects`)).toEqual([{ n: 0 }])
    // Two names that differ in - and _ only are one schema to this pattern.
    expect(
      await sqlstateOf(asPostgres('select create_tenant_schema($1)', [worlds.a.organizationId.replaceAll('-', '_')])),
    ).toBe('42P06')
  })
})

it('a session variable in a transaction shows the rows of its tenant', async () => {
  const seen = (tenant: string | null): Promise<unknown[]> =>
    withClient(database().postgresUrl, async (postgres) => {
      await postgres.query('begin; set local role authenticated')
      if (tenant !== null) await postgres.query(`set local app.current_tenant_id = '${tenant}'`)
      try {
        return named((await postgres.query<Row>('select name from session_projects')).rows)
      } finally {
        await postgres.query('rollback')
      }
    })
  expect(await seen(worlds.a.organizationId)).toEqual(['Apollo'])
  expect(await seen(worlds.b.organizationId)).toEqual(['Borealis'])
  expect(await sqlstateOf(seen(null))).toBe('42704')
})

it('base columns fill themselves, and every write has its audit row', async () => {
  await as(worlds.a.memberId, worlds.a, "insert into clients (name) values ('Acme')")
  const [client] = await as(worlds.a.memberId, worlds.a, 'select * from clients')
  expect(client).toMatchObject({
    organization_id: worlds.a.organizationId,
    created_by: worlds.a.memberId,
    created_at: expect.any(Date),
    updated_at: expect.any(Date),
  })
  await as(worlds.a.memberId, worlds.a, "update clients set name = 'Acme Ltd'")
  await as(worlds.a.memberId, worlds.a, 'delete from clients')
  const log = await as(
    worlds.a.ownerId,
    worlds.a,
    `select * from rowhouse.audit_log where "table" = 'clients' order by seq`,
  )
  expect(log.map(({ action }) => action)).toEqual(['insert', 'update', 'delete'])
  expect(log[1]).toMatchObject({
    organization: worlds.a.organizationId,
    actor: worlds.a.memberId,
    record: client?.['id'],
    old: expect.objectContaining({ name: 'Acme' }),
    new: expect.objectContaining({ name: 'Acme Ltd' }),
    at: expect.any(Date),
  })
  expect(await as(worlds.b.ownerId, worlds.b, `select from rowhouse.audit_log where "table" = 'clients'`)).toEqual([])
})

it('contacts of two CRMs have the same identifier, and neither sees or overwrites the other', async () => {
  const upsert = `insert into crm_contacts (crm_id, email, synced_at) values ('12345', $1, now())
    on conflict (organization_id, crm_id) do update set email = excluded.email, synced_at = excluded.synced_at returning id`
  const [first] = await as(worlds.a.memberId, worlds.a, upsert, ['ann@a.example'])
  await as(worlds.b.memberId, worlds.b, upsert, ['ann@b.example'])
  const [again] = await as(worlds.a.memberId, worlds.a, upsert, ['anna@a.example'])
  expect(again).toEqual(first)
  const emails = async (world: World): Promise<unknown[]> =>
    (await as(world.memberId, world, 'select email from crm_contacts')).map(({ email }) => email)
  expect(await emails(worlds.a)).toEqual(['anna@a.example'])
  expect(await emails(worlds.b)).toEqual(['ann@b.example'])
})
