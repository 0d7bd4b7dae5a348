// The mirror of people: every member is in it, it follows auth.users, and no row of a tenant goes with a person.
import { randomUUID } from 'node:crypto'
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
let admin: Client
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  admin = new Client({ connectionString: database().adminUrl })
  await admin.connect()
})
afterAll(() => admin?.end())

const control = (statement: string, values: readonly unknown[] = []): Promise<{ rows: Record<string, unknown>[] }> =>
  withClient(database().controlUrl, (client) => client.query(statement, [...values]))
const seen = async (id: string): Promise<unknown> =>
  (await control('select email, name, deleted_at is not null as deleted from rowhouse.users where id = $1', [id]))
    .rows[0]
const memberships = async (id: string): Promise<number> =>
  (await control('select from rowhouse.members where user_id = $1', [id])).rows.length

describe('rowhouse.users', () => {
  it('has a row for every member, also of one who has not signed in; without the trigger there is no member', async () => {
    expect(await seen(worlds.a.memberId)).toEqual({ email: null, name: null, deleted: false })
    const add = 'insert into rowhouse.members (organization_id, user_id, role) values ($1, gen_random_uuid(), $2)'
    const values = [worlds.a.organizationId, 'viewer']
    await admin.query('begin')
    await admin.query(add, values)
    await admin.query('alter table rowhouse.members disable trigger name_user')
    expect(await sqlstateOf(admin.query(add, values))).toBe('23503')
    await admin.query('rollback')
  })

  it('forgets a person and keeps what the person made', async () => {
    const user = randomUUID()
    await control("insert into rowhouse.users (id, email, name) values ($1, 'p@p.example', 'P')", [user])
    await control("insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member')", [
      worlds.a.organizationId,
      user,
    ])
    await withClient(database().migratorUrl, (migrator) =>
      migrator.query(
        'create table authored (id int primary key, author uuid default rowhouse.user_id() references rowhouse.users)',
      ),
    )
    await withClient(database().migratorUrl, (migrator) => migrator.query("select rowhouse.protect('authored')"))
    await withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await worlds.a.enter(app, { user })
      await app.query('insert into authored (id) values (1)')
      await app.query('commit')
    })
    await control('select rowhouse.forget_user($1)', [user])
    expect(await seen(user)).toEqual({ email: null, name: null, deleted: true })
    expect(await memberships(user)).toBe(0)
    expect(await sqlstateOf(control('delete from rowhouse.users where id = $1', [user]))).toBe('23503')
    expect((await admin.query('select author from authored')).rows).toEqual([{ author: user }])
    await withClient(database().appUrl, async (app) => {
      expect(await sqlstateOf(app.query('select rowhouse.forget_user($1)', [user]))).toBe('42501')
    })
  })
})

describe('the mirror of auth.users', () => {
  const old = randomUUID()
  beforeAll(async () => {
    await admin.query(`
      drop role if exists auth_keeper;
      create role auth_keeper;
      create schema auth;
      create table auth.users (id uuid primary key, email text, raw_user_meta_data jsonb);
      grant usage on schema auth to auth_keeper;
      grant all on auth.users to auth_keeper`)
    await admin.query(`insert into auth.users values ($1, 'old@a.example', '{"name": "Old"}')`, [old])
  })
  afterAll(async () => {
    await admin.query('drop schema auth cascade; drop role auth_keeper')
  })
  const mirror = async (): Promise<unknown[]> =>
    (await admin.query<{ line: string }>('select rowhouse.mirror_auth_users() as line')).rows.map(({ line }) => line)
  const codes = async (): Promise<unknown[]> =>
    (await admin.query("select code from rowhouse.findings() where object = 'auth.users'")).rows

  it('is missing until it is made, copies who is there, and a second time finds nothing to do', async () => {
    expect(await codes()).toEqual([{ code: 'users_not_mirrored' }])
    await withClient(database().migratorUrl, async (migrator) => {
      expect(await sqlstateOf(migrator.query('select rowhouse.mirror_auth_users()'))).toBe('RH036')
    })
    expect(await mirror()).toEqual(['auth.users is mirrored', 'copied 1 users'])
    expect(await mirror()).toEqual([])
    expect(await seen(old)).toEqual({ email: 'old@a.example', name: 'Old', deleted: false })
    expect(await codes()).toEqual([])
  })

  it('follows sign-up, change and deletion by a role that has no right in rowhouse', async () => {
    const user = randomUUID()
    await admin.query('set role auth_keeper')
    await admin.query(`insert into auth.users values ($1, 'n@a.example', '{"full_name": "New"}')`, [user])
    expect(await seen(user)).toEqual({ email: 'n@a.example', name: 'New', deleted: false })
    await control("insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member')", [
      worlds.a.organizationId,
      user,
    ])
    await admin.query(`update auth.users set email = 'm@a.example', raw_user_meta_data = '7' where id = $1`, [user])
    expect(await seen(user)).toEqual({ email: 'm@a.example', name: null, deleted: false })
    await admin.query('delete from auth.users where id = $1', [user])
    expect(await seen(user)).toEqual({ email: null, name: null, deleted: true })
    expect(await memberships(user)).toBe(0)
    await admin.query(`insert into auth.users values ($1, null, null)`, [user])
    expect(await seen(user)).toEqual({ email: null, name: null, deleted: false })
    await admin.query('reset role')
  })

  it('comes back after a restore without the schema auth', async () => {
    await admin.query('drop trigger rowhouse_mirror_user on auth.users')
    const user = randomUUID()
    await admin.query(`insert into auth.users values ($1, 'late@a.example', null)`, [user])
    expect(await codes()).toEqual([{ code: 'users_not_mirrored' }])
    expect(await mirror()).toEqual(['auth.users is mirrored', 'copied 1 users'])
    expect(await seen(user)).toEqual({ email: 'late@a.example', name: null, deleted: false })
  })
})
