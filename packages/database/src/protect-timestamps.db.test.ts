// The option timestamps: what the database keeps, and that a person cannot tell it otherwise.
import { createHash, randomUUID } from 'node:crypto'
import { withClient } from '@rowhouse/testkit'
import type { Claims } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { describe, expect, it } from 'vitest'

import { act, useTables } from './test-tables.ts'

const tables = useTables()

const sealed = async (statement: string, values: readonly unknown[] = [], claims?: Claims): Promise<unknown[]> =>
  act(
    tables(),
    tables().worlds.a,
    async (app: Client) => (await app.query<Record<string, unknown>>(statement, [...values])).rows,
    claims,
  )
const member = (): Claims => ({ user: tables().worlds.a.memberId })
const shown = `select id, n, created_by, created_at > '2001-01-01' as now_created, updated_at > created_at as changed from items order by id`

describe('timestamps', () => {
  it('are added when asked for, and only then', async () => {
    const { migrator, protect } = tables()
    await migrator.query('create table items (id int primary key)')
    await protect('items')
    const columns = async (): Promise<unknown> =>
      (await migrator.query("select from pg_attribute where attrelid = 'items'::regclass and attname ~ '_(at|by)$'"))
        .rowCount
    expect(await columns()).toBe(0)
    expect(await protect('items', { timestamps: true })).toEqual([
      'added created_at',
      'added updated_at',
      'added created_by',
      'created_by refers to rowhouse.users',
      'created_at, updated_at and created_by are kept',
    ])
    expect(await protect('items', { timestamps: true })).toEqual([])
    expect(await protect('items')).toEqual([])
    expect(await protect('items', { timestamps: false })).toEqual([
      'created_at, updated_at and created_by are no longer kept',
    ])
    expect(await columns()).toBe(3)
  })

  it('are what the database says, whatever a person sends; without the trigger they would be forged', async () => {
    const { migrator, protect, worlds, database } = tables()
    await migrator.query('create table items (id int primary key, n int)')
    await protect('items', { timestamps: true })
    const forge = `insert into items (id, created_by, created_at, updated_at) values ($1, $2, '2000-01-01', '2000-01-01')`
    await sealed(forge, [1, worlds.a.ownerId], member())
    await sealed(forge, [2, null], member())
    const mine = { created_by: worlds.a.memberId, n: null, now_created: true, changed: false }
    expect(await sealed(shown)).toEqual([
      { id: 1, ...mine },
      { id: 2, ...mine },
    ])
    // A whole row written back, as supabase-js does it: who created it stays.
    await sealed(
      `insert into items (id, n, created_by, created_at) values (1, 7, $1, '2000-01-01')
       on conflict (organization_id, id) do update set n = excluded.n, created_by = excluded.created_by, created_at = excluded.created_at`,
      [worlds.a.ownerId],
    )
    await sealed(`update items set created_by = $1, updated_at = '2000-01-01' where id = 2`, [worlds.a.ownerId])
    expect(await sealed(shown)).toEqual([
      { id: 1, ...mine, n: 7, changed: true },
      { id: 2, ...mine },
    ])
    await withClient(database.adminUrl, (admin) =>
      admin.query('alter table shop.items disable trigger "~rowhouse_stamp"'),
    )
    await sealed(forge, [3, worlds.a.ownerId], member())
    expect(await sealed('select created_by from items where id = 3')).toEqual([{ created_by: worlds.a.ownerId }])
  })

  it('do not move for an update that changes nothing, also with json, generated columns and a trigger of the application', async () => {
    const { migrator, protect } = tables()
    await migrator.query(`
      create table quiet (id int primary key, n int, doc json, twice int generated always as (n * 2) stored);
      create function tidy() returns trigger language plpgsql as 'begin new.n := abs(new.n); return new; end';
      create trigger zz_tidy before insert or update on quiet for each row execute function tidy()`)
    await protect('quiet', { timestamps: true })
    await sealed(`insert into quiet (id, n, doc) values (1, 5, '{"a":1}')`)
    const changed = async (): Promise<unknown> => sealed('select updated_at > created_at as changed from quiet')
    await sealed(`update quiet set n = -5, doc = '{"a":1}'`)
    expect(await changed()).toEqual([{ changed: false }])
    const { rows } = await migrator.query(
      "select from rowhouse.change_log where table_name = 'quiet' and action = 'update'",
    )
    expect(rows).toEqual([])
    await sealed('update quiet set n = 6')
    expect(await changed()).toEqual([{ changed: true }])
  })

  it('may be told by services and migrations: they import', async () => {
    const { migrator, protect, worlds } = tables()
    await migrator.query('create table items (id int primary key, n int)')
    await protect('items', { timestamps: true })
    await sealed(`insert into items (id, created_by, created_at) values (1, $1, '2001-05-05')`, [worlds.a.viewerId], {
      user: null,
      kind: 'service',
      service: 'import',
    })
    await migrator.query(`insert into items (id, organization_id, updated_at) values (2, $1, '2001-05-05')`, [
      worlds.a.organizationId,
    ])
    expect(await sealed(`select created_by, created_at::date::text as day from items where id = 1`)).toEqual([
      { created_by: worlds.a.viewerId, day: '2001-05-05' },
    ])
    expect(await sealed(`select updated_at::date::text as day from items where id = 2`)).toEqual([
      { day: '2001-05-05' },
    ])
    await migrator.query('update items set n = 1 where id = 2')
    expect(await sealed(`select updated_at > '2002-01-01' as moved from items where id = 2`)).toEqual([{ moved: true }])
  })

  it('take columns that are there, and refuse those of another type or with an unknown author', async () => {
    const { migrator, protect, refusal } = tables()
    await migrator.query('create table items (id int primary key, created_at timestamptz, updated_at timestamp)')
    expect(await refusal(`select rowhouse.protect('items', '{"timestamps": true}')`)).toBe('RH024')
    await migrator.query('alter table items alter updated_at type timestamptz')
    expect(await protect('items', { timestamps: true })).toContain('created_at defaults to now()')

    await migrator.query(
      'create table authored (organization_id uuid, id int, created_by uuid, primary key (organization_id, id))',
    )
    await migrator.query('insert into authored values ($1, 1, $2)', [tables().worlds.a.organizationId, randomUUID()])
    expect(await refusal(`select rowhouse.protect('authored', '{"timestamps": true}')`)).toBe('RH021')
  })

  it('cost nothing of the names: a table and columns of 63 bytes, quotes and spaces', async () => {
    const { migrator, protect } = tables()
    const long = `${'é'.repeat(20)} "q" ${createHash('md5').update('x').digest('hex').slice(0, 17)}`
    const name = `"${long.replaceAll('"', '""')}"`
    expect(Buffer.byteLength(long)).toBe(62)
    await migrator.query(
      `create table ${name} (id int primary key, ${name} int, g int generated always as (id) stored)`,
    )
    await protect(name, { timestamps: true, own: 'data.manage', strict: true, mask: [long] })
    expect(await protect(name, { timestamps: true, own: 'data.manage', strict: true, mask: [long] })).toEqual([])
    await sealed(`insert into ${name} (id, ${name}) values (1, 1)`, [], member())
    expect(await sealed(`update ${name} set ${name} = 2 returning g`, [], member())).toEqual([{ g: 1 }])
  })
})

describe('an index', () => {
  it('is made for every foreign key between protected tables, whichever is protected first', async () => {
    const { migrator, protect } = tables()
    await migrator.query(`create table parents (id int primary key);
      create table children (id int primary key, parent_id int references parents, also int references parents);
      create index on children (parent_id)`)
    await protect('children')
    expect(await protect('parents')).toEqual(
      expect.arrayContaining([
        'shop.children has an index of (organization_id, also)',
        'shop.children has an index of (organization_id, parent_id)',
      ]),
    )
    expect(await protect('children')).toEqual([])
    await migrator.query(`create table leaves (organization_id uuid, id int primary key, parent_id int,
      foreign key (organization_id, parent_id) references parents)`)
    expect(await protect('leaves')).toContain('shop.leaves has an index of (organization_id, parent_id)')
    expect(await protect('leaves')).toEqual([])
  })
})

describe('a serial column', () => {
  it('and an identity column work for tenants', async () => {
    const { migrator, protect } = tables()
    await migrator.query('create table items (id serial primary key, n int generated by default as identity)')
    await protect('items')
    expect(await sealed('insert into items default values returning id, n')).toEqual([{ id: 1, n: 1 }])
  })
})
