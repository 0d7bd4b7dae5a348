// Each class of hole that only shows when somebody runs against it: a street of houses, each with one hole, and the same
// street mended. Every house is a table of its own, or stands beside one, so that a finding names its hole. Long because
// it is one list.
import { afterEach, describe, expect, it } from 'vitest'

import type { Finding } from '../report/report.ts'
import type { Ownership } from './arena.ts'
import { buildHouse } from './fixtures/house.ts'
import type { House } from './fixtures/house.ts'
import type { AttackResult } from './options.ts'
import { runAttacks } from './run-attacks.ts'
import { A, B, bySetting, byColumn, id } from './test-arena.ts'
import type { HandMade } from './test-arena.ts'

let built: HandMade | undefined
afterEach(async () => {
  await built?.drop()
  built = undefined
})

async function attack(house: House): Promise<AttackResult> {
  built = await buildHouse(house)
  const result = await runAttacks(built.arena)
  expect(result.undecided).toEqual([])
  return result
}

const named = ({ code, object }: Finding): string => `${code}: ${object}`

interface Hole {
  /** `{t}` is a table of the street with columns organization_id, id, name, code, kept apart as it should be. */
  readonly hole: string
  readonly after?: (world: 0 | 1) => string
  readonly owns?: Readonly<Record<string, Ownership>>
  /** `code: object`. */
  readonly finds: string
  /** The same thing done right; nothing where the table as it is made is. */
  readonly mended?: string
}

const SEEN = 'rows_of_another_organization_seen'
const CHANGED = 'rows_of_another_organization_changed'
const CONSTRAINT = 'constraint_tells_of_another_organization'
const me = '(organization_id = any (array[(select private.me())]))'
const fn = (name: string, returns: string, body: string, settings = 'set search_path = pg_catalog, pg_temp'): string =>
  `create function ${name} returns ${returns} language plpgsql security definer ${settings} as $$ begin ${body}; end $$;`
const noted = (
  t: string,
): string => `${fn(`${t}_note()`, 'trigger', `insert into ${t} values (new.organization_id, gen_random_uuid(), 'noted', gen_random_uuid()::text); return null`)}
  create trigger note after insert on ${t} for each row when (new.name <> 'noted') execute function ${t}_note();`

