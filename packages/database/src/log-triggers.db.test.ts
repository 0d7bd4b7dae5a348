// Whichever trigger writes the log, its lines tell each record's life in order: every line's old is the line's before it
// new, and the last is the row as it stands.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const migrate = (sql: string): Promise<unknown> => withClient(database().migratorUrl, (migrator) => migrator.query(sql))

const write = (...statements: string[]): Promise<void> =>
  withClient(database().appUrl, async (app) => {
    await app.query('begin')
    await worlds.a.enter(app)
    for (const statement of statements) await app.query(statement)
    await app.query('commit')
  })

interface Line {
  readonly action: string
  readonly record: string
  readonly old: string | null
  readonly new: string | null
}

/** Lines of a table whose story does not hold together, as text. */
async function contradictions(table: string, key = 'id'): Promise<string[]> {
  return withClient(database().adminUrl, async (admin) => {
    const { rows: lines } = await admin.query<Line>(
      `select action, record_id as record, old::jsonb::text as old, new::jsonb::text as new
       from rowhouse.change_log where table_name = $1 and organization_id = $2 order by seq`,
      [table, worlds.a.organizationId],
    )
    const { rows: present } = await admin.query<{ record: string; row: string }>(
      `select t.${key}::text as record, to_json(t)::jsonb::text as row from ${table} t where organization_id = $1`,
      [worlds.a.organizationId],
    )
    const last = new Map<string, string | null>()
    const wrong: string[] = []
    for (const line of lines) {
      // A line of an update that changes the key stands under the new one.
      const before = line.old === null ? null : String((JSON.parse(line.old) as Record<string, unknown>)[key])
      const known = last.get(before ?? line.record) ?? null
      if (known !== line.old) wrong.push(`${line.action} ${line.record}: ${line.old} after ${known}`)
      if (before !== null) last.set(before, null)
      last.set(line.record, line.new)
    }
    const rows = new Map(present.map(({ record, row }) => [record, row]))
    for (const [record, row] of last) {
      if ((rows.get(record) ?? null) !== row) wrong.push(`${record} ends as ${row}, is ${rows.get(record)}`)
    }
    return wrong
  })
}

const actionsOf = (table: string): Promise<string[]> =>
  withClient(database().adminUrl, async (admin) => {
    const { rows } = await admin.query<{ line: string }>(
      `select action || ' ' || record_id as line from rowhouse.change_log where table_name = $1 order by seq`,
      [table],
    )
    return rows.map(({ line }) => line)
  })

const eachRow = (table: string, operation: string): Promise<boolean> =>
  withClient(database().adminUrl, async (admin) => {
    const { rows } = await admin.query<{ yes: boolean }>('select rowhouse.logs_each_row($1::regclass, $2) as yes', [
      table,
      operation,
    ])
    return rows[0]?.yes ?? false
  })

