// The guard: what its event triggers refuse, what they let through, what they close, and that findings see whatever was
// done behind their back.
import { sqlstateOf, withClient, withGuard } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { describe, expect, it } from 'vitest'

import { act, outcome, useTables } from './test-tables.ts'

const tables = useTables()

/** A superuser whose event triggers fire, in the schema shop. */
const asGuardedSuperuser = <Result>(use: (client: Client) => Promise<Result>): Promise<Result> =>
  withGuard(tables().database.adminUrl, async (client) => {
    await client.query('set search_path = shop')
    return use(client)
  })
/** The same past the guard. */
const behind = (statement: string): Promise<unknown> =>
  withClient(tables().database.adminUrl, (client) => client.query(`set search_path = shop; ${statement}`))

/** `items` protected with timestamps, `notes` referring to it, `stages` a partitioned table. */
async function makeShop(): Promise<void> {
  const { migrator, protect } = tables()
  await migrator.query(`create table items (id int primary key, n int);
    create table tags (organization_id uuid not null default rowhouse.organization_id(), id int, item_id int,
      primary key (organization_id, id));
    create table stages (id int, at date, primary key (id, at)) partition by range (at);
    create table stages_1 partition of stages for values from ('2026-01-01') to ('2027-01-01')`)
  await protect('items', { timestamps: true })
  await migrator.query('alter table tags add foreign key (organization_id, item_id) references items')
  await protect('tags')
  await protect('stages')
}
const noticed: string[] = []
const open = async (relation: string): Promise<unknown> =>
  (
    await tables().migrator.query<{ role: string | null }>('select rowhouse.tenant_reach($1::regclass) as role', [
      relation,
    ])
  ).rows[0]?.role

