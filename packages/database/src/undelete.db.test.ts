// What the change log saw comes back exactly: every type, every odd value, or it says what did not.
import { createTwoWorlds, sqlstateOf, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import * as fc from 'fast-check'
import type { Client } from 'pg'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
let worlds: TwoWorlds
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

const migrate = (sql: string): Promise<unknown> => withClient(database().migratorUrl, (migrator) => migrator.query(sql))

async function act<Result>(app: Client, use: () => Promise<Result>): Promise<Result> {
  await app.query('begin')
  try {
    await worlds.a.enter(app)
    const result = await use()
    await app.query('commit')
    return result
  } catch (error) {
    await app.query('rollback')
    throw error
  }
}

const asA = <Result>(use: (app: Client) => Promise<Result>): Promise<Result> =>
  withClient(database().appUrl, (app) => act(app, () => use(app)))

const undelete = (app: Client, table: string, record: string) =>
  app.query<{ column_name: string; reason: string }>('select * from rowhouse.undelete($1::regclass, $2)', [
    table,
    record,
  ])

describe('a value comes back as it was', () => {
  const types: Record<string, readonly string[]> = {
    int8: ['9007199254740993', '-9223372036854775808'],
    numeric: ['0.10000000000000000000000000000001', 'NaN', '1e400'],
    float8: ['-0', '0.1', 'Infinity', '-Infinity', 'NaN', '1e-308'],
    float4: ['-0', '3.4028235e38'],
    text: ['', '***x', 'null', '"', '\\', 'a\nb', '\u{1f3e0}'],
    bool: ['t'],
    date: ['infinity', '0044-03-15 BC', '2026-02-03'],
    timestamp: ['-infinity', '2026-02-03 04:05:06.789012'],
    timestamptz: ['2026-02-03 04:05:06.789012+14', '0044-03-15 BC'],
    timetz: ['04:05:06+02:30'],
    interval: ['1 year -2 mons 3 days -04:05:06.7', '-1 day'],
    bytea: ['\\x', '\\x00ff'],
    uuid: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    inet: ['192.0.2.0/24'],
    json: ['null', ' {"b": 1, "b": 2, "a":   "\\u0000"} ', '[1.0, -0]', '"\\\\u0000"'],
    jsonb: ['null', '{"a": 12345678901234567890.123}', '[]', '"***"'],
    'int4[]': ['{}', '{1,NULL,3}', '[0:1]={1,2}', '{{1,2},{3,4}}'],
    'text[]': ['{"a,b",NULL,"NULL",""}', '[-1:-1]={x}'],
    'jsonb[]': ['{"null",NULL}'],
    int4range: ['empty', '[1,5)', '(,)'],
    daterange: ['[2026-01-02,2026-02-03)'],
    tstzmultirange: ['{[2026-01-02 00:00:00+00,2026-01-03 00:00:00+00)}'],
    point: ['(0.1,-0)'],
    tsvector: ["'a':1A 'b c':2"],
    bit: ['1'],
    regclass: ['pg_catalog.pg_class'],
    'char(5)': ['ab   '],
    xid8: ['18446744073709551615'],
  }
  const columns = Object.keys(types)

  it('of every type, with odd values, whatever the session says', async () => {
    await migrate(`
      create domain public.tags as text[] check (cardinality(value) < 9);
      create type public.pair as (a jsonb, b int[]);
      create table things (id int primary key, ${columns.map((type, n) => `c${n} ${type}`).join(', ')}, t public.tags, p public.pair,
        made int generated always as (id * 2) stored, counted bigint generated always as identity);
      select rowhouse.protect('things')`)
    const odd = fc.record(
      Object.fromEntries(
        columns.map((type, n) => [`c${n}`, fc.option(fc.constantFrom(...(types[type] as string[])), { freq: 6 })]),
      ),
    )
    let id = 0
    await withClient(database().appUrl, async (app) => {
      await fc.assert(
        fc.asyncProperty(odd, fc.constantFrom("'SQL, DMY'", "'ISO, MDY'", "'German'"), async (values, style) => {
          id += 1
          await app.query(
            `set datestyle = ${style}; set timezone = 'Asia/Tokyo'; set extra_float_digits = 0; set intervalstyle = 'postgres'`,
          )
          const names = Object.keys(values)
          const image = () =>
            app.query<{ row: string }>(
              `select set_config('datestyle', 'ISO', true), set_config('extra_float_digits', '3', true), t::text as row from things t where id = $1`,
              [id],
            )
          await act(app, () =>
            app.query(
              `insert into things (id, t, p, ${names.join(', ')}) values ($1, '[0:0]={x}', '(null,"[0:0]={1}")', ${names.map((name, n) => `$${n + 2}::text::${columns[Number(name.slice(1))]}`).join(', ')})`,
              [id, ...names.map((name) => values[name])],
            ),
          )
          const before = (await act(app, image)).rows
          await act(app, () => app.query('delete from things where id = $1', [id]))
          await act(app, async () => expect((await undelete(app, 'things', String(id))).rows).toEqual([]))
          expect((await act(app, image)).rows.map(({ row }) => row)).toEqual(before.map(({ row }) => row))
        }),
        { numRuns: 60 },
      )
    })
  })
})

describe('an undelete', () => {
  it('says what could not come back: hidden values, columns that are gone', async () => {
    await migrate(`create table vaults (id int primary key, secret text, gone text, kept text);
      select rowhouse.protect('vaults', '{"mask": ["secret"]}')`)
    await asA((app) => app.query("insert into vaults (id, secret, gone, kept) values (1, 'hush', 'x', 'y')"))
    await asA((app) => app.query('delete from vaults'))
    await migrate('alter table vaults drop column gone; alter table vaults add column later int default 7')
    const { rows } = await asA((app) => undelete(app, 'vaults', '1'))
    expect(rows).toEqual([
      { column_name: 'secret', reason: 'its values are hidden from the change log' },
      { column_name: 'gone', reason: 'the table has no such column any more' },
    ])
    expect((await asA((app) => app.query('select secret, kept, later from vaults'))).rows).toEqual([
      { secret: null, kept: 'y', later: 7 },
    ])
  })

  it('is refused where the record stands, another took its place, its parent is gone, or a hidden value is needed', async () => {
    await migrate(`
      create table owners (organization_id uuid not null default rowhouse.organization_id(), id int, primary key (organization_id, id));
      create table pets (organization_id uuid not null default rowhouse.organization_id(), id int, owner int, name text, chip text not null default '',
        primary key (organization_id, id), unique (organization_id, name), foreign key (organization_id, owner) references owners);
      select rowhouse.protect('owners'); select rowhouse.protect('pets', '{"mask": ["chip"]}')`)
    await asA((app) =>
      app.query(
        "with o as (insert into owners (id) values (1)) insert into pets (id, owner, name) values (1, null, 'rex'), (2, null, 'bo')",
      ),
    )
    await asA((app) => app.query('update pets set owner = 1'))
    expect(await sqlstateOf(asA((app) => undelete(app, 'pets', '1')))).toBe('RH051')
    expect(await sqlstateOf(asA((app) => undelete(app, 'pets', '9')))).toBe('RH051')
    await asA((app) => app.query('delete from pets'))
    await asA((app) => app.query("insert into pets (id, name) values (3, 'rex')"))
    expect(await sqlstateOf(asA((app) => undelete(app, 'pets', '1')))).toBe('RH052')
    await asA((app) => app.query('delete from owners'))
    expect(await sqlstateOf(asA((app) => undelete(app, 'pets', '2')))).toBe('RH053')
    await asA((app) => undelete(app, 'owners', '1'))
    await asA((app) => undelete(app, 'pets', '2'))
    await migrate('alter table pets alter column chip drop default')
    await asA((app) => app.query('delete from pets where id = 3'))
    expect(await sqlstateOf(asA((app) => undelete(app, 'pets', '3')))).toBe('RH054')
  })

  it('is held by policies: not of another organization, not by a viewer', async () => {
    const [note] = worlds.a.noteIds
    await asA((app) => app.query('delete from notes where id = $1', [note]))
    const as = (world: TwoWorlds['a'], user: string): Promise<string> =>
      sqlstateOf(
        withClient(database().appUrl, async (app) => {
          await app.query('begin')
          await world.enter(app, { user })
          await undelete(app, 'notes', String(note))
        }),
      )
    expect(await as(worlds.b, worlds.b.ownerId)).toBe('RH051')
    expect(await as(worlds.a, worlds.a.viewerId)).toBe('42501')
    expect((await asA((app) => undelete(app, 'notes', String(note)))).rows).toEqual([])
  })
})
