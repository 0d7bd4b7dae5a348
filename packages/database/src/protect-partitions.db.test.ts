// The option partitions: what is kept of the table, who reaches a partition, and how many of them a query reads.
import { withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { act, outcome, useTables } from './test-tables.ts'

const tables = useTables()

describe('partitions', () => {
  it('keep what the table has', async () => {
    const { migrator, protect, worlds } = tables()
    await migrator.query(`
      create table authors (id int primary key);
      create type mood as enum ('good', 'bad');
      create domain short as text check (length(value) < 5);
      create table books (
        id serial primary key, number int generated always as identity, title short not null, mood mood default 'good',
        author_id int references authors, upper text generated always as (upper(title)) stored,
        constraint title_is_not_x check (title <> 'x'), constraint title_is_taken_once unique (title)
      ) with (fillfactor = 70);
      create table pages (id int primary key, book_id int constraint page_of_a_book references books);
      create index books_by_mood on books (mood) where mood = 'bad';
      create function shout() returns trigger language plpgsql as 'begin new.title := new.title || ''!''; return new; end';
      create trigger shout before insert on books for each row execute function shout();
      create policy no_bad on books as restrictive using (mood <> 'bad');
      comment on table books is 'Books'; comment on column books.title is 'Title';
      comment on index books_by_mood is 'Index';
      grant select on books to rowhouse_control;
      select setval('books_id_seq', 41), setval(pg_get_serial_sequence('books', 'number'), 6)`)
    for (const table of ['authors', 'books', 'pages']) await protect(table)
    await migrator.query("comment on constraint title_is_taken_once on books is 'Constraint'")
    const said = await protect('books', { partitions: 4 })
    expect(said).toContain('4 hash partitions by organization_id')
    expect(said.at(-1)).toBe('4 partitions are reached through shop.books only')
    expect(await protect('books', { partitions: 4 })).toEqual([])
    await protect('pages')

    await act(tables(), worlds.a, async (app) => {
      const { rows } = await app.query(
        "insert into books (title) values ('a') returning id, number, title, mood, upper",
      )
      expect(rows).toEqual([{ id: 42, number: 7, title: 'a!', mood: 'good', upper: 'A!' }])
      expect(await outcome("insert into books (title) values ('a')")(app)).toBe('23505')
      expect(await outcome("insert into books (title) values ('abcd')")(app)).toBe('23514')
      expect(await outcome("insert into books (title, mood) values ('b', 'bad')")(app)).toBe('42501')
      expect(await outcome('insert into pages (id, book_id) values (1, 42)')(app)).toBe(1)
      expect(await outcome('insert into pages (id, book_id) values (2, 43)')(app)).toBe('23503')
      expect(await outcome('insert into books (title, author_id) values ($1, 9)', ['c'])(app)).toBe('23503')
    })
    await act(tables(), worlds.b, async (app) => {
      expect(await outcome('insert into pages (id, book_id) values (1, 42)')(app)).toBe('23503')
      expect(await outcome('select from books')(app)).toBe(0)
    })
    const { rows } = await migrator.query(`
      select obj_description('books'::regclass, 'pg_class') as "table", col_description('books'::regclass, 3) as "column",
        obj_description('books_by_mood'::regclass, 'pg_class') as "index",
        (select obj_description(oid, 'pg_constraint') from pg_constraint where conname = 'title_is_taken_once' and conrelid = 'books'::regclass) as "constraint",
        has_table_privilege('rowhouse_control', 'books', 'select') as granted,
        (select reloptions::text from pg_class where oid = 'books_p0'::regclass) as storage,
        pg_get_serial_sequence('books', 'id') as sequence`)
    expect(rows).toEqual([
      {
        table: 'Books',
        column: 'Title',
        index: 'Index',
        constraint: 'Constraint',
        granted: true,
        storage: '{fillfactor=70}',
        sequence: 'shop.books_id_seq',
      },
    ])
    expect(await tables().findings()).toEqual([])
  })

  it('are not reached directly, also where somebody grants one; without row security of its own it would show all', async () => {
    const { migrator, protect, worlds, refusal, database } = tables()
    await migrator.query('create table items (id int primary key)')
    await protect('items', { partitions: 2 })
    await act(tables(), worlds.a, outcome('insert into items (id) values (1)'))
    const parts = 'select from items_p0 union all select from items_p1'
    expect(await act(tables(), worlds.b, outcome(parts))).toBe('42501')
    expect(await refusal("select rowhouse.protect('items_p0')")).toBe('RH020')
    const admin = (statement: string): Promise<unknown> =>
      withClient(database.adminUrl, (client) => client.query(`set search_path = shop; ${statement}`))
    await admin('grant select on items_p0, items_p1 to rowhouse_app')
    expect(await act(tables(), worlds.b, outcome(parts))).toBe(0)
    await admin('alter table items_p0 disable row level security; alter table items_p1 disable row level security')
    expect(await act(tables(), worlds.b, outcome(parts))).toBe(1)
  })

  it('one is read by a sealed query, the others are not', async () => {
    const { migrator, protect, worlds } = tables()
    await migrator.query('create table items (id int primary key, n int)')
    await protect('items', { partitions: 16 })
    await act(tables(), worlds.a, outcome('insert into items (id) select generate_series(1, 50)'))
    await act(tables(), worlds.a, async (app) => {
      for (const statement of ['select * from items', 'update items set n = 1', 'delete from items where id = 7']) {
        const { rows } = await app.query<{ 'QUERY PLAN': string }>(
          `explain (analyze, costs off, timing off) ${statement}`,
        )
        const scans = rows
          .map((row) => row['QUERY PLAN'])
          .filter((line) => /(Scan|Seek).* on (items_p|items_p\d+)/.test(line))
        expect(scans.filter((line) => !line.includes('never executed') && !/Bitmap Index/.test(line))).toHaveLength(1)
      }
    })
  })

  it.each<[string, string, number]>([
    ['a table with rows', 'create table items (organization_id uuid, id int, primary key (organization_id, id))', 1],
    ['a table that a view reads', 'create table items (id int primary key); create view v as select * from items', 0],
    [
      'a table that is partitioned otherwise',
      'create table items (id int, at date, primary key (id, at)) partition by range (at)',
      0,
    ],
    [
      'a table in a publication',
      'create table items (id int primary key); create publication shop_items for table items',
      0,
    ],
  ])('are refused for %s, which stays as it was', async (_, statements, rows) => {
    const { migrator, refusal, worlds, database } = tables()
    await migrator.query(statements.replace(/create publication.*/, ''))
    const publish = /create publication.*/.exec(statements)?.[0]
    if (publish !== undefined) {
      await withClient(database.adminUrl, (admin) => admin.query(`set search_path = shop; ${publish}`))
    }
    if (rows > 0) await migrator.query('insert into items values ($1, 1)', [worlds.a.organizationId])
    const shape = async (): Promise<unknown> =>
      (
        await migrator.query(
          "select attname from pg_attribute where attrelid = 'items'::regclass and attnum > 0 order by attnum",
        )
      ).rows
    const before = await shape()
    expect(await refusal(`select rowhouse.protect('items', '{"partitions": 4}')`)).toBe('RH025')
    expect(await shape()).toEqual(before)
  })

  it('have names that fit', async () => {
    const { migrator, protect } = tables()
    const name = 'ü'.repeat(31)
    await migrator.query(`create table "${name}" (id int primary key)`)
    await protect(`"${name}"`, { partitions: 12 })
    const { rows } = await migrator.query<{ name: string }>(
      'select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = $1::regclass order by 1',
      [`"${name}"`],
    )
    expect(rows[0]?.name).toBe(`${'ü'.repeat(29)}_p00`)
    expect(rows).toHaveLength(12)
  })
})
