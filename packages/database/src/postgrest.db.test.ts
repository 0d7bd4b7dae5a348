// What supabase-js code does, as the SQL that PostgREST makes of it, on a database shaped like Supabase's whose tables
// `postgres` made and protected.
import { randomUUID } from 'node:crypto'
import {
  asPostgrest,
  createTwoWorlds,
  deleteQuery,
  insertQuery,
  readQuery,
  relationshipsQuery,
  sqlstateOf,
  updateQuery,
  useSupabaseDatabase,
  withClient,
} from '@rowhouse/testkit'
import type { TwoWorlds, World } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useSupabaseDatabase()
let worlds: TwoWorlds
let both = ''
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  both = randomUUID()
  await withClient(database().postgresUrl, async (postgres) => {
    await postgres.query('select rowhouse.expose_organizations()')
    await postgres.query(
      'create table public.projects (id uuid primary key default gen_random_uuid(), name text not null)',
    )
    await postgres.query("select rowhouse.protect('public.projects')")
    await postgres.query(
      "insert into rowhouse.members (organization_id, user_id, role) values ($1, $3, 'member'), ($2, $3, 'viewer')",
      [worlds.a.organizationId, worlds.b.organizationId, both],
    )
  })
  await one(both, worlds.a, insertQuery('projects', { name: 'text' }), [{ name: 'Apollo' }])
  await one(worlds.b.ownerId, worlds.b, insertQuery('projects', { name: 'text' }), [{ name: 'Borealis' }])
})

type Row = Record<string, unknown>
/** The body of the answer. */
async function one(user: string, world: World | null, main: string, json?: unknown): Promise<Row[]> {
  const { rows } = await asPostgrest(
    database().authenticatorUrl,
    {
      claims: { role: 'authenticated', sub: user },
      headers: world === null ? {} : { 'x-organization-id': world.organizationId },
      method: main.includes('AS (INSERT') || json !== undefined || main.includes('DELETE') ? 'POST' : 'GET',
    },
    main,
    json === undefined ? [] : [JSON.stringify(json)],
  )
  return rows[0]?.['body'] as Row[]
}
const organization = { as: 'organization', relation: 'organizations', on: [['organization_id', 'id']] } as const

describe('embedding', () => {
  it('goes by the relations that PostgREST finds: tables and views to the view organizations', async () => {
    const { rows } = await withClient(database().authenticatorUrl, (client) => client.query(relationshipsQuery))
    const join = { target: 'organizations', own: ['organization_id'], theirs: ['id'] }
    for (const source of ['projects', 'organization_members', 'organization_invites']) {
      // Exactly one each: of two PostgREST would not know which is meant (PGRST201).
      expect(rows.filter((row: Row) => row['source'] === source && row['target'] === 'organizations')).toEqual([
        { source, ...join },
      ])
    }
  })

  it("projects: select('*, organization:organizations(name)')", async () => {
    const select = readQuery('projects', { embed: { ...organization, columns: ['name'] } })
    expect(await one(both, worlds.a, select)).toMatchObject([{ name: 'Apollo', organization: { name: 'Alder' } }])
    expect(await one(both, worlds.b, select)).toMatchObject([{ name: 'Borealis', organization: { name: 'Birch' } }])
  })

  it("organization_members: select('role, organization:organizations(*)') lists the own, with and without an active one", async () => {
    const select = (user: string): string =>
      readQuery('organization_members', {
        columns: ['role'],
        embed: { ...organization, columns: ['*'] },
        where: `"public"."organization_members"."user_id" = '${user}'`,
      })
    const of = async (world: World | null): Promise<unknown[]> =>
      (await one(both, world, select(both)))
        .map(({ role, organization: embedded }) => `${String(role)} ${String((embedded as Row)['id'])}`)
        .sort()
    const all = [`member ${worlds.a.organizationId}`, `viewer ${worlds.b.organizationId}`]
    expect(await of(null)).toEqual(all)
    expect(await of(worlds.a)).toEqual(all.slice(0, 1))
    expect(await of(worlds.b)).toEqual(all.slice(1))
  })
})