describe('the guard', () => {
  it.each<[string, string, string]>([
    ['RH040', 'alter table items disable row level security', 'rls_disabled'],
    ['RH040', 'alter table items no force row level security', 'rls_not_forced'],
    ['RH040', 'drop policy rowhouse_organization on items', 'table_not_protected'],
    ['RH040', 'alter policy rowhouse_organization on items using (true)', 'policy_differs'],
    ['RH040', 'alter policy rowhouse_organization on items rename to other', 'table_not_protected'],
    ['RH040', 'alter policy rowhouse_update on items using (true)', ''],
    ['RH041', 'alter table items alter organization_id drop default', 'organization_column_differs'],
    ['RH041', 'alter table items alter organization_id set default gen_random_uuid()', 'organization_column_differs'],
    ['RH041', 'alter table tags drop constraint tags_pkey', 'primary_key_missing'],
    ['RH041', 'alter table tags drop constraint tags_pkey, add primary key (id)', 'key_without_organization'],
    ['RH040', 'alter table tags drop column organization_id cascade', ''],
    ['RH041', 'alter table items add unique (n)', 'key_without_organization'],
    ['RH041', 'create unique index on items (n)', 'unique_index_without_organization'],
    [
      'RH041',
      'alter table items add unique (organization_id, n), add unique (organization_id, id, n); alter table tags add constraint loose foreign key (item_id, id, id) references items (id, n, n)',
      '',
    ],
    ['RH042', 'drop trigger "!rowhouse_change_log_insert" on items', 'change_log_missing'],
    ['RH042', 'drop trigger "!rowhouse_change_log_updates" on items', 'change_log_missing'],
    ['RH042', 'drop trigger rowhouse_log_truncate on items', 'change_log_missing'],
    ['RH042', 'alter table items disable trigger "!rowhouse_change_log_delete"', 'change_log_missing'],
    ['RH042', 'alter table items enable trigger "!rowhouse_change_log_inserts"', 'change_log_missing'],
    ['RH042', 'alter table items disable trigger user', 'change_log_missing'],
    ['RH042', 'alter table items disable trigger rowhouse_log_truncate', 'change_log_missing'],
    ['RH042', 'alter table items disable trigger "~rowhouse_stamp"', 'timestamps_not_kept'],
    ['RH042', 'drop trigger "~rowhouse_stamp" on items', ''],
    ['RH043', 'grant truncate on items to rowhouse_app', 'app_privilege'],
    ['RH043', 'grant all on items to authenticated', 'app_privilege'],
    ['RH043', 'grant references on items to public', 'app_privilege'],
    ['RH043', 'grant references (n) on items to anon', 'column_privilege'],
    ['RH043', 'grant select on stages_1 to rowhouse_app', 'partition_open'],
    ['RH044', 'alter table items owner to rowhouse_migrator', 'owner_differs'],
  ])('refuses with %s: %s', async (sqlstate, statement, finding) => {
    await makeShop()
    const { refusal } = tables()
    const expected = statement.includes('loose') ? ['RH041', '42830'] : [sqlstate]
    expect(expected).toContain(await refusal(statement))
    expect(expected).toContain(await asGuardedSuperuser((client) => sqlstateOf(client.query(statement))))
    expect(await tables().findings()).toEqual([])
    // Without the guard it is done, and found.
    await behind(finding === '' ? 'select 1' : statement)
    // The empty text stands for nothing found.
    expect(['', ...(await tables().findings())]).toContain(finding)
  })

  it('says what to do, on purpose or to mend it', async () => {
    await makeShop()
    await expect(tables().migrator.query('alter table items disable row level security')).rejects.toMatchObject({
      message: 'Row security of shop.items would be off, or would not hold its owner: refused.',
      hint: expect.stringMatching(/rowhouse\.unprotect\('shop\.items', 'why'\).*alter table shop\.items enable/),
    })
  })

  it('looks at a table as a whole where a transaction wrote any of what protects it, and only there', async () => {
    await makeShop()
    const { migrator } = tables()
    const keeps = async (statement: string): Promise<unknown> => {
      await migrator.query(`begin; ${statement}`)
      const { rows } = await migrator.query<{ keeps: boolean }>(
        "select rowhouse.keeps_protection('tags'::regclass) as keeps",
      )
      await migrator.query('rollback')
      return rows[0]?.keeps
    }
    for (const harmless of [
      'select 1',
      'alter table tags add column title text',
      "alter table tags add column mood text not null default 'good', add check (id > 0)",
      'alter table items add column m int',
    ]) {
      expect([harmless, await keeps(harmless)]).toEqual([harmless, true])
    }
    for (const written of [
      'alter table tags add unique (organization_id, item_id)',
      'create index on tags (item_id)',
      'create policy narrower on tags as restrictive for delete using (false)',
      'alter table tags disable trigger mine',
      'alter table tags alter organization_id set statistics 10',
      'alter table tags alter organization_id set default rowhouse.organization_id()',
      'alter table tags drop constraint tags_organization_id_item_id_fkey, add foreign key (organization_id, item_id) references items',
      'create schema apart; grant usage on schema apart to rowhouse_owner; alter table tags set schema apart; set local search_path = apart',
      'drop trigger mine on tags; create trigger mine before insert on tags for each row execute function f()',
    ]) {
      const prepared = `create function f() returns trigger language plpgsql as 'begin return new; end';
        create trigger mine before insert on tags for each row execute function f()`
      await migrator.query(written.includes('mine') ? prepared : 'select 1')
      expect([written, await keeps(written)]).toEqual([written, false])
      await migrator.query('drop function if exists f() cascade')
    }
  })

  it('is not in the way of ordinary migrations', async () => {
    await makeShop()
    await tables().migrator.query(`
      alter table items add column title text not null default '', add check (n > 0);
      alter table items rename column n to amount;
      create index on items (title);
      create unique index on items (organization_id, title);
      create policy narrower on items as restrictive for delete using (amount is null);
      create policy wider on items for select using (true);
      drop policy narrower on items;
      create function f() returns trigger language plpgsql as 'begin return new; end';
      create trigger mine before insert on items for each row execute function f();
      drop trigger mine on items;
      grant select on items to anon;
      create view seen with (security_invoker = true) as select * from items;
      grant select on seen to rowhouse_app, authenticated;
      create materialized view counted as select count(*) from items;
      alter table items rename to goods;
      create temp table passing (id int);
      drop table passing, tags cascade;
      alter table goods set schema public;
      drop table public.goods cascade`)
    expect(await tables().findings()).toEqual([])
  })

  it('lists a permissive policy made by hand', async () => {
    await makeShop()
    await tables().migrator.query('create policy wider on items for delete using (true)')
    expect(await tables().findings()).toEqual(['policy_by_hand'])
  })
})