const holes: Readonly<Record<string, Hole>> = {
  'row security is off': { hole: 'alter table {t} disable row level security', finds: `${SEEN}: table {t}` },
  'row security is not forced, and the login owns the table': {
    hole: 'alter table {t} no force row level security, owner to {login}',
    finds: `${SEEN}: table {t}`,
  },
  'a second permissive policy opens what the first closes': {
    hole: 'create policy everybody on {t} for select using (true)',
    finds: `${SEEN}: table {t}`,
    mended: 'create policy everybody on {t} as restrictive for select using (true)',
  },
  'a policy is an equality, from which the planner draws conclusions': {
    hole: 'alter policy own on {t} using (organization_id = (select private.me()))',
    finds: `${SEEN}: table {t}`,
  },
  'an insert is not checked': {
    hole: 'create policy adds on {t} for insert with check (true)',
    finds: `${CHANGED}: table {t}`,
    mended: `create policy adds on {t} for insert with check ${me}`,
  },
  'an update may move a row: only a blind one shows it': {
    hole: `create policy moves on {t} for update using ${me} with check (true)`,
    finds: `${CHANGED}: table {t}`,
    mended: `create policy moves on {t} for update using ${me}`,
  },
  'a delete is not held': {
    hole: 'create policy drops on {t} for delete using (true)',
    finds: `${CHANGED}: table {t}`,
  },
  'a unique key leaves the organization out': {
    hole: 'alter table {t} add unique (code)',
    finds: `${CONSTRAINT}: table {t}`,
    mended: 'alter table {t} add unique (organization_id, code)',
  },
  'a unique key is checked at the end of the transaction': {
    hole: 'alter table {t} add unique (code) deferrable initially deferred',
    finds: `${CONSTRAINT}: table {t}`,
    mended: 'alter table {t} add unique (organization_id, code) deferrable initially deferred',
  },
  'a unique index is over an expression': {
    hole: 'create unique index on {t} (lower(code), code)',
    finds: `${CONSTRAINT}: table {t}`,
    mended: 'create unique index on {t} (organization_id, lower(code), code)',
  },
  'an exclusion leaves the organization out': {
    hole: 'alter table {t} add exclude using hash (code with =)',
    finds: `${CONSTRAINT}: table {t}`,
    mended: 'alter table {t} add exclude using btree (organization_id with =, code with =)',
  },
  'a foreign key leaves the organization out': {
    hole: 'alter table {t} add unique (id), add parent uuid references {t} (id)',
    finds: `${CONSTRAINT}: table {t}`,
    mended: 'alter table {t} add parent uuid, add foreign key (organization_id, parent) references {t}',
  },
  'a delete cascades to everybody from a table that is nobody’s': {
    hole: `create table {t}_tags (tag int primary key); insert into {t}_tags values (1);
      alter table {t} add tag int references {t}_tags on delete cascade; grant select, delete on {t}_tags to {login}`,
    after: () => 'update {t} set tag = 1',
    finds: `${CHANGED}: table {t}_tags`,
    mended: `create table {t}_tags (tag int primary key); insert into {t}_tags values (1);
      alter table {t} add tag int references {t}_tags on delete cascade; grant select on {t}_tags to {login}`,
  },
  'a trigger compares with the rows of everybody': {
    hole: `${fn('{t}_once()', 'trigger', "if exists (select from {t} x where x.name = new.name and x.id <> new.id) then raise exception 'taken'; end if; return new")}
      revoke execute on function {t}_once() from public; create trigger once before insert on {t} for each row execute function {t}_once()`,
    finds: `write_depends_on_another_organization: table {t}`,
    mended: `${fn('{t}_once()', 'trigger', "if exists (select from {t} x where x.organization_id = new.organization_id and x.name = new.name and x.id <> new.id) then raise exception 'taken'; end if; return new")}
      revoke execute on function {t}_once() from public; create trigger once before insert on {t} for each row execute function {t}_once()`,
  },
  'a view reads as its owner': {
    hole: 'create view {t}_all as select * from {t}; grant select on {t}_all to {login}',
    finds: `${SEEN}: view {t}_all`,
    mended:
      'create view {t}_all with (security_invoker = true) as select * from {t}; grant select on {t}_all to {login}',
  },
  'a view filters, and an operator that fails is asked first': {
    hole: 'create view {t}_my as select * from {t} where organization_id::text = private.me()::text; grant select on {t}_my to {login}',
    finds: `answer_depends_on_another_organization: view {t}_my`,
    mended: `create view {t}_my with (security_barrier = true) as select * from {t} where organization_id::text = private.me()::text;
      grant select on {t}_my to {login}`,
  },
  'a view may be written past row security': {
    hole: `create view {t}_names as select organization_id, id, name, code from {t} where organization_id = private.me();
      grant insert on {t}_names to {login}`,
    finds: `${CHANGED}: view {t}_names`,
    mended: `create view {t}_names with (security_invoker = true) as select organization_id, id, name, code from {t};
      grant insert on {t}_names to {login}`,
  },
  'a materialized view is granted': {
    hole: 'create materialized view {t}_copy as select * from {t} with no data; grant select on {t}_copy to {login}',
    after: () => 'refresh materialized view {t}_copy',
    finds: `${SEEN}: materialized view {t}_copy`,
    mended: 'create materialized view {t}_copy as select * from {t} with no data',
  },
  'a partition is read directly': {
    hole: `create table {t}_events (organization_id uuid not null, what text) partition by hash (organization_id);
      create table {t}_events_0 partition of {t}_events for values with (modulus 1, remainder 0);
      alter table {t}_events enable row level security, force row level security;
      create policy own on {t}_events using ${me}; grant select on {t}_events, {t}_events_0 to {login}`,
    after: (world) => `insert into {t}_events values ('${A}', 'amber-event'), ('${B}', 'event-of-basalt-${world}')`,
    owns: { '{t}_events': byColumn('organization_id'), '{t}_events_0': byColumn('organization_id') },
    finds: `${SEEN}: table {t}_events_0`,
    mended: `create table {t}_events (organization_id uuid not null, what text) partition by hash (organization_id);
      create table {t}_events_0 partition of {t}_events for values with (modulus 1, remainder 0);
      alter table {t}_events enable row level security, force row level security;
      create policy own on {t}_events using ${me}; grant select on {t}_events to {login}`,
  },
  'a child by inheritance is read directly': {
    hole: 'create table {t}_old () inherits ({t}); grant select on {t}_old to {login}',
    after: (world) => `insert into {t}_old values ('${B}', gen_random_uuid(), 'old-basalt-${world}', 'old')`,
    owns: { '{t}_old': byColumn('organization_id') },
    finds: `${SEEN}: table {t}_old`,
    mended: 'create table {t}_old () inherits ({t})',
  },
  'a copy of a table has no row security': {
    hole: 'create table {t}_copy as table {t}; grant select on {t}_copy to {login}',
    after: () => 'insert into {t}_copy table {t}',
    owns: { '{t}_copy': byColumn('organization_id') },
    finds: `${SEEN}: table {t}_copy`,
    mended: 'create table {t}_copy as table {t}',
  },
  'a function of its owner counts everybody': {
    hole: fn('{t}_count()', 'bigint', 'return (select count(*) from {t})'),
    finds: 'function_depends_on_another_organization: function {t}_count()',
    mended: fn('{t}_count()', 'bigint', 'return (select count(*) from {t} where organization_id = private.me())'),
  },
  'a function of its owner shows what it is asked for': {
    hole: fn('{t}_name(wanted uuid)', 'text', 'return (select p.name from {t} p where p.id = wanted)'),
    finds: 'function_shows_another_organization: function {t}_name(uuid)',
    mended: fn(
      '{t}_name(wanted uuid)',
      'text',
      'return (select p.name from {t} p where p.id = wanted and p.organization_id = private.me())',
    ),
  },
  'a function of its owner names the others, by ids that are the same in both worlds': {
    hole: fn(
      '{t}_others()',
      'setof uuid',
      'return query select distinct p.organization_id from {t} p where p.organization_id <> private.me()',
    ),
    finds: 'function_shows_another_organization: function {t}_others()',
    mended: fn(
      '{t}_others()',
      'setof uuid',
      'return query select distinct p.organization_id from {t} p where p.organization_id = private.me()',
    ),
  },
  'a function of its owner reads what another would work out of its argument': {
    hole: fn('{t}_mark(wanted uuid)', 'text', 'return (select p.name from {t} p where p.id = wanted)'),
    after: () => 'update {t} set name = md5(id::text)',
    finds: 'function_shows_another_organization: function {t}_mark(uuid)',
    mended: fn('{t}_mark(wanted uuid)', 'text', 'return md5(wanted::text)'),
  },
  'a function of its owner puts its argument into SQL': {
    hole: fn(
      '{t}_find(what text)',
      'setof text',
      `return query execute format('select name from {t} where organization_id = private.me() and name = ''%s''', what)`,
    ),
    finds: 'function_shows_another_organization: function {t}_find(text)',
    mended: fn(
      '{t}_find(what text)',
      'setof text',
      `return query execute 'select name from {t} where organization_id = private.me() and name = $1' using what`,
    ),
  },
  'a procedure of its owner deletes what it is told': {
    hole: 'create procedure {t}_finish(wanted uuid) language plpgsql security definer set search_path = pg_catalog, pg_temp as $$ begin delete from {t} t where t.id = wanted; end $$',
    finds: 'function_changes_another_organization: procedure {t}_finish(uuid)',
    mended:
      'create procedure {t}_finish(wanted uuid) language plpgsql set search_path = pg_catalog, pg_temp as $$ begin delete from {t} t where t.id = wanted; end $$',
  },
  'a function says by a notice what it found': {
    hole: fn(
      '{t}_check(code text)',
      'void',
      `if exists (select from {t} p where p.code = "{n}_check".code) then raise notice 'taken'; end if`,
    ),
    finds: 'function_depends_on_another_organization: function {t}_check(text)',
    mended: fn(
      '{t}_check(code text)',
      'void',
      `if exists (select from {t} p where p.code = "{n}_check".code and p.organization_id = private.me()) then raise notice 'taken'; end if`,
    ),
  },
  'a function of its owner looks for tables where the caller says': {
    hole: fn(
      '{t}_mine()',
      'bigint',
      'return (select count(*) from {n} where organization_id = private.me())',
      'set search_path = app',
    ),
    finds: 'function_reads_temporary_table: function {t}_mine()',
    mended: fn(
      '{t}_mine()',
      'bigint',
      'return (select count(*) from {n} where organization_id = private.me())',
      'set search_path = app, pg_temp',
    ),
  },
  'a trigger function writes as its owner, and anybody may hang it on a table': {
    hole: noted('{t}'),
    after: () => `delete from {t} where name = 'noted'`,
    finds: 'trigger_function_writes_for_another_organization: function {t}_note()',
    mended: `${noted('{t}')} revoke execute on function {t}_note() from public`,
  },
  'TRUNCATE is granted': { hole: 'grant truncate on {t} to {login}', finds: `${CHANGED}: table {t}` },
  'TRIGGER is granted': { hole: 'grant trigger on {t} to {login}', finds: 'privilege_beyond_row_security: table {t}' },
  'REFERENCES is granted': {
    hole: 'grant references on {t} to {login}',
    finds: 'privilege_beyond_row_security: table {t}',
  },
  'the login may create in a schema': {
    hole: 'create schema {n}_open; grant usage, create on schema {n}_open to {login}',
    finds: 'login_creates_objects: schema {n}_open',
    mended: 'create schema {n}_open; grant usage on schema {n}_open to {login}',
  },
  'the login may become a role that row security does not hold': {
    hole: `do $$ begin if not exists (select from pg_roles where rolname = '{login}_admin') then create role {login}_admin bypassrls; end if; end $$;
      grant {login}_admin to {login}; grant usage on schema app to {login}_admin; grant select on {t} to {login}_admin`,
    finds: 'role_reaches_another_organization: table {t}',
    mended: 'grant usage on schema app to {login}',
  },
  'a plan shows what a function that calls itself immutable read': {
    hole: `create function {t}_most() returns text language plpgsql immutable security definer set search_path = pg_catalog, pg_temp
        as $$ begin return (select max(code) from {t}); end $$;
      create view {t}_small with (security_invoker = true) as select * from {t} where code < {t}_most(); grant select on {t}_small to {login}`,
    finds: 'plan_depends_on_another_organization: view {t}_small',
    mended: `create view {t}_small with (security_invoker = true) as select * from {t} where code < 'x'; grant select on {t}_small to {login}`,
  },
  'a schema of another organization may be read': {
    hole: `create schema {n}_b; create table {n}_b.orders (id uuid primary key, item text);
      grant usage on schema {n}_b to {login}; grant select on {n}_b.orders to {login}`,
    after: (world) => `insert into {n}_b.orders values (gen_random_uuid(), 'item-of-basalt-${world}')`,
    owns: { '{n}_b.orders': { a: 'false', b: 'true', tenantColumn: null } },
    finds: `${SEEN}: table {n}_b.orders`,
    mended: 'create schema {n}_b; create table {n}_b.orders (id uuid primary key, item text)',
  },
  'a trigger of a table that is nobody’s does what it is told': {
    hole: `create table {t}_orders (code text, done boolean); grant insert on {t}_orders to {login};
      ${fn('{t}_obey()', 'trigger', `update {t} set name = 'done' where code = new.code; return new`)}
      create trigger obey before insert on {t}_orders for each row execute function {t}_obey()`,
    finds: `${CHANGED}: table {t}_orders`,
    mended: `create table {t}_orders (code text, done boolean); grant insert on {t}_orders to {login};
      ${fn('{t}_obey()', 'trigger', `update {t} set name = 'done' where code = new.code and organization_id = private.me(); return new`)}
      create trigger obey before insert on {t}_orders for each row execute function {t}_obey()`,
  },
  'a rule of a table that is nobody’s does what it is told': {
    hole: `create table {t}_orders (code text); grant insert on {t}_orders to {login};
      create rule obey as on insert to {t}_orders do also update {t} set name = 'done' where code = new.code`,
    finds: `${CHANGED}: table {t}_orders`,
    mended: `create table {t}_orders (code text); grant insert on {t}_orders to {login};
      create rule obey as on insert to {t}_orders do also update {t} set name = 'done' where code = new.code and organization_id = private.me()`,
  },
  'an aggregate steps through a function of its owner': {
    hole: `create function {t}_step(bigint, text) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp
        as $$ begin return $1 + (select count(*) from {t} x where $2 <> ''); end $$;
      revoke execute on function {t}_step(bigint, text) from public;
      create aggregate {t}_known(text) (sfunc = {t}_step, stype = bigint, initcond = '0')`,
    finds: 'function_depends_on_another_organization: aggregate {t}_known(text)',
  },
  'a function takes the organization out of an object': {
    hole: fn(
      '{t}_of(given jsonb)',
      'text',
      `return (select min(x.name) from {t} x where x.organization_id = (given ->> 'organization')::uuid)`,
    ),
    finds: 'function_shows_another_organization: function {t}_of(jsonb)',
  },
  'a function takes organizations in an array': {
    hole: fn(
      '{t}_among(given uuid[])',
      'text',
      'return (select min(x.name) from {t} x where x.organization_id = any (given))',
    ),
    finds: 'function_shows_another_organization: function {t}_among(uuid[])',
  },
}

