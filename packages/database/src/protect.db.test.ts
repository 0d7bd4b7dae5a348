// rowhouse.protect: what it does to a table, what it refuses, and that a second call finds nothing to do.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Claims, TwoWorlds, World } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

/** Every test has the schema `shop` for itself. */
let migrator: Client
beforeAll(async () => {
  const { Client } = await import('pg')
  migrator = new Client({ connectionString: database().migratorUrl })
  await migrator.connect()
  await migrator.query(
    'set role rowhouse_owner; create schema shop; reset role; grant all on schema shop to rowhouse_migrator',
  )
})
afterAll(() => migrator?.end())
beforeEach(async () => {
  await migrator.query('rollback')
  await migrator.query(
    `set role rowhouse_owner; drop schema shop cascade; create schema shop; reset role; set search_path = shop`,
  )
})

const protect = async (table: string, options: unknown = {}): Promise<string[]> => {
  const { rows } = await migrator.query<{ protect: string }>('select rowhouse.protect($1::regclass, $2)', [
    table,
    options,
  ])
  return rows.map((row) => row.protect)
}
const refusal = (table: string, options: unknown = {}): Promise<string> => sqlstateOf(protect(table, options))
const behindTheGuard = (statement: string): Promise<unknown> =>
  withClient(database().adminUrl, (admin) => admin.query(`set search_path = shop; ${statement}`))
const definitions = async (table: string): Promise<string[]> => {
  const { rows } = await migrator.query<{ definition: string }>(
    "select pg_get_constraintdef(oid) as definition from pg_constraint where conrelid = $1::regclass and contype <> 'n' and conname <> 'rowhouse_organization_exists' order by 1",
    [table],
  )
  return rows.map(({ definition }) => definition)
}
async function act<Result>(world: World, use: (app: Client) => Promise<Result>, changes?: Claims): Promise<Result> {
  return withClient(database().appUrl, async (app) => {
    await app.query('set search_path = shop')
    await app.query('begin')
    await world.enter(app, changes)
    const result = await use(app)
    await app.query('commit')
    return result
  })
}

