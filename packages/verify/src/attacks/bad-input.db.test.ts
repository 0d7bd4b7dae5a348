// What an attack meets in databases as they come: each is handled, or named in the report as not covered.
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterEach, describe, expect, it } from 'vitest'

import type { NotCovered, VerifyReport } from '../report/report.ts'
import { verifyDatabase } from '../verify-database.ts'
import type { AttackDatabaseOptions } from './attack-database.ts'

const database = useTestDatabase()
const made: { databases: string[]; roles: string[] } = { databases: [], roles: [] }

const urlOf = (name: string, login?: { name: string; password: string }): string => {
  const url = new URL(database().adminUrl)
  url.pathname = `/${name}`
  if (login !== undefined) [url.username, url.password] = [login.name, login.password]
  return url.href
}
const onServer = (statement: string): Promise<unknown> =>
  withClient(database().adminUrl, (admin) => admin.query(statement))

async function makeDatabase(name: string, schema: string): Promise<string> {
  const unique = `${database().name}_${name}`
  made.databases.push(unique)
  await onServer(`create database ${unique}`)
  await withClient(urlOf(unique), (admin) => admin.query(schema))
  return unique
}
async function makeRole(name: string, attributes = 'login'): Promise<string> {
  // A login of Rowhouse's own begins otherwise.
  const unique = `bad_${database().name.replace('rowhouse_test_', '')}_${name}`
  made.roles.push(unique)
  await onServer(`create role ${unique} ${attributes}`)
  return unique
}
afterEach(async () => {
  for (const name of made.databases.splice(0)) await onServer(`drop database if exists ${name} with (force)`)
  for (const name of made.roles.splice(0)) await onServer(`drop owned by ${name}; drop role ${name}`)
})

const attack = (url: string, options: AttackDatabaseOptions = {}): Promise<VerifyReport> =>
  verifyDatabase(url, {
    attack: {
      shrinksMax: 0,
      statementTimeoutMs: 1_000,
      ...options,
      clone: { scratch: 'same-server', ...options.clone },
    },
  })
const reasonFor = ({ attack: coverage }: VerifyReport, object: string): string | undefined =>
  coverage?.notCovered.find((entry: NotCovered) => entry.object.startsWith(object))?.reason

const TENANTS = `create table public.tenants (id uuid primary key, name text);
  alter table public.tenants enable row level security; alter table public.tenants force row level security;
  create policy own on public.tenants using (id = nullif(current_setting('app.tenant', true), '')::uuid);`
const policyOn = (
  table: string,
): string => `alter table ${table} enable row level security; alter table ${table} force row level security;
  create policy own on ${table} using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);`

describe('what reaches outside', () => {
  it('is disabled in scratch and named: dblink, postgres_fdw, subscriptions, COPY PROGRAM, files', async () => {
    const app = await makeRole('outside')
    const name = await makeDatabase(
      'outside',
      `${TENANTS} create table public.orders (tenant_id uuid not null references tenants, id uuid not null, total int, primary key (tenant_id, id));
       ${policyOn('public.orders')}
       create extension dblink; create extension postgres_fdw;
       create server far foreign data wrapper postgres_fdw options (host '203.0.113.7', dbname 'x');
       create foreign table public.far_orders (tenant_id uuid, id uuid) server far;
       create schema net; create function net.http_get(url text) returns bigint language sql as 'select 1';
       create function public.calls() returns int language sql as $$ select 1 from public.dblink('host=203.0.113.7', 'select 1') t (n int) $$;
       create function public.asks() returns bigint language sql as $$ select net.http_get('http://203.0.113.7') $$;
       create function public.runs() returns void language plpgsql security definer as $$ begin copy public.orders to program 'cat > /tmp/rowhouse-never'; end $$;
       create function public.files() returns void language plpgsql security definer as $$ begin perform pg_read_file('/etc/passwd'); end $$;
       create subscription never connection 'host=203.0.113.7 dbname=x' publication p with (connect = false, slot_name = none);
       grant select, insert on public.orders, public.far_orders to ${app}; grant usage on schema net to ${app}`,
    )
    try {
      const report = await attack(urlOf(name))
      const outside = (object: string): string => reasonFor(report, object) ?? 'not named'
      expect(outside('extension dblink')).toContain('raises an error in scratch')
      expect(outside('extension postgres_fdw')).toContain('raises an error in scratch')
      expect(outside('function public.calls()')).toContain('dblink')
      expect(outside('function public.asks()')).toContain('HTTP')
      expect(outside('function public.runs()')).toContain('COPY … PROGRAM')
      expect(outside('function public.files()')).toContain('files of the server')
      expect(outside('subscription never')).toContain('another server')
      // It is there, and its wrapper has lost its handler: nobody was asked, and nothing waited.
      expect(report.attack?.cells).toBeGreaterThan(100)
      expect(report.undecided).toEqual([])
    } finally {
      await withClient(urlOf(name), (admin) => admin.query('drop subscription never'))
    }
  }, 300_000)

  it('does what it says where nothing disables it', async () => {
    // The same function in the source does what it says.
    await withClient(urlOf('postgres'), async (admin) => {
      await admin.query('begin')
      await admin.query(
        `create function pg_temp.files() returns boolean language plpgsql as $$ begin return pg_read_file('PG_VERSION') is not null; end $$`,
      )
      expect((await admin.query('select pg_temp.files() as read')).rows).toEqual([{ read: true }])
      await admin.query('rollback')
    })
  })
})

