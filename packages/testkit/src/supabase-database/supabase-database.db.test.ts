// The fixture is what it says: each line here is a fact of Supabase that other tests lean on.
import { expect, test } from 'vitest'

import { sqlstateOf } from '../outcome.ts'
import { createTwoWorlds } from '../two-worlds.ts'
import { withClient } from '../test-database.ts'
import { useSupabaseDatabase } from './supabase-database.ts'

const database = useSupabaseDatabase()

test('postgres is no superuser, owns the database, and bypasses row security', async () => {
  await withClient(database().postgresUrl, async (postgres) => {
    const { rows } = await postgres.query(
      `select rolsuper, rolcreaterole, rolcreatedb, rolbypassrls,
         (select pg_get_userbyid(datdba) from pg_database where datname = current_database()) as owner
       from pg_roles where rolname = current_user`,
    )
    expect(rows).toEqual([
      { rolsuper: false, rolcreaterole: true, rolcreatedb: true, rolbypassrls: true, owner: 'postgres' },
    ])
    expect(await sqlstateOf(postgres.query('set session authorization authenticator'))).toBe('42501')
    await postgres.query("alter role authenticator set pgrst.db_pre_request = 'rowhouse.pre_request'")
    expect(
      await sqlstateOf(
        postgres.query('create event trigger mine on sql_drop execute function extensions.pgrst_drop_watch()'),
      ),
    ).toBe('42501')
  })
})

test('a table that postgres makes in public is open to anon, authenticated and service_role', async () => {
  await withClient(database().postgresUrl, async (postgres) => {
    await postgres.query('create table public.open_to_all (id int)')
    const { rows } = await postgres.query<{ grantee: string }>(
      `select distinct grantee from information_schema.role_table_grants
       where table_name = 'open_to_all' and privilege_type = 'TRUNCATE' order by grantee`,
    )
    expect(rows.map(({ grantee }) => grantee)).toEqual(['anon', 'authenticated', 'postgres', 'service_role'])
  })
})

test('authenticator may become the three roles of requests and inherits none of them', async () => {
  await withClient(database().authenticatorUrl, async (gateway) => {
    for (const role of ['anon', 'authenticated', 'service_role']) {
      expect(await sqlstateOf(gateway.query(`set role ${role}`))).toBe('done')
    }
    expect(await sqlstateOf(gateway.query('set role postgres'))).toBe('42501')
    await gateway.query('reset role')
    expect(await sqlstateOf(gateway.query('select from storage.objects'))).toBe('42501')
  })
})

test('Rowhouse installed by postgres serves two worlds on it', async () => {
  const { a, b } = await createTwoWorlds(database())
  await withClient(database().appUrl, async (app) => {
    for (const world of [a, b]) {
      await app.query('begin')
      await world.enter(app)
      const { rows } = await app.query('select count(*)::int as n from notes')
      await app.query('rollback')
      expect(rows).toEqual([{ n: 3 }])
    }
  })
})