describe('protect', () => {
  it('makes a plain table keep organizations apart, and says what it did; again, it finds nothing to do', async () => {
    await migrator.query('create table items (id uuid primary key default gen_random_uuid(), sku text unique, n int)')
    const { rows: server } = await migrator.query<{ declares: boolean }>(
      "select current_setting('server_version_num')::int >= 180000 as declares",
    )
    const kind = server[0]?.declares === true ? 'declared' : 'enforced'
    expect(await protect('items')).toEqual([
      'added organization_id',
      'primary key is (organization_id, id)',
      'items_sku_key is unique (organization_id, sku)',
      `organization_id refers to rowhouse.organizations (${kind})`,
      'writes are logged',
      'row security is enabled and forced',
      'created policy rowhouse_organization',
      ...['read', 'insert', 'update', 'delete'].map((name) => `created policy rowhouse_${name}`),
      'owner is rowhouse_owner',
    ])
    expect(await protect('items')).toEqual([])
    const { rows } = await migrator.query(
      'select p.polname, pg_get_expr(p.polqual, p.polrelid) as text from pg_policy p where not polpermissive and polrelid = $1::regclass',
      ['items'],
    )
    expect(rows).toEqual([
      {
        polname: 'rowhouse_organization',
        text: '((organization_id = ( SELECT rowhouse.organization_id() AS organization_id)) AND (organization_id OPERATOR(rowhouse.===) ( SELECT rowhouse.organization_id() AS organization_id)))',
      },
    ])
    for (const world of [worlds.a, worlds.b]) {
      await act(world, (app) => app.query("insert into items (sku) values ('same in both')"))
      expect(await act(world, async (app) => (await app.query('select from items')).rowCount)).toBe(1)
    }
  })

  it('keeps the keys between tables inside an organization, also of a table that is referred to first', async () => {
    await migrator.query(`
      create table parents (id int primary key);
      create table children (
        id int primary key, self int references children, parent_id int references parents on delete set null,
        strict_id int references parents on delete cascade deferrable initially deferred)`)
    expect(await protect('parents')).toEqual(
      expect.arrayContaining(['children_parent_id_fkey of shop.children has organization_id; protect that table too']),
    )
    await protect('children')
    expect(await definitions('children')).toEqual([
      'FOREIGN KEY (organization_id, parent_id) REFERENCES parents(organization_id, id) ON DELETE SET NULL (parent_id)',
      'FOREIGN KEY (organization_id, self) REFERENCES children(organization_id, id)',
      'FOREIGN KEY (organization_id, strict_id) REFERENCES parents(organization_id, id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED',
      'PRIMARY KEY (organization_id, id)',
    ])
    await act(worlds.a, (app) => app.query('insert into parents (id) values (1)'))
    expect(
      await sqlstateOf(act(worlds.b, (app) => app.query('insert into children (id, parent_id) values (1, 1)'))),
    ).toBe('23503')
    await act(worlds.a, async (app) => {
      await app.query('insert into children (id, parent_id) values (1, 1)')
      await app.query('delete from parents')
      expect((await app.query('select parent_id from children')).rows).toEqual([{ parent_id: null }])
    })
  })

  it('takes names that need quotes', async () => {
    await migrator.query(`create table "Odd ""Name""; drop" ("id" int primary key, "Some Column" text)`)
    await protect('"Odd ""Name""; drop"', { mask: ['Some Column'], strict: true })
    await act(worlds.a, (app) => app.query(`insert into "Odd ""Name""; drop" (id, "Some Column") values (1, 'x')`))
    const { rows } = await act(worlds.a, (app) =>
      app.query(`select "table", new -> 'Some Column' as value from rowhouse.audit_log where table_schema = 'shop'`),
    )
    expect(rows).toContainEqual({ table: 'Odd "Name"; drop', value: '***' })
  })

  it('adopts a table whose rows all belong to organizations, and refuses one whose rows do not', async () => {
    await migrator.query('create table full_table (organization_id uuid, id int, primary key (organization_id, id))')
    await migrator.query('insert into full_table values ($1, 1), ($2, 1)', [
      worlds.a.organizationId,
      worlds.b.organizationId,
    ])
    expect(await protect('full_table')).toContain('organization_id defaults to rowhouse.organization_id()')
    expect(await act(worlds.a, async (app) => (await app.query('select from full_table')).rowCount)).toBe(1)

    await migrator.query(`create table orphans (organization_id uuid, id int primary key);
      insert into orphans values (gen_random_uuid(), 1)`)
    expect(await refusal('orphans')).toBe('RH021')
    await migrator.query('update orphans set organization_id = null')
    expect(await refusal('orphans')).toBe('RH021')
    await migrator.query('create table nobodys (id int primary key); insert into nobodys values (1)')
    expect(await refusal('nobodys')).toBe('RH021')
  })

  it.each<[string, string, string]>([
    ['a view', 'create view bad as select 1 as id', 'RH020'],
    ['a materialized view', 'create materialized view bad as select 1 as id', 'RH020'],
    ['a sequence', 'create sequence bad', 'RH020'],
    ['a partition', 'create table p (id int) partition by list (id); create table bad partition of p default', 'RH020'],
    ['a child table', 'create table p (id int); create table bad () inherits (p)', 'RH020'],
    ['a table without primary key', 'create table bad (id int)', 'RH024'],
    ['another type of organization_id', 'create table bad (organization_id text, id int primary key)', 'RH024'],
    [
      'organization_id last in the key',
      'create table bad (organization_id uuid, id int, primary key (id, organization_id))',
      'RH024',
    ],
    [
      'a unique index without it',
      'create table bad (id int primary key, a int); create unique index on bad (lower(a::text))',
      'RH024',
    ],
    [
      'an exclusion constraint without it',
      'create table bad (id int primary key, a int4range, exclude using gist (a with &&))',
      'RH024',
    ],
    ['a policy of somebody', 'create table bad (id int primary key); create policy mine on bad using (true)', 'RH022'],
    [
      'a domain as organization_id',
      'create domain org as uuid; create table bad (organization_id org, id int primary key)',
      'RH024',
    ],
    [
      'a reference of several columns',
      `create table p (x int, y int, primary key (x, y));
      select rowhouse.protect('p'); reset rowhouse.protecting; create table bad (id int primary key, x int, y int);
      alter table p add unique (organization_id, x, y), drop constraint p_pkey, add primary key (x, y);
      alter table bad add foreign key (x, y) references p`,
      'RH024',
    ],
  ])('refuses %s', async (_, statements, sqlstate) => {
    await behindTheGuard(`set role rowhouse_migrator; ${statements}`)
    await migrator.query('begin')
    expect(await refusal('bad')).toBe(sqlstate)
    await migrator.query('rollback')
  })

  it('refuses temporary tables, its own tables and tables that are not there', async () => {
    await migrator.query('create temp table fleeting (id int primary key)')
    expect(await refusal('pg_temp.fleeting')).toBe('RH020')
    expect(await refusal('rowhouse.members')).toBe('RH020')
    expect(await refusal('4294967295')).toBe('RH020')
    await migrator.query('drop table fleeting')
  })

  it.each<[string, unknown]>([
    ['an unknown key', { reed: 'data.read' }],
    ['a permission that is no name', { read: 'data.read; drop' }],
    ['a permission that is no text', { write: 7 }],
    ['a mask that is no list', { mask: 'id' }],
    ['a mask of a column that is not there', { mask: ['nothing'] }],
    ['a mask of organization_id', { mask: ['organization_id'] }],
    ['a strict that is no boolean', { strict: 'yes' }],
    ['no object', JSON.stringify(['read'])],
  ])('refuses options with %s', async (_, options) => {
    await migrator.query('create table items (id int primary key)')
    expect(await refusal('items', options)).toBe('RH023')
  })

  it('with read and write asks for permissions, and changes its mind', async () => {
    await migrator.query('create table items (id int primary key)')
    await protect('items', { read: 'data.read', write: 'data.write' })
    expect(await protect('items', { read: 'data.read', write: 'data.write' })).toEqual([])
    const viewer = { user: worlds.a.viewerId }
    const insert = (app: Client): Promise<unknown> => app.query('insert into items (id) select count(*) from items')
    await act(worlds.a, insert)
    expect(await sqlstateOf(act(worlds.a, insert, viewer))).toBe('42501')
    await act(
      worlds.a,
      async (app) => {
        expect((await app.query('select from items')).rowCount).toBe(1)
        expect((await app.query('delete from items')).rowCount).toBe(0)
        expect((await app.query('update items set id = 7')).rowCount).toBe(0)
      },
      viewer,
    )
    expect(await act(worlds.b, async (app) => (await app.query('select from items')).rowCount)).toBe(0)
    const changed = (...names: string[]): string[] =>
      names.flatMap((name) => [`dropped policy rowhouse_${name}`, `created policy rowhouse_${name}`])
    expect(await protect('items')).toEqual(changed('read'))
    expect(await sqlstateOf(act(worlds.a, insert, viewer))).toBe('42501')
    expect(await protect('items', { read: null, write: null })).toEqual(changed('insert', 'update', 'delete'))
    await act(worlds.a, insert, viewer)
  })

  describe('by default', () => {
    const everyCommand = ['insert into items (id) values (2)', 'update items set n = 1', 'delete from items']
    const count = (statement: string) => async (app: Client) => (await app.query(statement)).rowCount
    const nobody = { user: null }

    beforeEach(async () => {
      await migrator.query('create table items (id int primary key, n int)')
      await protect('items')
      await act(worlds.a, (app) => app.query('insert into items (id) values (1)'))
    })

    it('lets a viewer and a report read and not write; without the policies they could', async () => {
      const readers = [
        { user: worlds.a.viewerId },
        { ...nobody, kind: 'report', service: 'usage', reason: 'month end' },
      ]
      for (const reader of readers) {
        expect(await act(worlds.a, count('select from items'), reader)).toBe(1)
        expect(await act(worlds.a, count('select from items for update'), reader)).toBe(0)
        const [insert, ...others] = everyCommand as [string, string, string]
        expect(await sqlstateOf(act(worlds.a, count(insert), reader))).toBe('42501')
        for (const statement of others) expect(await act(worlds.a, count(statement), reader)).toBe(0)
        const upsert = 'insert into items (id) values (1) on conflict (organization_id, id) do update set n = 1'
        expect(await sqlstateOf(act(worlds.a, count(upsert), reader))).toBe('42501')
      }
      await protect('items', { write: null })
      for (const statement of everyCommand) {
        expect(await act(worlds.a, count(statement), { user: worlds.a.viewerId })).toBeGreaterThan(0)
      }
    })

    it('lets members, services, operators and the sync engine write', async () => {
      const { rows } = await withClient(database().controlUrl, (control) =>
        control.query<{ id: string }>('insert into rowhouse.connections (organization_id) values ($1) returning id', [
          worlds.a.organizationId,
        ]),
      )
      const connection = rows[0]?.id
      for (const writer of [
        { user: worlds.a.memberId },
        { ...nobody, kind: 'service', service: 'billing' },
        { ...nobody, kind: 'operator', service: 'ann', reason: 'ticket 7' },
        { ...nobody, kind: 'sync', connection, origin: connection },
      ]) {
        for (const statement of everyCommand) {
          expect(await act(worlds.a, count(statement), writer)).toBeGreaterThan(0)
        }
        await act(worlds.a, (app) => app.query('insert into items (id) values (1)'))
      }
    })

    it('asks for the permission once a statement, and not at all for a read', async () => {
      await act(worlds.a, async (app) => {
        const plan = async (statement: string): Promise<string> =>
          (await app.query<{ 'QUERY PLAN': string }>(`explain (verbose, costs off) ${statement}`)).rows
            .map((row) => row['QUERY PLAN'])
            .join('\n')
        const once = /InitPlan \d+[^:]*Output: rowhouse\.can/
        expect(await plan('insert into items (id) select generate_series(1, 100)')).toMatch(once)
        expect(await plan('update items set n = 1')).toMatch(once)
        expect(await plan('delete from items')).toMatch(once)
        expect(await plan('select * from items')).not.toMatch(/can\(/)
      })
    })
  })

  it('with a custom role lets exactly its permissions through', async () => {
    await migrator.query('create table items (id int primary key)')
    await protect('items', { read: 'items.see', write: 'items.stock' })
    await withClient(database().controlUrl, async (control) => {
      const organization = worlds.a.organizationId
      await control.query("insert into rowhouse.roles values ($1, 'clerk', '{items.see}')", [organization])
      await control.query("update rowhouse.members set role = 'clerk' where organization_id = $1 and user_id = $2", [
        organization,
        worlds.a.memberId,
      ])
    })
    const clerk = { user: worlds.a.memberId }
    await act(worlds.a, (app) => app.query('insert into items (id) values (1)'))
    expect(await act(worlds.a, async (app) => (await app.query('select from items')).rowCount, clerk)).toBe(1)
    expect(await sqlstateOf(act(worlds.a, (app) => app.query('insert into items (id) values (2)'), clerk))).toBe(
      '42501',
    )
    expect(
      await act(worlds.a, async (app) => (await app.query('select from items')).rowCount, { user: worlds.a.viewerId }),
    ).toBe(0)
  })

  it('strict withholds organization_id; without it the column may be named, and only truthfully', async () => {
    await migrator.query('create table items (id int primary key)')
    await protect('items')
    const own = (id: number) => (app: Client) =>
      app.query('insert into items (organization_id, id) values ($1, $2)', [worlds.a.organizationId, id])
    await act(worlds.a, own(1))
    expect(await sqlstateOf(act(worlds.b, own(2)))).toBe('42501')
    await protect('items', { strict: true })
    expect(await sqlstateOf(act(worlds.a, own(3)))).toBe('42501')
    await act(worlds.a, (app) => app.query('insert into items (id) values (4)'))
  })

  it('covers the partitions of a partitioned table', async () => {
    await migrator.query(`create table events (id int, at date not null, primary key (id, at)) partition by range (at);
      create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01')`)
    await protect('events')
    await act(worlds.a, (app) => app.query("insert into events (id, at) values (1, '2026-05-05')"))
    expect(await act(worlds.b, async (app) => (await app.query('select from events')).rowCount)).toBe(0)
    expect(await sqlstateOf(act(worlds.a, (app) => app.query('select from events_2026')))).toBe('42501')
    const { rows } = await act(worlds.a, (app) =>
      app.query(`select "table", record from rowhouse.audit_log where table_schema = 'shop' and "table" = 'events'`),
    )
    expect(rows).toEqual([{ table: 'events', record: '[1, "2026-05-05"]' }])
  })

  it('repairs what somebody undid', async () => {
    await migrator.query('create table items (id int primary key)')
    await protect('items')
    await behindTheGuard(`alter table items no force row level security; drop policy rowhouse_organization on items;
      create policy rowhouse_organization on items as restrictive using (true);
      alter table items disable trigger "!rowhouse_change_log_inserts"; grant truncate on items to rowhouse_app`)
    expect(await protect('items')).toEqual([
      'row security is enabled and forced',
      'dropped policy rowhouse_organization',
      'created policy rowhouse_organization',
    ])
    const { rows } = await withClient(database().controlUrl, (control) =>
      control.query("select code from rowhouse.findings() where object = 'shop.items'"),
    )
    expect(rows).toEqual([])
  })

  it('is not for rowhouse_app', async () => {
    await withClient(database().appUrl, async (app) => {
      expect(await sqlstateOf(app.query("select rowhouse.protect('public.notes')"))).toBe('42501')
    })
  })
})
