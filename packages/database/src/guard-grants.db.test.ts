// GRANT, which names nothing to an event trigger: the guard finds what it changed, wherever that is.
import { sqlstateOf, withGuard } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { expect, it } from 'vitest'

import { useTables } from './test-tables.ts'

const tables = useTables()

/** A superuser whose event triggers fire, in the schema shop. */
const asGuardedSuperuser = <Result>(use: (client: Client) => Promise<Result>): Promise<Result> =>
  withGuard(tables().database.adminUrl, async (client) => {
    await client.query('set search_path = shop')
    return use(client)
  })

/** `items` is protected, `fresh` is not. */
async function makeShop(): Promise<void> {
  const { migrator, protect } = tables()
  await migrator.query('create table items (id int primary key, n int); create table fresh (id int primary key)')
  await protect('items')
}

it.each([
  [
    'by its whole name, from elsewhere',
    'set local search_path = pg_catalog; grant select on shop.fresh to rowhouse_app',
  ],
  ['with all of its schema', 'grant select on all tables in schema shop to anon'],
  ['to everybody', 'grant select on fresh to public'],
  ['twice in one statement', 'grant select on fresh, fresh to rowhouse_app'],
  ['beside one that is fine', 'grant select on seen, fresh to rowhouse_app'],
  ['a column of it beside one that is fine', 'grant select (id) on seen, fresh to rowhouse_app'],
  ['in a body', `do $$ begin execute 'grant select on fresh to rowhouse_app'; end $$`],
  ['after one that was fine', 'grant select on seen to anon; grant select on fresh to anon'],
  ['with a privilege that adds to another', 'grant select on countries to anon; grant insert on countries to anon'],
  ['where nobody counts', 'set local track_counts = off; grant select on fresh to rowhouse_app'],
  [
    'of a table that was made in the same transaction',
    'create table made (id int); set local search_path = pg_catalog; grant select on shop.made to rowhouse_app',
  ],
])('is refused when it is granted %s', async (_, statement) => {
  await makeShop()
  await tables().migrator.query(`create table countries (id int);
    select rowhouse.share('countries', 'the same for all');
    create view seen with (security_invoker = true) as select id from items`)
  await asGuardedSuperuser(async (client) => {
    const grant = async (): Promise<string> => {
      await client.query('begin')
      const done = await sqlstateOf(client.query(statement))
      await client.query('rollback')
      return done
    }
    expect(await grant()).toBe('RH043')
    // Without the note of what there was before, all of the catalogue is read, and says the same.
    await client.query('alter event trigger rowhouse_guard_0_grant disable')
    expect(await grant()).toBe('RH043')
    await client.query('alter event trigger rowhouse_guard_0_grant enable')
  })
})

it('would pass when it is granted elsewhere, if what was found were taken for all', async () => {
  await makeShop()
  await asGuardedSuperuser(async (client) => {
    await client.query('begin')
    await client.query(`create or replace function rowhouse.granted_relations() returns setof oid language sql
      as 'select p.relation from rowhouse.privileges_in(current_schemas(false)) p limit 0'`)
    const grant = 'set local search_path = pg_catalog; grant select on shop.fresh to rowhouse_app'
    expect(await sqlstateOf(client.query(grant))).toBe('done')
    await client.query('rollback')
  })
})
