// The real supabase-js, over HTTP, against a peer that speaks PostgREST in front of a database shaped like Supabase's.
import { randomUUID } from 'node:crypto'
import { createTwoWorlds, useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { startSupabaseLite } from '@rowhouse/testkit/supabase-lite'
import type { SupabaseLite } from '@rowhouse/testkit/supabase-lite'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'

const database = useSupabaseDatabase()
let worlds: TwoWorlds
let lite: SupabaseLite
let person = ''
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  person = randomUUID()
  await withClient(database().postgresUrl, async (postgres) => {
    await postgres.query(
      `create table public.projects (id uuid primary key default gen_random_uuid(), name text not null)`,
    )
    await postgres.query("select rowhouse.protect('public.projects')")
    await postgres.query('select rowhouse.expose_organizations()')
    await postgres.query(
      "insert into auth.users (id, email, aud, role, email_confirmed_at) select u, u || '@example.com', 'authenticated', 'authenticated', now() from unnest($1::uuid[]) u",
      [[person, worlds.a.viewerId, worlds.a.ownerId]],
    )
    await postgres.query(
      "insert into rowhouse.members (organization_id, user_id, role) values ($1, $3, 'member'), ($2, $3, 'member')",
      [worlds.a.organizationId, worlds.b.organizationId, person],
    )
  })
  // The peer prints every refusal; these tests want them.
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  lite = await startSupabaseLite(database())
})
afterAll(() => lite?.stop())

test('two tabs of one person work in two organizations, and embed their names', async () => {
  const [a, b] = [lite.tab(person, worlds.a.organizationId), lite.tab(person, worlds.b.organizationId)]
  const inserted = await a.from('projects').insert({ name: 'Apollo' }).select().single()
  expect(inserted).toMatchObject({ status: 201, data: { name: 'Apollo', organization_id: worlds.a.organizationId } })
  const named = { name: 'Borealis', organization_id: worlds.b.organizationId }
  expect((await b.from('projects').insert(named).select().single()).data).toMatchObject(named)
  const select = '*, organization:organizations(name)'
  expect((await a.from('projects').select(select)).data).toMatchObject([
    { name: 'Apollo', organization: { name: 'Alder' } },
  ])
  expect((await b.from('projects').select(select)).data).toMatchObject([
    { name: 'Borealis', organization: { name: 'Birch' } },
  ])
})

test('upsert goes by the key, update and delete reach the own rows', async () => {
  const [a, b] = [lite.tab(person, worlds.a.organizationId), lite.tab(person, worlds.b.organizationId)]
  const id = randomUUID()
  const byKey = { onConflict: 'organization_id,id' }
  await a.from('projects').upsert({ id, name: 'one' }, byKey)
  const organization_id = worlds.a.organizationId
  const again = await a.from('projects').upsert({ id, name: 'two', organization_id }, byKey).select()
  expect(again.data).toMatchObject([{ id, name: 'two', organization_id }])
  expect((await a.from('projects').upsert({ id, name: 'x' }, { onConflict: 'id' })).error?.code).toBe('42P10')
  expect((await b.from('projects').update({ name: 'taken' }).eq('id', id).select()).data).toEqual([])
  expect((await b.from('projects').delete().eq('id', id).select()).data).toEqual([])
  expect((await a.from('projects').update({ name: 'three' }).eq('id', id).select()).data).toMatchObject([
    { name: 'three' },
  ])
  expect((await a.from('projects').delete().eq('id', id).select()).data).toHaveLength(1)
})

test('a row of another organization, a viewer and a stranger are refused', async () => {
  const a = lite.tab(person, worlds.a.organizationId)
  const foreign = await a.from('projects').insert({ name: 'x', organization_id: worlds.b.organizationId })
  expect(foreign).toMatchObject({ status: 403, error: { code: '42501' } })
  const viewer = lite.tab(worlds.a.viewerId, worlds.a.organizationId)
  expect((await viewer.from('projects').insert({ name: 'x' })).error?.code).toBe('42501')
  const outsider = await lite.tab(worlds.a.ownerId, worlds.b.organizationId).from('projects').select()
  expect(outsider.error?.message).toMatch(/not a member/)
  const forged = lite.tab(person, worlds.a.organizationId, 'another secret, as long as a real one is')
  expect((await forged.from('projects').select()).error).not.toBeNull()
})

test('without an organization the own ones list, functions answer, and tables say that none is active', async () => {
  const none = lite.tab(person, null)
  const { data } = await none.from('organization_members').select('role, organization_id').eq('user_id', person)
  expect(data?.map(({ organization_id }) => String(organization_id)).sort()).toEqual(
    [worlds.a.organizationId, worlds.b.organizationId].sort(),
  )
  expect((await none.from('organizations').select('id')).data).toHaveLength(2)
  expect((await none.rpc('is_org_member', { org_id: worlds.a.organizationId })).data).toBe(true)
  expect((await none.rpc('get_user_organizations')).data).toHaveLength(2)
  expect((await none.from('projects').select()).error?.message).toMatch(/No organization is active/)
})

test('the peer answers on loopback under /rest/v1 and nowhere else', async () => {
  expect(new URL(lite.url).hostname).toBe('127.0.0.1')
  for (const path of ['/_system/info', '/auth/v1/settings', '/storage/v1/bucket', '/', '/rest/v2/projects']) {
    expect([path, (await fetch(lite.url + path)).status]).toEqual([path, 404])
  }
})
