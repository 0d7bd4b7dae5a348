// The change log follows a table that Supabase's postgres alters, which is no superuser.
import { createTwoWorlds, useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import { expect, it } from 'vitest'

const database = useSupabaseDatabase()

it('that postgres renames, moves, and gives other columns', async () => {
  const { a } = await createTwoWorlds(database())
  // On Supabase's own servers postgres may do this; here a superuser does it.
  await withClient(database().adminUrl, (admin) => admin.query('select rowhouse.install_guard()'))
  await withClient(database().postgresUrl, async (postgres) => {
    await postgres.query('create table items (code int primary key)')
    await postgres.query("select rowhouse.protect('items')")
    await postgres.query('alter table items rename to goods')
    await postgres.query('alter table goods rename code to number')
    await postgres.query('alter table goods add column body jsonb')
  })
  const write = (table: string, number: number): Promise<unknown> =>
    withClient(database().appUrl, async (app) => {
      await app.query('begin')
      await a.enter(app)
      await app.query(`insert into ${table} (number, body) values (${number}, 'null')`)
      await app.query('commit')
    })
  await write('goods', 1)
  await withClient(database().postgresUrl, async (postgres) => {
    await postgres.query('create schema further')
    await postgres.query('grant usage on schema further to rowhouse_owner, rowhouse_app')
    await postgres.query('alter table goods set schema further')
  })
  await write('further.goods', 2)
  const { rows } = await withClient(database().adminUrl, (admin) =>
    admin.query(
      'select table_schema, table_name, record_id, new_exact from rowhouse.change_log order by seq desc limit 2',
    ),
  )
  expect(rows).toEqual([
    { table_schema: 'further', table_name: 'goods', record_id: '2', new_exact: { body: 'null' } },
    { table_schema: 'public', table_name: 'goods', record_id: '1', new_exact: { body: 'null' } },
  ])
})