const numbered = Object.entries(holes).map(([name, hole], index) => ({ name, hole, table: `h${index}` }))
const put = (text: string, table: string): string => text.replaceAll('{t}', `app.${table}`).replaceAll('{n}', table)

/** All houses, with their holes or mended. */
const street = (isMended: boolean): House => ({
  hole: [
    `do $d$ begin execute format('grant temporary on database %I to {login}', current_database()); end $d$`,
    ...numbered.map(({ hole, table }) =>
      put(
        `create table {t} (organization_id uuid not null, id uuid not null, name text not null, code text, primary key (organization_id, id));
         alter table {t} enable row level security, force row level security;
         create policy own on {t} using ${me};
         grant select, insert, update, delete on {t} to {login};
         ${isMended ? (hole.mended ?? '') : hole.hole}`,
        table,
      ),
    ),
  ].join(';\n'),
  after: (world) =>
    numbered
      .map(({ hole, table }) => {
        const [letter, secret] = world === 0 ? (['b', 'basalt'] as const) : (['c', 'copper'] as const)
        const number = 100 * (1 + Number(table.slice(1)))
        const rows = [
          `('${A}', '${id('a', number)}', 'amber-lamp', 'A-1')`,
          `('${A}', '${id('a', number + 1)}', 'amber-door', 'A-2')`,
          ...Array.from(
            { length: 3 - world },
            (_, n) => `('${B}', '${id(letter, number + n)}', '${secret}-lamp-${n}', '${secret}-code-${n}')`,
          ),
        ]
        return put(
          `insert into {t} (organization_id, id, name, code) values ${rows.join(', ')}; ${hole.after?.(world) ?? ''}`,
          table,
        )
      })
      .join(';\n'),
  owners: Object.fromEntries(
    numbered.flatMap(({ hole, table }) => [
      [`app.${table}`, byColumn('organization_id')] as const,
      ...Object.entries(hole.owns ?? {}).map(([name, owner]) => [put(name, table), owner] as const),
    ]),
  ),
})