describe('a new relation in a schema of tenants', () => {
  it.each<[string, string]>([
    ['a table', 'create table fresh (id int)'],
    ['a copy', 'create table fresh as select * from items'],
    ['SELECT INTO', 'select * into fresh from items'],
    ['LIKE', 'create table fresh (like items including all)'],
    ['a table of another schema', 'create table elsewhere.fresh (id int); alter table elsewhere.fresh set schema shop'],
    ['a view', 'create view fresh as select * from items'],
    ['a materialized view', 'create materialized view fresh as select * from items'],
    ['a partition', "create table fresh partition of stages for values from ('2028-01-01') to ('2029-01-01')"],
    [
      'a table that becomes a partition',
      "create table fresh (like stages including all); alter table stages attach partition fresh for values from ('2028-01-01') to ('2029-01-01')",
    ],
  ])('is reached by no tenant, whatever the default privileges: %s', async (_, statement) => {
    await makeShop()
    const { migrator } = tables()
    await migrator.query(`create schema elsewhere; grant usage on schema elsewhere to rowhouse_app;
      alter default privileges in schema shop, elsewhere grant all on tables to rowhouse_app, anon, authenticated, public`)
    try {
      expect(await tables().findings()).toEqual(Array(4).fill('default_privileges_open'))
      await migrator.query(statement)
      expect(await open('fresh')).toBeNull()
      // Without the guard it would be reached.
      await behind(`drop ${/create (materialized )?view/.exec(statement)?.[0].slice(7) ?? 'table'} fresh`)
      await withClient(tables().database.adminUrl, async (admin) => {
        await admin.query(`set search_path = shop; set role rowhouse_migrator; ${statement}`)
      })
      expect(await open('fresh')).not.toBeNull()
    } finally {
      await behind(
        'drop schema elsewhere cascade; alter default privileges for role rowhouse_migrator in schema shop revoke all on tables from rowhouse_app, anon, authenticated, public',
      )
    }
  })

  it('is told about, and protected or granted as usual afterwards', async () => {
    await makeShop()
    const { migrator, protect, refusal } = tables()
    noticed.length = 0
    migrator.on('notice', ({ message }) => noticed.push(message ?? ''))
    await migrator.query(`alter default privileges in schema shop grant all on tables to anon;
      create table fresh (id int primary key)`)
    expect(noticed).toEqual([
      'No tenant reaches shop.fresh: protect it with rowhouse.protect(), or share it with rowhouse.share().',
    ])
    expect(await refusal('grant select on fresh to rowhouse_app')).toBe('RH043')
    expect(await refusal('grant insert (id) on fresh to authenticated')).toBe('RH043')
    expect(await protect('fresh')).toContain('new tables of rowhouse_migrator in shop are not for anon')
    await act(tables(), tables().worlds.a, outcome('insert into fresh values (1)'))
  })

  it('a view that loses security_invoker, or is granted without it, is refused', async () => {
    await makeShop()
    const { migrator, refusal } = tables()
    await migrator.query(
      'create view seen with (security_invoker = true) as select * from items; grant select on seen to rowhouse_app',
    )
    expect(await refusal('create or replace view seen as select * from items')).toBe('RH045')
    expect(await refusal('alter view seen reset (security_invoker)')).toBe('RH045')
    await migrator.query(
      'create view owned as select * from items; create materialized view kept as select * from items',
    )
    expect(await refusal('grant select on owned to authenticated')).toBe('RH045')
    expect(await refusal('grant select on kept to authenticated')).toBe('RH045')
  })

  it('is left alone where no tenant is', async () => {
    await makeShop()
    const outcome = sqlstateOf(
      tables().migrator.query(`create schema backoffice; create table backoffice.jobs (id int);
        grant all on backoffice.jobs to rowhouse_app, public; drop schema backoffice cascade`),
    )
    expect(await outcome).toBe('done')
  })

  it('works for a role that knows nothing of rowhouse', async () => {
    await makeShop()
    await behind(
      "drop role if exists stranger; create role stranger login password 'stranger'; grant all on schema shop to stranger",
    )
    const url = new URL(tables().database.appUrl)
    ;[url.username, url.password] = ['stranger', 'stranger']
    try {
      await withClient(url.href, async (stranger) => {
        await stranger.query(`set search_path = shop; alter default privileges in schema shop grant all on tables to anon;
          create table fresh (id int); create view shown as select * from fresh`)
        expect(await sqlstateOf(stranger.query('grant select on fresh to anon'))).toBe('RH043')
      })
      expect(await open('fresh')).toBeNull()
    } finally {
      await behind('drop owned by stranger cascade; drop role stranger')
    }
  })
})