describe('a statement is logged', () => {
  it('over its transition tables, where nothing can come between: inserts, upserts, merges, keys that change', async () => {
    await migrate(`create table plain (id int primary key, n int); select rowhouse.protect('plain')`)
    await write(
      'insert into plain (id, n) select i, 0 from generate_series(1, 5) i',
      `insert into plain (id, n) values (4, 7), (6, 1) on conflict (organization_id, id) do update set n = excluded.n`,
      'insert into plain (id, n) values (6, 9), (7, 1) on conflict do nothing',
      `merge into plain p using (values (1), (2), (8)) s (id) on p.id = s.id
       when matched and p.id = 1 then delete when matched then update set n = n + 10 when not matched then insert (id, n) values (s.id, 3)`,
      'update plain set id = id + 100 where id in (3, 4)',
      'update plain set n = n where id = 5',
      `with gone as (delete from plain where id = 5 returning id, n) insert into plain (id, n) select id, n + 1 from gone`,
      'delete from plain where id > 100',
    )
    for (const operation of ['INSERT', 'UPDATE', 'DELETE']) expect(await eachRow('plain', operation)).toBe(false)
    expect(await contradictions('plain')).toEqual([])
    expect(await actionsOf('plain')).toHaveLength(5 + 2 + 1 + 3 + 2 + 2 + 2)
  })

  it('row by row, where foreign keys act: cascades, set null, to itself and from others', async () => {
    await migrate(`
      create table parents (organization_id uuid not null default rowhouse.organization_id(), id int, primary key (organization_id, id));
      create table children (
        organization_id uuid not null default rowhouse.organization_id(), id int, kept int, owner int, parent int,
        primary key (organization_id, id),
        foreign key (organization_id, kept) references parents on delete set null (kept),
        foreign key (organization_id, owner) references parents on delete cascade on update cascade,
        foreign key (organization_id, parent) references children on delete cascade);
      select rowhouse.protect('parents');
      select rowhouse.protect('children')`)
    await write(
      'insert into parents (id) select i from generate_series(1, 6) i',
      `insert into children (id, kept, owner, parent) values
         (1, 1, 2, null), (2, 1, 3, 1), (3, 4, 3, 2), (4, 1, 5, null), (5, 1, 6, null)`,
      'update parents set id = 20 where id = 2',
      // Sets null in 4 and 5, deletes 4 and re-inserts another record of the same key.
      `with a as (delete from parents where id = 1 returning id), b as (delete from parents where id = 5 returning id),
         c as (delete from children where id = 5 returning id, owner)
       insert into children (id, owner) select id, owner from c`,
      'delete from parents where id = 20',
    )
    expect(await eachRow('children', 'INSERT')).toBe(false)
    expect(await eachRow('children', 'DELETE')).toBe(true)
    expect(await eachRow('parents', 'UPDATE')).toBe(true)
    expect(await contradictions('children')).toEqual([])
    expect(await contradictions('parents')).toEqual([])
  })

  it('row by row, where the table has triggers of its own, is partitioned, or is written in replica mode', async () => {
    await migrate(`
      create table counters (id int primary key, n int);
      select rowhouse.protect('counters')`)
    expect(await eachRow('counters', 'INSERT')).toBe(false)
    await migrate(`
      create function public.count_up() returns trigger language plpgsql as
        'begin update public.counters set n = n + 1 where id = new.id; return null; end';
      create trigger count_up after insert on counters for each row execute function public.count_up()`)
    expect(await eachRow('counters', 'INSERT')).toBe(true)
    await write('insert into counters (id, n) values (1, 0), (2, 0)')
    expect(await contradictions('counters')).toEqual([])

    await migrate(`
      create table parted (id int, day date, primary key (id, day)) partition by range (day);
      create table parted_1 partition of parted for values from ('2026-01-01') to ('2026-06-01');
      create table parted_2 partition of parted for values from ('2026-06-01') to ('2027-01-01');
      select rowhouse.protect('parted');
      insert into parted_1 (organization_id, id, day) values ('${worlds.a.organizationId}', 1, '2026-02-02');
      update parted set day = '2026-07-07';
      truncate parted_2`)
    expect(await actionsOf('parted')).toEqual([
      'insert [1, "2026-02-02"]',
      'delete [1, "2026-02-02"]',
      'insert [1, "2026-07-07"]',
      'truncate [1, "2026-07-07"]',
    ])

    // A write that names what it inherits from fires none of its statement triggers.
    await migrate(`create table heirs (id int primary key); select rowhouse.protect('heirs')`)
    expect(await eachRow('heirs', 'INSERT')).toBe(false)
    await withClient(database().adminUrl, (admin) =>
      admin.query(`set role rowhouse_owner;
        create schema ancestry;
        create table ancestry.all_heirs (organization_id uuid not null, id int not null);
        alter table heirs inherit ancestry.all_heirs`),
    )
    await write('insert into heirs (id) values (1)')
    await migrate('update ancestry.all_heirs set id = 2')
    expect(await eachRow('heirs', 'UPDATE')).toBe(true)
    expect(await contradictions('heirs')).toEqual([])
    expect(await actionsOf('heirs')).toEqual(['insert 1', 'update 2'])
    await withClient(database().adminUrl, (admin) =>
      admin.query('alter table heirs no inherit ancestry.all_heirs; drop schema ancestry cascade'),
    )
    expect(await eachRow('heirs', 'UPDATE')).toBe(false)
  })

  it('by triggers that a dump carries: they name their table, not its number', async () => {
    await withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query<{ definition: string; number: string }>(
        `select pg_get_triggerdef(t.oid) as definition, t.tgrelid::oid::text as number
         from pg_trigger t where t.tgrelid = 'notes'::regclass and t.tgname like '!rowhouse%'`,
      )
      expect(rows).toHaveLength(6)
      for (const { definition, number } of rows) {
        expect(definition).toContain("rowhouse.logs_each_row('notes'::regclass")
        expect(definition).not.toContain(number)
      }
      // As a restore does it: the same statements, for a table of another number.
      await admin.query('create table restored (like notes including all)')
      for (const { definition } of rows) {
        await admin.query(
          definition.replaceAll("'notes'::regclass", "'restored'::regclass").replace('notes ', 'restored '),
        )
      }
      const insert = (id: string): Promise<unknown> =>
        admin.query('insert into restored (organization_id, id) values ($1, $2)', [worlds.a.organizationId, id])
      await insert('00000000-0000-4000-8000-000000000001')
      const logged = await admin.query(
        `select from rowhouse.change_log where record_id = '00000000-0000-4000-8000-000000000001'`,
      )
      expect(logged.rowCount).toBe(1)
    })
  })

  it('in the wrong order, if the choice is taken away', async () => {
    await migrate(`
      create table hurried (id int primary key, n int);
      select rowhouse.protect('hurried');
      create function public.hurry() returns trigger language plpgsql as
        'begin update public.hurried set n = n + 1 where id = new.id; return null; end';
      create trigger hurry after insert on hurried for each row execute function public.hurry()`)
    await withClient(database().adminUrl, async (admin) => {
      const { rows } = await admin.query<{ source: string }>(
        `select pg_get_functiondef('rowhouse.logs_each_row(regclass, text)'::regprocedure) as source`,
      )
      await admin.query(`create or replace function rowhouse.logs_each_row(target regclass, operation text) returns boolean
        language plpgsql immutable security definer parallel safe set search_path = pg_catalog, pg_temp
        as 'begin return false; end'`)
      try {
        await write('insert into hurried (id, n) values (1, 0)')
      } finally {
        await admin.query(rows[0]?.source ?? '')
      }
    })
    expect(await contradictions('hurried')).not.toEqual([])
  })

  it('once, by one of its triggers, even when a trigger is added while it is prepared', async () => {
    await migrate(`create table late (id int primary key, n int); select rowhouse.protect('late')`)
    await withClient(database().appUrl, async (app) => {
      const insert = async (id: number): Promise<void> => {
        await app.query('begin')
        await worlds.a.enter(app)
        await app.query({ name: 'insert', text: 'insert into late (id, n) values ($1, 0)', values: [id] })
        await app.query('commit')
      }
      await insert(1)
      await migrate(`create function public.look() returns trigger language plpgsql as 'begin return null; end';
        create trigger look after insert on late for each row execute function public.look()`)
      await insert(2)
      await migrate('drop trigger look on late')
      await insert(3)
    })
    expect(await actionsOf('late')).toEqual(['insert 1', 'insert 2', 'insert 3'])
  })
})

describe('a write is refused', () => {
  it('over transition tables as row by row: without a seal, for another organization, by a report', async () => {
    await migrate(`
      create table strict (id int primary key); select rowhouse.protect('strict', '{"write": null}');
      create table loud (id int primary key); select rowhouse.protect('loud', '{"write": null}');
      create trigger look after insert on loud for each row execute function public.look()`)
    await withClient(database().adminUrl, (admin) =>
      admin.query(
        'alter policy rowhouse_organization on strict using (true) with check (true);' +
          'alter policy rowhouse_organization on loud using (true) with check (true)',
      ),
    )
    for (const table of ['strict', 'loud']) {
      const foreign = `insert into ${table} (organization_id, id) values ('${worlds.b.organizationId}', 1)`
      expect(await sqlstateOf(withClient(database().appUrl, (app) => app.query(foreign)))).toBe('RH014')
      expect(await sqlstateOf(write(foreign))).toBe('RH015')
      await write(`insert into ${table} (id) values (2)`)
      expect(await sqlstateOf(write(`update ${table} set organization_id = '${worlds.b.organizationId}'`))).toBe(
        'RH015',
      )
    }
  })
})