describe('a street of houses with a hole each', () => {
  it('finds every hole, and none in the houses mended', async () => {
    const { findings } = await attack(street(false))
    const found = new Set(findings.map(named))
    const wanted = numbered.map(({ name, hole, table }) => ({ name, finds: put(hole.finds, table) }))
    expect(wanted.filter(({ finds }) => !found.has(finds))).toEqual([])
    for (const { evidence } of findings) expect(evidence).toMatch(/^begin;[^]*rollback;/)
    await built?.drop()
    const mended = await attack(street(true))
    // TEMP is granted in this street, and said to be so.
    expect(mended.findings.map(named).map((name) => name.replace(/rowhouse_world\w+/, 'it'))).toEqual([
      'shared_session_function: database it',
    ])
  }, 600_000)
})

const apart = `drop policy own on app.tasks; create policy own on app.tasks using (organization_id::text = current_setting('app.organization_id', true));
  drop policy own on app.projects; create policy own on app.projects using`

describe('a context that is a setting', () => {
  it('is said to be one, once, and opens nothing else', async () => {
    const { findings } = await attack({
      hole: `${apart} (organization_id::text = current_setting('app.organization_id', true))`,
      contexts: (login) => bySetting(login),
    })
    expect(findings.map(named)).toEqual(['context_is_a_setting: context app.organization_id of A'])
  })

  it('is seen where none means everybody', async () => {
    const { findings } = await attack({
      hole: `${apart} (organization_id::text = current_setting('app.organization_id', true) or coalesce(current_setting('app.organization_id', true), '') = '')`,
      contexts: (login) => bySetting(login),
    })
    expect(findings.map(named)).toContain('rows_seen_without_context: table app.projects')
  })

  it('is seen where it outlives its transaction', async () => {
    const { findings } = await attack({
      hole: `${apart} (organization_id::text = current_setting('app.organization_id', true))`,
      contexts: (login) =>
        bySetting(login).map((context) =>
          context.enterAsB === undefined
            ? context
            : { ...context, enterAsB: () => [`select set_config('app.organization_id', '${B}', false)`] },
        ),
    })
    expect(findings.map(named)).toContain('rows_seen_without_context: table app.projects')
  })
})