describe('on purpose', () => {
  it('unprotect takes protection away, with a reason that stays; no tenant reaches the table then', async () => {
    await makeShop()
    const { migrator, refusal } = tables()
    await act(tables(), tables().worlds.a, outcome('insert into items (id) values (1)'))
    for (const reason of [null, '', '  ']) {
      expect(await refusal("select rowhouse.unprotect('items', $1)", [reason])).toBe('RH023')
    }
    const { rows } = await migrator.query<{ line: string }>(
      "select rowhouse.unprotect('items', 'goes to the archive') as line",
    )
    expect(rows.map(({ line }) => line)).toEqual([
      'no tenant reaches shop.items',
      ...['delete', 'insert', 'organization', 'read', 'update'].map((name) => `dropped policy rowhouse_${name}`),
      ...['delete', 'deletes', 'insert', 'inserts', 'update', 'updates'].map(
        (name) => `dropped trigger !rowhouse_change_log_${name}`,
      ),
      'dropped trigger rowhouse_log_truncate',
      'dropped trigger ~rowhouse_stamp',
    ])
    expect(await act(tables(), tables().worlds.a, outcome('select from items'))).toBe('42501')
    expect((await migrator.query('select from items')).rowCount).toBe(1)
    expect(await refusal('grant select on items to rowhouse_app')).toBe('RH043')
    expect(await tables().findings()).toEqual(['table_not_protected'])
    const events = await withClient(tables().database.controlUrl, (control) =>
      control.query('select login, action, target, reason from rowhouse.protection_events order by id desc limit 1'),
    )
    expect(events.rows).toEqual([
      { login: 'rowhouse_migrator', action: 'unprotect', target: 'shop.items', reason: 'goes to the archive' },
    ])
    for (const statement of [
      "update rowhouse.protection_events set reason = 'x'",
      'delete from rowhouse.protection_events',
      'truncate rowhouse.protection_events',
    ]) {
      expect(await refusal(statement)).toBe('RH046')
    }
    // And back: nothing of the table was lost.
    await tables().protect('items', { timestamps: true })
    expect(await act(tables(), tables().worlds.a, outcome('select from items'))).toBe(1)
    expect(await tables().findings()).toEqual([])
  })

  it('nothing goes past the guard without a line that stays, whatever the setting says', async () => {
    await makeShop()
    const { migrator, refusal } = tables()
    const loosen = 'alter table items disable row level security'
    const events = async (): Promise<number> =>
      Number(
        (await migrator.query<{ count: string }>('select count(*) from rowhouse.protection_events')).rows[0]?.count,
      )
    const { rows } = await migrator.query<{ id: string }>(
      'select id from rowhouse.protection_events order by id desc limit 1',
    )
    for (const value of ['on', rows[0]?.id ?? '']) {
      await migrator.query("select set_config('rowhouse.protecting', $1, false)", [value])
      expect(await refusal(loosen)).toBe('RH040')
    }
    await migrator.query('reset rowhouse.protecting')
    const before = await events()
    await migrator.query(`select rowhouse.go_past_guard('protect', 'items', 'by hand'); ${loosen}`)
    expect(await events()).toBe(before + 1)
    expect(await refusal('alter table items no force row level security')).toBe('RH040')
  })

  it('share lets every actor read a table of no organization, and nobody write it', async () => {
    await makeShop()
    const { migrator, refusal, worlds } = tables()
    await migrator.query("create table countries (code text primary key); insert into countries values ('CH')")
    expect(await refusal("select rowhouse.share('countries', '')")).toBe('RH023')
    expect(await refusal("select rowhouse.share('items', 'why not')")).toBe('RH047')
    await migrator.query("select rowhouse.share('countries', 'the same for everybody')")
    expect(await act(tables(), worlds.a, outcome('select from countries'))).toBe(1)
    expect(await act(tables(), worlds.a, outcome('delete from countries'))).toBe('42501')
    expect(await refusal('grant delete on countries to rowhouse_app')).toBe('RH043')
    expect(await refusal('drop policy rowhouse_shared on countries')).toBe('RH040')
    await migrator.query("insert into countries values ('AT')")
    expect(await tables().findings()).toEqual([])
    await behind('grant update on countries to rowhouse_app')
    expect(await tables().findings()).toEqual(['table_open'])
    await migrator.query("select rowhouse.unprotect('countries', 'no longer')")
    expect(await act(tables(), worlds.a, outcome('select from countries'))).toBe('42501')
  })

  it('guard_schema says that a schema is for tenants before it holds a protected table', async () => {
    const { migrator, refusal } = tables()
    await migrator.query('create table early (id int); grant select on early to rowhouse_app')
    const { rows } = await migrator.query<{ line: string }>("select rowhouse.guard_schema('shop') as line")
    expect(rows).toEqual([{ line: 'shop is a schema of tenants' }])
    expect(await tables().findings()).toEqual(['table_open'])
    await migrator.query('create table late (id int)')
    expect(await refusal('grant select on late to rowhouse_app')).toBe('RH043')
    for (const schema of ['rowhouse', 'pg_catalog', 'information_schema']) {
      expect(await refusal('select rowhouse.guard_schema($1)', [schema])).toBe('RH020')
    }
    await behind("delete from rowhouse.tenant_schemas where name = 'shop'")
  })

  it('unprotect and share are for the owner of the table', async () => {
    await makeShop()
    await withClient(tables().database.appUrl, async (app) => {
      expect(await sqlstateOf(app.query("select rowhouse.unprotect('shop.items', 'x')"))).toBe('42501')
      expect(await sqlstateOf(app.query("select rowhouse.share('shop.items', 'x')"))).toBe('42501')
    })
    await behind(
      'drop role if exists stranger; create role stranger; grant all on schema shop to stranger; set role stranger; create table shop.theirs (id int primary key)',
    )
    expect(await tables().refusal("select rowhouse.protect('theirs')")).toBe('RH036')
    expect(await tables().refusal("select rowhouse.share('theirs', 'x')")).toBe('RH036')
    await behind('drop owned by stranger cascade; drop role stranger')
  })
})

describe('findings', () => {
  it('say when the guard is gone or off', async () => {
    const codes = async (statement: string): Promise<unknown> =>
      withClient(tables().database.adminUrl, async (admin) => {
        await admin.query('begin')
        await admin.query(statement)
        const { rows } = await admin.query<{ code: string }>('select code from rowhouse.findings()')
        await admin.query('rollback')
        return rows.map(({ code }) => code)
      })
    expect(await codes('drop event trigger rowhouse_guard_1_ddl')).toEqual(['guard_missing'])
    expect(await codes('alter event trigger rowhouse_guard_3_drop disable')).toEqual(['guard_missing'])
  })
})
