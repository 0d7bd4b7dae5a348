// The change log follows its table: to another name, another schema, other columns, in the command that changes them.
import { dropHomes, makeHomes, sqlstateOf, withClient, withGuard } from '@rowhouse/testkit'
import { afterAll, describe, expect, it } from 'vitest'

import { act, useTables } from './test-tables.ts'

const tables = useTables()
afterAll(() => dropHomes(tables().database))

const write = (statement: string): Promise<unknown> => act(tables(), tables().worlds.a, (app) => app.query(statement))
const migrate = (statement: string): Promise<unknown> => tables().migrator.query(statement)

/** The last lines of the log as `action schema.table record`, oldest first. */
const lines = (count: number): Promise<string[]> =>
  withClient(tables().database.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ line: string }>(
      `select format('%s %s.%s %s', action, table_schema, table_name, record_id) as line
       from rowhouse.change_log order by seq desc limit $1`,
      [count],
    )
    return rows.map(({ line }) => line).toReversed()
  })
const lastExact = (): Promise<unknown> =>
  withClient(tables().database.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ exact: unknown }>(
      'select new_exact as exact from rowhouse.change_log order by seq desc limit 1',
    )
    return rows[0]?.exact
  })
/** What a transaction does, or its SQLSTATE, with the mend taken away; nothing stays of it. */
const withoutMend = (use: (query: (text: string) => Promise<unknown>) => Promise<unknown>): Promise<unknown> =>
  withClient(tables().database.migratorUrl, async (migrator) => {
    await migrator.query(`begin; set local search_path = shop; set local role rowhouse_owner;
      create or replace function rowhouse.bring_log_up(target oid, renamed int) returns void
        language plpgsql set search_path = pg_catalog, pg_temp as 'begin end';
      reset role`)
    const result = await use((text) => migrator.query(text))
    await migrator.query('rollback')
    return result
  })
const organization = (): string => tables().worlds.a.organizationId