describe('what misbehaves', () => {
  it('is contained, and named: functions that sleep, loop, raise, end their backend, differ by themselves', async () => {
    built = await buildHouse({
      hole: `create function app.sleeps() returns void language sql as 'select pg_catalog.pg_sleep(60)';
        create function app.loops() returns void language plpgsql as 'begin loop end loop; end';
        create function app.raises() returns void language plpgsql as 'begin raise exception ''no''; end';
        create function app.ends() returns boolean language plpgsql security definer as 'begin return pg_terminate_backend(pg_backend_pid()); end';
        create function app.dice() returns float8 language sql as 'select random()'`,
    })
    const { findings, undecided, coverage } = await runAttacks(built.arena, { statementTimeoutMs: 300 })
    expect(findings.map(named)).toEqual([])
    expect(undecided).toEqual([])
    const reason = (object: string): string | undefined =>
      coverage.notCovered.find((entry) => entry.object.startsWith(object))?.reason
    expect(reason('function app.sleeps')).toContain('time limit')
    expect(reason('function app.loops')).toContain('time limit')
    expect(reason('function app.ends')).toContain('connection was lost')
    expect(reason('function app.dice')).toContain('differs by itself')
    expect(reason('function app.raises')).toBeUndefined()
  })

  it('leaves it undecided: a context that cannot be entered, one that is nobody, and time that ran out', async () => {
    built = await buildHouse({
      contexts: (login) => [
        { name: 'broken', login, enter: () => ['select 1 / 0'], actsForA: true },
        { name: 'nobody who says to be A', login: `${login}_other`, enter: () => [], actsForA: true },
      ],
      hole: `do $$ begin if not exists (select from pg_roles where rolname = '{login}_other') then create role {login}_other login; end if; end $$`,
    })
    const { undecided } = await runAttacks(built.arena)
    expect(undecided).toEqual([
      expect.stringMatching(/^The context broken could not be entered: .*division by zero/),
      expect.stringMatching(/^The context nobody who says to be A sees none of A's own rows/),
    ])
    let clock = 0
    const late = await runAttacks(built.arena, { attackSeconds: 1, now: () => (clock += 1_000) })
    expect(late.undecided).toContainEqual(
      expect.stringMatching(
        /^The time was over before every probe had run: \d+ of \d+ were not tried, on \d+ objects\.$/,
      ),
    )
    const left = late.coverage.notCovered.filter(({ reason }) => reason === 'the time was over')
    expect(left.reduce((sum, { probe }) => sum + Number.parseInt(probe, 10), 0)).toBeGreaterThan(20)
  })
})