describe('a database that is hard to copy', () => {
  it('is undecided for a login that may not read the catalogue, and says which table of it', async () => {
    const reader = await makeRole('blind', `login password 'blind'`)
    const name = await makeDatabase('blind', `${TENANTS} revoke select on pg_proc from public`)
    const report = await attack(urlOf(name, { name: reader, password: 'blind' }), {
      clone: { scratch: new URL(database().adminUrl) },
    })
    expect(report.outcome).toBe('undecided')
    expect(report.undecided.join('\n')).toMatch(/Nothing was attacked: permission denied for (table|function) pg_proc/)
    expect(report.attack?.notCovered).toEqual([expect.objectContaining({ object: 'database', probe: 'all' })])
  })

  it('names an extension that the scratch server has not, and what needs it', async () => {
    const app = await makeRole('missing')
    const name = await makeDatabase(
      'missing',
      `${TENANTS} create extension citext; create table public.people (tenant_id uuid not null references tenants, id uuid not null, email public.citext, primary key (tenant_id, id));
       create table public.sound (tenant_id uuid not null references tenants, id uuid not null, primary key (tenant_id, id));
       ${policyOn('public.people')} ${policyOn('public.sound')}
       grant select on public.people, public.sound to ${app};
       update pg_extension set extname = 'absent' where extname = 'citext'`,
    )
    const report = await attack(urlOf(name))
    expect(reasonFor(report, 'extension absent')).toMatch(/not available|could not open|control file/)
    expect(reasonFor(report, 'table public.people')).toBeDefined()
    expect(report.examined.tables).toContain('public.people')
    expect(report.attack?.cells).toBeGreaterThan(100)
  })

  it('is copied no longer than is allowed', async () => {
    const name = await makeDatabase('long', TENANTS)
    const report = await attack(urlOf(name), { clone: { copySeconds: 0 } })
    expect(report.outcome).toBe('undecided')
    expect(report.undecided.join('\n')).toContain('The schema was not copied within 0 seconds.')
  })

  it('is attacked for its time and no longer where it has a thousand tables, and what is left is counted', async () => {
    const app = await makeRole('many')
    const name = await makeDatabase(
      'many',
      `${TENANTS} do $$ begin for n in 1..1000 loop
         execute format('create table t_%s (tenant_id uuid not null references tenants, id uuid not null, primary key (tenant_id, id))', n);
         execute format('alter table t_%s enable row level security', n);
         execute format('create policy own on t_%s using (tenant_id = nullif(current_setting(%L, true), %L)::uuid)', n, 'app.tenant', '');
         execute format('grant select on t_%s to ${app}', n);
       end loop; end $$`,
    )
    let clockMs = 0
    const report = await attack(urlOf(name), {
      attackSeconds: 60,
      now: () => clockMs,
      onProgress: ({ phase, done }) => {
        if (phase === 'attacking' && done >= 200) clockMs = 61_000
      },
    })
    expect(report.examined.tables).toHaveLength(1001)
    expect(report.undecided).toContainEqual(
      expect.stringMatching(
        /^The time was over before every probe had run: \d+ of \d+ were not tried, on \d+ objects\.$/,
      ),
    )
    expect(report.attack?.cells).toBeGreaterThan(100)
    const left = (report.attack?.notCovered ?? []).filter(({ reason }) => reason === 'the time was over')
    expect(left.length).toBeGreaterThan(900)
    expect(left.every(({ probe }) => /^\d+ probes$/.test(probe))).toBe(true)
  }, 600_000)
})

describe('tables that are hard to fill or to probe', () => {
  it('are attacked: no primary key, partitions, generated columns, domains, enums, exclusions, odd names', async () => {
    const app = await makeRole('odd')
    const name = await makeDatabase(
      'odd',
      `${TENANTS}
       create type public.stage as enum ('lead', 'won'); create domain public.money_amount as numeric check (value >= 0);
       create table public.keyless (tenant_id uuid not null references tenants, note text);
       create table public.parts (tenant_id uuid not null references tenants, id int not null, at date not null, primary key (tenant_id, id, at)) partition by range (at);
       create table public.parts_2026 partition of public.parts for values from ('2026-01-01') to ('2027-01-01');
       create table public.deals (tenant_id uuid not null references tenants, id int not null, stage public.stage not null, amount public.money_amount not null,
         doubled numeric generated always as (amount * 2) stored, during daterange not null, primary key (tenant_id, id),
         exclude using gist (during with &&));
       create table public."Odd ""name""; --" (tenant_id uuid not null references tenants, "Ünï" int not null, primary key (tenant_id, "Ünï"));
       create table public.columnless ();
       ${['public.keyless', 'public.parts', 'public.deals', 'public."Odd ""name""; --"'].map(policyOn).join('\n')}
       grant select, insert, update, delete on all tables in schema public to ${app}; revoke all on public.parts_2026, public.tenants from ${app}`,
    )
    const report = await attack(urlOf(name))
    expect(report.undecided).toEqual([])
    const found = report.findings
      .filter(({ source }) => source === 'attack')
      .map(({ code, object }) => `${code}: ${object}`)
    // The one hole: an exclusion without the tenant. All others are kept apart, and were probed.
    expect(found.filter((line) => line.includes('table '))).toEqual([
      'constraint_tells_of_another_organization: table public.deals',
    ])
    const unprobed = (report.attack?.notCovered ?? []).filter(({ object }) => /keyless|parts|deals|Odd/.test(object))
    expect(unprobed).toEqual([])
  }, 300_000)
})
