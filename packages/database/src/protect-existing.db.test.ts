// Tables as applications bring them: in a schema of their own login, and with columns that get other names later.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import { expect, it } from 'vitest'

const database = useTestDatabase()

it('holds foreign keys of tenants, whoever owned it; without USAGE for the owner of the tables it would not', async () => {
  const { a } = await createTwoWorlds(database())
  await withClient(database().adminUrl, async (admin) => {
    await admin.query(`
      create schema theirs;
      create table theirs.parents (id uuid primary key default gen_random_uuid());
      create table theirs.children (id uuid primary key default gen_random_uuid(), parent uuid references theirs.parents);
      select rowhouse.protect('theirs.parents'); select rowhouse.protect('theirs.children')`)
    const insert = () =>
      withClient(database().appUrl, async (app) => {
        await app.query('begin')
        await app.query('select rowhouse.enter($1)', [a.token()])
        await app.query('insert into theirs.parents default values')
        await app.query('insert into theirs.children (parent) select id from theirs.parents')
        await app.query('commit')
      })
    await insert()
    await admin.query('revoke usage on schema theirs from rowhouse_owner')
    await expect(insert()).rejects.toMatchObject({ message: 'permission denied for schema theirs' })
  })
})

it('is in no line: the write is refused until protect knows the name', async () => {
  const { a } = await createTwoWorlds(database())
  await withClient(database().adminUrl, async (admin) => {
    await admin.query(`
      create table secrets (id int primary key, secret text);
      select rowhouse.protect('secrets', '{"mask": ["secret"]}');
      alter table secrets rename secret to password`)
    const write = (id: number) =>
      admin.query("insert into secrets (organization_id, id, password) values ($1, $2, 'open sesame')", [
        a.organizationId,
        id,
      ])
    await expect(write(1)).rejects.toMatchObject({ code: 'RH023', message: expect.stringContaining('hides secret') })
    await admin.query(`select rowhouse.protect('secrets', '{"mask": ["password"]}')`)
    await write(1)
    const lines = async () =>
      (await admin.query<{ new: string }>("select new::text from rowhouse.change_log where table_name = 'secrets'"))
        .rows
    expect(JSON.stringify(await lines())).not.toContain('sesame')
    // Without the guard the name of yesterday hides nothing.
    await admin.query(`select rowhouse.protect('secrets', '{"mask": []}')`)
    await write(2)
    expect(JSON.stringify(await lines())).toContain('sesame')
  })
})