describe('the change log of a table', () => {
  it('that is renamed or moved has its new name', async () => {
    await migrate('create table items (id int primary key, n int)')
    await tables().protect('items')
    await write('insert into items (id, n) values (1, 0)')
    await migrate('alter table items rename to goods')
    await write('update goods set n = 1')
    await migrate(
      'set role rowhouse_owner; create schema "Other"; grant usage on schema "Other" to rowhouse_app; reset role',
    )
    await migrate(`alter table goods set schema "Other"`)
    await write('update "Other".goods set n = 2')
    await migrate('set role rowhouse_owner; alter schema "Other" rename to further; reset role')
    await write('delete from further.goods')
    await migrate(
      `insert into further.goods (organization_id, id) values ('${organization()}', 2); truncate further.goods`,
    )
    expect(await lines(6)).toEqual([
      'insert shop.items 1',
      'update shop.goods 1',
      'update Other.goods 1',
      'delete further.goods 1',
      'insert further.goods 2',
      'truncate further.goods 2',
    ])
    expect(await tables().findings()).toEqual([])
    await migrate('drop schema further cascade')
  })

  it('has the key under its new name; without the mend the write of a tenant fails', async () => {
    await migrate('create table items (code text primary key, n int); create table plain (id int primary key, n int)')
    for (const table of ['items', 'plain']) await tables().protect(table)
    const insert = `insert into items (organization_id, name, n) values ('${organization()}', 'a', 0)`
    expect(
      await withoutMend(async (query) => {
        await query('alter table items rename code to name')
        return sqlstateOf(query(insert))
      }),
    ).toBe('23502')
    await migrate('alter table items rename code to name; alter table plain rename column id to number')
    await write("insert into items (name, n) values ('a', 0); insert into plain (number, n) values (1, 0)")
    await write('update items set n = 1; update plain set n = 1')
    await write('delete from items; delete from plain')
    expect(await lines(6)).toEqual([
      'insert shop.items a',
      'insert shop.plain 1',
      'update shop.items a',
      'update shop.plain 1',
      'delete shop.items a',
      'delete shop.plain 1',
    ])
    await migrate(
      'alter table items add column other text not null default 7, drop constraint items_pkey, add primary key (organization_id, other)',
    )
    await write("insert into items (name) values ('b')")
    expect(await lines(1)).toEqual(['insert shop.items 7'])
  })

  it('keeps JSON null of a column that was added, retyped, renamed, or came with others; without the mend it is lost', async () => {
    await migrate('create table items (id int primary key, n text)')
    await tables().protect('items')
    const insert = (column: string, id: number): string =>
      `insert into items (organization_id, id, ${column}) values ('${organization()}', ${id}, 'null')`
    const add = 'alter table items add column body jsonb'
    expect(
      await withoutMend(async (query) => {
        await query(add)
        await query(insert('body', 1))
        return query('select new_exact as exact from rowhouse.change_log order by seq desc limit 1')
      }),
    ).toMatchObject({ rows: [{ exact: null }] })
    await migrate(add)
    await migrate(insert('body', 1))
    expect(await lastExact()).toEqual({ body: 'null' })
    await migrate('alter table items rename body to text')
    await migrate(insert('text', 2))
    expect(await lastExact()).toEqual({ text: 'null' })
    await migrate('alter table items drop column text, alter n type json using n::json')
    await migrate(insert('n', 3))
    expect(await lastExact()).toEqual({ n: 'null' })
    await migrate('alter table items add column place serial, add column more json')
    await migrate(insert('more', 4))
    expect(await lastExact()).toEqual({ more: 'null' })
    // What only holds values that JSON says exactly leaves the triggers alone.
    const made = async (): Promise<unknown> =>
      (await tables().migrator.query("select xmin, oid from pg_trigger where tgrelid = 'items'::regclass order by oid"))
        .rows
    const before = await made()
    await migrate(
      'alter table items add column plain int, add column "when" timestamptz; alter table items alter plain set default 1',
    )
    expect(await made()).toEqual(before)
  })

  it('hides a column under its new name, also where another takes the old one', async () => {
    await migrate('create table items (id int primary key, secret text, n text)')
    await tables().protect('items', { mask: ['secret'] })
    await migrate('begin; alter table items rename secret to hidden; alter table items rename n to secret; commit')
    await write("insert into items (id, hidden, secret) values (1, 'open sesame', 'said')")
    const last = async (): Promise<unknown> =>
      withClient(
        tables().database.adminUrl,
        async (admin) =>
          (await admin.query<{ new: unknown }>('select new from rowhouse.change_log order by seq desc limit 1')).rows[0]
            ?.new,
      )
    expect(await last()).toMatchObject({ hidden: '***', secret: 'said' })
    // A hidden column that is gone may have come back as any other: writes wait for protect.
    await migrate('alter table items drop column hidden; alter table items rename secret to anything')
    expect(await sqlstateOf(write("insert into items (id, anything) values (2, 'open sesame')"))).toBe('RH023')
    await tables().protect('items', { mask: ['anything'] })
    await write("insert into items (id, anything) values (2, 'open sesame')")
    expect(await last()).toMatchObject({ anything: '***' })
  })

  it('that is partitioned, and of each partition', async () => {
    await migrate(`create table stages (id int, at date, n int, primary key (id, at)) partition by range (at);
      create table stages_1 partition of stages for values from ('2026-01-01') to ('2027-01-01')`)
    await tables().protect('stages')
    await migrate(
      'alter table stages rename to steps; alter table steps rename column id to number; alter table steps add column body jsonb',
    )
    await write(`insert into steps (number, at, body) values (1, '2026-02-02', 'null')`)
    expect(await lastExact()).toEqual({ body: 'null' })
    await write('update steps set n = 1')
    await migrate('truncate stages_1')
    expect(await lines(3)).toEqual([
      'insert shop.steps [1, "2026-02-02"]',
      'update shop.steps [1, "2026-02-02"]',
      'truncate shop.steps [1, "2026-02-02"]',
    ])
    expect(await tables().findings()).toEqual([])
  })

  it('in a home of its own', async () => {
    const [home] = await makeHomes(tables().database, 1)
    if (home === undefined) throw new Error('There is no home.')
    await migrate(`set role rowhouse_owner; set search_path = ${home.schemaName}; create table items (code int primary key, n int);
      select rowhouse.protect('items'); alter table items rename to goods; alter table goods rename column code to number; reset role;
      insert into goods (organization_id, number) values ('${home.organizationId}', 1); update goods set n = 1; set search_path = shop`)
    expect(await lines(2)).toEqual([`insert ${home.schemaName}.goods 1`, `update ${home.schemaName}.goods 1`])
  })

  it('follows whoever owns the guard may alter; where it cannot, the command is refused and nothing is changed', async () => {
    await migrate('create table items (id int primary key)')
    await tables().protect('items')
    await withGuard(tables().database.adminUrl, async (admin) => {
      await admin.query('alter table shop.items rename to goods')
      await admin.query('create schema closed')
      const refused = admin.query('alter table shop.goods set schema closed')
      await expect(refused).rejects.toMatchObject({
        code: 'RH042',
        hint: 'Run it again after: grant usage on schema closed to rowhouse_owner',
      })
      // A partition of somebody else's, until protect makes it the owner's.
      await admin.query(`create table shop.stages (id int, at date, primary key (id, at)) partition by range (at);
        select rowhouse.protect('shop.stages');
        create table shop.stages_1 partition of shop.stages for values from ('2026-01-01') to ('2027-01-01')`)
      await expect(admin.query('alter table shop.stages rename to steps')).rejects.toMatchObject({
        code: 'RH042',
        hint: expect.stringContaining("rowhouse.protect('shop.stages')"),
      })
      await admin.query("select rowhouse.protect('shop.stages'); alter table shop.stages rename to steps")
      await admin.query('drop schema closed')
    })
    await write('insert into goods (id) values (1)')
    expect(await lines(1)).toEqual(['insert shop.goods 1'])
  })
})