describe('writing', () => {
  const insert = (payload: Record<string, string>): string => insertQuery('projects', payload)

  it('names organization_id or leaves it out, and cannot name another', async () => {
    const organization_id = worlds.a.organizationId
    const named = insert({ name: 'text', organization_id: 'uuid' })
    expect(await one(both, worlds.a, insert({ name: 'text' }), { name: 'one' })).toMatchObject([{ organization_id }])
    expect(await one(both, worlds.a, named, { name: 'two', organization_id })).toMatchObject([{ organization_id }])
    const foreign = { name: 'three', organization_id: worlds.b.organizationId }
    expect(await sqlstateOf(one(both, worlds.a, named, foreign))).toBe('42501')
    expect(await sqlstateOf(one(both, worlds.b, insert({ name: 'text' }), { name: 'viewer' }))).toBe('42501')
  })

  it('upserts by the key, with the organization named or not; by id alone it is 42P10', async () => {
    const id = randomUUID()
    const key = ['organization_id', 'id']
    const organization_id = worlds.a.organizationId
    const bare = insertQuery('projects', { id: 'uuid', name: 'text' }, key)
    const named = insertQuery('projects', { id: 'uuid', name: 'text', organization_id: 'uuid' }, key)
    await one(both, worlds.a, bare, { id, name: 'first' })
    await one(both, worlds.a, named, { id, name: 'second', organization_id })
    expect(await one(both, worlds.a, bare, { id, name: 'third' })).toMatchObject([
      { id, name: 'third', organization_id },
    ])
    const theirs = { id, name: 'x', organization_id: worlds.b.organizationId }
    expect(await sqlstateOf(one(both, worlds.a, named, theirs))).toBe('42501')
    const byId = insertQuery('projects', { id: 'uuid', name: 'text' }, ['id'])
    expect(await sqlstateOf(one(both, worlds.a, byId, { id, name: 'x' }))).toBe('42P10')
    // The same id in the other organization is another row, and says nothing about this one.
    const other = await one(worlds.b.ownerId, worlds.b, bare, { id, name: 'of B' })
    expect(other).toMatchObject([{ id, name: 'of B', organization_id: worlds.b.organizationId }])
    expect(await one(both, worlds.a, deleteQuery('projects', `"public"."projects"."id" = '${id}'`))).toHaveLength(1)
  })

  it('updates and deletes what is the organization’s own', async () => {
    const [row] = await one(both, worlds.a, insert({ name: 'text' }), { name: 'before' })
    const where = `"public"."projects"."id" = '${String(row?.['id'])}'`
    const update = updateQuery('projects', { name: 'text' }, where)
    expect(await one(worlds.b.ownerId, worlds.b, update, { name: 'taken' })).toEqual([])
    expect(await one(both, worlds.a, update, { name: 'after' })).toMatchObject([{ name: 'after' }])
    const move = updateQuery('projects', { organization_id: 'uuid' }, where)
    expect(await sqlstateOf(one(both, worlds.a, move, { organization_id: worlds.b.organizationId }))).toBe('42501')
    expect(await one(worlds.b.ownerId, worlds.b, deleteQuery('projects', where))).toEqual([])
    expect(await one(both, worlds.a, deleteQuery('projects', where))).toHaveLength(1)
  })

  it('without an active organization is refused with a code, as reading is', async () => {
    expect(await sqlstateOf(one(both, null, readQuery('projects')))).toBe('RH070')
    expect(await sqlstateOf(one(both, null, insert({ name: 'text' }), { name: 'x' }))).toBe('RH070')
  })
})

describe('functions by name', () => {
  const rpc = async (user: string, world: World | null, call: string): Promise<unknown> =>
    (
      await asPostgrest(
        database().authenticatorUrl,
        {
          claims: { role: 'authenticated', sub: user },
          headers: world === null ? {} : { 'x-organization-id': world.organizationId },
        },
        `WITH pgrst_source AS (SELECT pgrst_call.pgrst_scalar FROM (SELECT "public".${call} pgrst_scalar) pgrst_call)
         SELECT json_agg(_postgrest_t.pgrst_scalar) AS body FROM (SELECT * FROM pgrst_source) _postgrest_t`,
      )
    ).rows[0]?.['body']

  it('answer for the person, and an invitation goes from insert to accept_invite', async () => {
    expect(await rpc(both, null, `"is_org_member"("org_id" := '${worlds.a.organizationId}')`)).toEqual([true])
    expect(await rpc(both, null, `"is_org_admin"("org_id" := '${worlds.a.organizationId}')`)).toEqual([false])
    const mine = (await rpc(both, null, '"get_user_organizations"()')) as string[]
    expect(mine.sort()).toEqual([worlds.a.organizationId, worlds.b.organizationId].sort())

    const email = `${randomUUID()}@example.com`
    const [invite] = await one(
      worlds.a.ownerId,
      worlds.a,
      insertQuery('organization_invites', { organization_id: 'uuid', email: 'text', role: 'text' }),
      { organization_id: worlds.a.organizationId, email, role: 'viewer' },
    )
    expect(invite).toMatchObject({ email, role: 'viewer', organization_id: worlds.a.organizationId })
    const listed = await one(worlds.a.ownerId, worlds.a, readQuery('organization_invites'))
    expect(listed).toMatchObject([{ email, token: null }])
    const user = randomUUID()
    await withClient(database().authUrl, (auth) =>
      auth.query('insert into auth.users (id, email, email_confirmed_at) values ($1, $2, now())', [user, email]),
    )
    const token = String(invite?.['token'])
    expect(await rpc(user, null, `"accept_invite"("invite_token" := '${token}')`)).toEqual([worlds.a.organizationId])
    await rpc(user, null, `"switch_organization"("organization_id" := '${worlds.a.organizationId}')`)
    expect(await one(worlds.a.ownerId, worlds.a, readQuery('organization_invites'))).toEqual([])
    const wrong = insertQuery('organization_invites', { organization_id: 'uuid', email: 'text' })
    const toB = { organization_id: worlds.b.organizationId, email }
    expect(await sqlstateOf(one(worlds.a.ownerId, worlds.a, wrong, toB))).toBe('RH015')
  })

  it('are nobody’s who has not signed in', async () => {
    for (const main of ['select public.get_user_organizations()', 'select * from public.organizations']) {
      expect(await sqlstateOf(asPostgrest(database().authenticatorUrl, { claims: null }, main))).toBe('42501')
    }
  })
})
