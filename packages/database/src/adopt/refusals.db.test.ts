// What adopt refuses before it changes anything, and what stops it half way so that nothing is lost.
import { randomUUID } from 'node:crypto'
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { adopt, planAdoption, undoAdoption } from './adopt.ts'
import type { AdoptRun } from './adopt.ts'
import type { AdoptOptions } from './options.ts'
import { createOrganizations, createShop, fingerprint, shopOptions, shopTables, tenant } from './test-shop.ts'

const database = useTestDatabase()
let admin: Client
beforeAll(async () => {
  await createTwoWorlds(database())
  admin = new Client(database().adminUrl)
  await admin.connect()
  await createOrganizations(admin)
})
afterAll(() => admin.end())
beforeEach(async () => {
  await admin.query('reset search_path')
  await createShop(admin)
  await admin.query('drop schema if exists yard cascade; create schema yard; set search_path = yard')
})

const yes: AdoptRun = { confirm: () => Promise.resolve(true), pace: { rest: 0 } }
const withRunner = <Result>(use: (runner: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().adminUrl, use)
const shop = (changes: Partial<AdoptOptions> = {}, run: AdoptRun = yes) =>
  withRunner((runner) => adopt(runner, { ...shopOptions(), ...changes }, run))

describe('before it changes anything, it refuses', () => {
  it.each<[string, string, Partial<AdoptOptions>, string]>([
    ['a view', 'create view bad as select 1 as id', {}, 'adopt_not_a_table'],
    ['a materialized view', 'create materialized view bad as select 1 as id', {}, 'adopt_not_a_table'],
    [
      'a partitioned table',
      'create table bad (id int primary key, t uuid) partition by list (id)',
      {},
      'adopt_not_a_table',
    ],
    [
      'a partition',
      'create table p (id int, t uuid) partition by list (id); create table bad partition of p default',
      {},
      'adopt_not_a_table',
    ],
    [
      'a parent of others',
      'create table bad (id int primary key, t uuid); create table c () inherits (bad)',
      {},
      'adopt_not_a_table',
    ],
    ['no table at all', 'select', {}, 'adopt_not_a_table'],
    ['a table without primary key', 'create table bad (id int, t uuid)', {}, 'adopt_key_unsupported'],
    [
      'an exclusion constraint',
      'create table bad (id int primary key, t uuid, r int4range, exclude using gist (r with &&))',
      {},
      'adopt_key_unsupported',
    ],
    [
      'a view that leans on the key',
      'create table bad (id int primary key, t uuid); create view v as select id, t from bad group by id',
      {},
      'adopt_key_unsupported',
    ],
    [
      'a foreign key that would null organization_id',
      'create table bad (id int primary key, t uuid, up int references bad on update set null)',
      {},
      'adopt_key_unsupported',
    ],
    [
      'organization_id of another type',
      'create table bad (id int primary key, t uuid, organization_id text)',
      {},
      'adopt_column_taken',
    ],
    [
      'organization_id that is generated',
      'create table bad (id int primary key, t uuid, organization_id uuid generated always as (t) stored)',
      {},
      'adopt_column_taken',
    ],
    [
      'a table in a publication',
      'create table bad (id int primary key, t uuid); create publication sent for table bad',
      {},
      'adopt_published',
    ],
    [
      'a child that is not named',
      'create table bad (id int primary key, t uuid); create table child (id int primary key, bad int references bad)',
      {},
      'adopt_children_missing',
    ],
    [
      'nothing that says whose the rows are',
      'create table bad (id int primary key, t uuid)',
      { from: {} },
      'adopt_source_missing',
    ],
    [
      'a parent that is no reference',
      'create table bad (id int primary key, t uuid)',
      { from: {}, parent: { 'yard.bad': 't' } },
      'adopt_source_missing',
    ],
    ['an expression of no such column', 'create table bad (id int primary key)', {}, 'adopt_expression_invalid'],
    ['an expression of another type', 'create table bad (id int primary key, t int)', {}, 'adopt_expression_invalid'],
    [
      'an expression that answers differently each time',
      'create table bad (id int primary key)',
      { from: { 'yard.bad': 'gen_random_uuid()' } },
      'adopt_expression_invalid',
    ],
    [
      'two statements in an expression',
      'create table bad (id int primary key, t uuid)',
      { from: { 'yard.bad': 't) as organization_id from yard.bad; drop table yard.bad; select (t' } },
      'adopt_expression_invalid',
    ],
    [
      'an expression over a generated column',
      'create table bad (id int primary key, t uuid, g uuid generated always as (t) stored)',
      { from: { 'yard.bad': 'g' } },
      'adopt_expression_invalid',
    ],
    [
      'an organization for orphans that is none',
      'create table bad (id int primary key, t uuid)',
      { orphansTo: randomUUID() },
      'organization_not_found',
    ],
    [
      'orphans to what is no id',
      'create table bad (id int primary key, t uuid)',
      { orphansTo: 'acme' },
      'invalid_option',
    ],
    [
      'from for another table',
      'create table bad (id int primary key, t uuid)',
      { from: { other: 't' } },
      'invalid_option',
    ],
  ])('%s', async (_, statements, changes, code) => {
    await admin.query(statements)
    const before = await fingerprint(admin, 'yard')
    const options = { tables: ['yard.bad'], from: { 'yard.bad': 't' }, ...changes }
    await expect(withRunner((runner) => adopt(runner, options, yes))).rejects.toMatchObject({ code })
    expect(await fingerprint(admin, 'yard')).toEqual(before)
    await admin.query('drop publication if exists sent')
    expect((await admin.query("select from rowhouse.adoptions where state = 'running'")).rowCount).toBe(0)
  })

  it('a child that is not named, with the command that names it', async () => {
    await expect(
      withRunner((runner) => adopt(runner, { tables: ['shop.accounts'], from: { 'shop.accounts': 'tenant_id' } }, yes)),
    ).rejects.toMatchObject({ code: 'adopt_children_missing', hint: expect.stringContaining(`'shop."Odd ""deals"""'`) })
  })

  it('logins that may not: the runtime, the catalogue, and a migrator that does not own the table', async () => {
    for (const url of [database().appUrl, database().controlUrl, database().migratorUrl])
      await withClient(url, async (client) => {
        await expect(planAdoption(client, shopOptions())).rejects.toMatchObject({ code: 'login_lacks_privilege' })
      })
  })

  it('undo of what never began', async () => {
    await expect(withRunner((runner) => undoAdoption(runner, shopTables()))).rejects.toMatchObject({
      code: 'adopt_nothing_to_undo',
    })
  })
})

describe('half way, it stops', () => {
  it('at rows of no known organization, with their count and keys; mended, it goes on', async () => {
    await admin.query(
      `insert into shop.accounts (tenant_id, name) values (gen_random_uuid(), 'stray 1'), (gen_random_uuid(), 'stray 2')`,
    )
    await expect(shop()).rejects.toMatchObject({
      code: 'adopt_orphans',
      details: {
        table: 'shop.accounts',
        count: 2,
        examples: [{ key: { id: expect.any(String) } }, { key: { id: expect.any(String) } }],
      },
    })
    const { rows } = await admin.query(
      'select count(*)::int as filled from shop.accounts where organization_id is not null',
    )
    expect(rows).toEqual([{ filled: 30 }])
    await admin.query(`update shop.accounts set tenant_id = '${tenant(1)}' where name like 'stray%'`)
    expect((await shop()).state).toBe('done')
  })

  it('at orphans, unless it is told whom to give them to; then both columns say so', async () => {
    await admin.query(`insert into shop.notes (body) values ('nobody''s')`)
    await expect(shop()).rejects.toMatchObject({ code: 'adopt_orphans', details: { table: 'shop.notes', count: 1 } })
    expect((await shop({ orphansTo: tenant(2) })).state).toBe('done')
    const { rows } = await admin.query(`select organization_id from shop.notes where body = 'nobody''s'`)
    expect(rows).toEqual([{ organization_id: tenant(2) }])
  })

  it('at an expression that fails on a row, with the pages; mended, it goes on', async () => {
    await admin.query(
      `create table bad (id int primary key, t text); insert into bad values (1, '${tenant(1)}'), (2, 'none')`,
    )
    const options = { tables: ['yard.bad'], from: { 'yard.bad': 't' } }
    await expect(withRunner((runner) => adopt(runner, options, yes))).rejects.toMatchObject({
      code: 'adopt_expression_failed',
      details: { sqlstate: '22P02' },
    })
    await admin.query(`update yard.bad set t = '${tenant(2)}' where id = 2`)
    await admin.query('grant usage, create on schema yard to rowhouse_owner')
    expect((await withRunner((runner) => adopt(runner, options, yes))).state).toBe('done')
  })

  it('at a lock that nobody lets go, naming who holds it', async () => {
    await withClient(database().adminUrl, async (holder) => {
      await holder.query("set application_name = 'a long report'; begin; select from shop.accounts")
      await expect(shop({}, { ...yes, pace: { lockWaitMaxMs: 100, lockTimeoutMs: 10 } })).rejects.toMatchObject({
        code: 'adopt_lock_timeout',
        details: { holders: [{ application: 'a long report' }] },
      })
      await holder.query('rollback')
    })
    expect((await shop()).state).toBe('done')
  })

  it('when it is begun again with other words, or with other tables', async () => {
    await shop({}, {})
    await expect(shop({ from: { 'shop.accounts': 'parent_id' } })).rejects.toMatchObject({
      code: 'adopt_options_differ',
    })
    await expect(shop({ tables: ['shop.notes'], from: {}, parent: {} })).rejects.toMatchObject({
      code: 'adopt_options_differ',
      hint: expect.stringContaining('shop.accounts'),
    })
    expect((await withRunner((runner) => undoAdoption(runner, shopTables()))).state).toBe('undone')
  })

  it('before triggers of the table that it cannot hold back, unless they may fire', async () => {
    await admin.query(`create function yard.touch() returns trigger language plpgsql as $$ begin new.touched := 1; return new; end $$;
      create table mine (id int primary key, t uuid not null, touched int); insert into mine values (1, '${tenant(1)}');
      create trigger touch before update on mine for each row execute function yard.touch();
      alter table mine owner to rowhouse_owner; alter schema yard owner to rowhouse_owner`)
    const options = { tables: ['yard.mine'], from: { 'yard.mine': 't' } }
    const asMigrator = (changes: Partial<AdoptOptions>) =>
      withClient(database().migratorUrl, (client) => adopt(client, { ...options, ...changes }, yes))
    await expect(asMigrator({})).rejects.toMatchObject({
      code: 'adopt_triggers_fire',
      details: { triggers: ['touch'] },
    })
    expect((await asMigrator({ fireTriggers: true })).state).toBe('done')
    expect((await admin.query('select touched from yard.mine')).rows).toEqual([{ touched: 1 }])
  })

  it('and as a superuser it holds them back', async () => {
    await admin.query(`create function shop.touch() returns trigger language plpgsql as $$ begin new.name := 'touched'; return new; end $$;
      create trigger touch before update on shop.accounts for each row execute function shop.touch()`)
    expect((await shop()).state).toBe('done')
    expect((await admin.query("select from shop.accounts where name = 'touched'")).rowCount).toBe(0)
  })
})
