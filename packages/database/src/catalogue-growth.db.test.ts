// Work on one home reads as much of the catalogue however many other homes there are. Counted, not timed: the rows that scans
// gave in one transaction, while the planner is told to go from row to row by an index wherever there is one. Among a few
// homes it would read a whole table because that is small.
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'

const database = useTestDatabase()
const FEW = 6
const MORE = 80
/** What is read anew because a cache of the session was not filled alike. A scan would read one row at least of each home more. */
const LEEWAY_ROWS = 60
/**
 * Many changes in other databases of the server empty the caches of every session, which then reads all it had: so it has a
 * server of its own. There autovacuum still works.
 */
const ATTEMPTS_MAX = 4

const CATALOGUE = `pg_class,pg_attribute,pg_constraint,pg_policy,pg_trigger,pg_depend,pg_shdepend,pg_proc,pg_type,pg_index,
  pg_namespace,pg_attrdef,pg_rewrite,pg_authid,pg_auth_members,pg_db_role_setting,pg_default_acl,pg_inherits,
  rowhouse.tenant_schemas,rowhouse.protection_events,rowhouse.applied_tenant_migrations,rowhouse.homes,rowhouse.placements,
  rowhouse.organizations,rowhouse.tenant_migrations,rowhouse.users`

/** Of each table: rows of sequential scans, rows fetched by way of an index, entries of indexes. */
const READ = `select t.oid::regclass::text as name, (
    pg_stat_get_xact_tuples_returned(t.oid) + pg_stat_get_xact_tuples_fetched(t.oid)
      + coalesce((select sum(pg_stat_get_xact_tuples_returned(i.indexrelid)) from pg_index i where i.indrelid = t.oid), 0)
  )::int as rows
  from unnest(string_to_array($1, ',')) w (name) cross join lateral (select trim(w.name, E' \\n')::regclass::oid as oid) t`

const tables = `create table contacts (id uuid primary key default gen_random_uuid(), email text);
  select rowhouse.protect('contacts');
  create function shout(word text) returns text language sql immutable return upper(word);
  create view names with (security_invoker = true) as select id, email from contacts`

async function makeTables(homes: readonly TestHome[]): Promise<void> {
  await withClient(database().migratorUrl, async (migrator) => {
    for (const { schemaName } of homes) {
      await migrator.query(`set search_path = ${schemaName}; ${tables}`)
      await migrator.query('select rowhouse.settle_home($1)', [schemaName])
      await migrator.query(
        `insert into rowhouse.applied_tenant_migrations (schema_name, version, name, checksum) values ($1, '20260101000000', 'm', 'c')`,
        [schemaName],
      )
    }
  })
}

type Work = (client: Client, home: TestHome) => Promise<unknown>

async function rowsRead(home: TestHome, work: Work): Promise<Map<string, number>> {
  return withClient(database().migratorUrl, async (client) => {
    await client.query(`begin; set local enable_seqscan = off; set local enable_hashjoin = off;
      set local enable_mergejoin = off; set local search_path = ${home.schemaName}, pg_temp`)
    const read = async (): Promise<Map<string, number>> => {
      const { rows } = await client.query<{ name: string; rows: number }>(READ, [CATALOGUE])
      return new Map(rows.map(({ name, rows: count }) => [name, count]))
    }
    // What asking costs, once its own caches are filled.
    await read()
    const [before, idle] = [await read(), await read()]
    await work(client, home)
    const after = await read()
    await client.query('rollback')
    const asking = (name: string): number => (idle.get(name) ?? 0) - (before.get(name) ?? 0)
    return new Map([...after].map(([name, rows]) => [name, rows - (idle.get(name) ?? 0) - asking(name)]))
  })
}

const works: Readonly<Record<string, Work>> = {
  'a new protected table': (client) =>
    client.query(`create table deals (id uuid primary key default gen_random_uuid(), contact_id uuid, amount numeric);
      select rowhouse.protect('deals')`),
  'protecting a table that refers to another': (client) =>
    client.query(`create table deals (id uuid primary key default gen_random_uuid(), contact_id uuid,
        organization_id uuid not null default rowhouse.organization_id(),
        foreign key (organization_id, contact_id) references contacts (organization_id, id));
      alter table deals drop constraint deals_pkey, add primary key (organization_id, id);
      select rowhouse.protect('deals')`),
  'a new protected table that comes from another home': async (client, { schemaName }) => {
    await client.query(`create table deals (id uuid primary key default gen_random_uuid(), amount numeric);
      select rowhouse.protect('deals')`)
    const { rows } = await client.query('select rowhouse.make_alike($1::regclass, $2) as made', [
      `${schemaName}.deals`,
      homes.slice(1, 4).map((other) => other.schemaName),
    ])
    expect(rows).toEqual([{ made: true }])
  },
  'an added column, which the guard looks at': (client) => client.query('alter table contacts add column phone text'),
  'a grant, which the guard looks at': (client) => client.query('grant select on names to rowhouse_app'),
  'a grant on a column': (client) => client.query('grant select (email) on names to rowhouse_app'),
  'sharing a table': (client) =>
    client.query(
      `create table countries (code text primary key); select rowhouse.share('countries', 'the same for all')`,
    ),
  'settling a home': (client, { schemaName }) => client.query('select rowhouse.settle_home($1)', [schemaName]),
  'looking for what is wrong in a home': async (client, { schemaName }) => {
    await client.query('select * from rowhouse.home_problems($1)', [schemaName])
    await client.query('select * from rowhouse.home_weaknesses($1)', [schemaName])
  },
  'a migration from beginning to end': async (client, { schemaName }) => {
    await client.query('select * from rowhouse.begin_tenant_migrations($1, 1000000)', [[schemaName]])
    await client.query('alter table contacts add column phone text')
    await client.query('select rowhouse.end_tenant_migrations($1, $2)', [
      [schemaName],
      JSON.stringify([{ version: '20260102000000', name: 'm', checksum: 'c', settles: true }]),
    ])
  },
  'taking a home away': (client, { schemaName }) => client.query('select rowhouse.forget_home($1)', [schemaName]),
  'an organization that moves into a warm home': (client) =>
    client.query(`select rowhouse.open_organization('Acme', 'acme', gen_random_uuid(), 'own')`),
}
/** Reads all of it, as the above once did. */
const scans: Work = (client) => client.query('select count(*) from pg_class c where c.relpages < 0')

const few = new Map<string, Map<string, number>>()
let homes: TestHome[]
const all = [...Object.entries(works), ['a scan', scans] as const]

beforeAll(async () => {
  homes = await makeHomes(database(), FEW, 1)
  await makeTables(homes)
  await withClient(database().adminUrl, (admin) =>
    admin.query(`insert into rowhouse.plans (id, name, isolation) values ('own', 'Own', 'schema');
      update rowhouse.homes set step = 'verified' where state = 'spare'`),
  )
  const analyze = (): Promise<unknown> => withClient(database().adminUrl, (admin) => admin.query('analyze'))
  await analyze()
  for (const [name, work] of all) few.set(name, await rowsRead(homes[0] as TestHome, work))
  // The others take the same slugs.
  await withClient(database().adminUrl, (admin) =>
    admin.query(`update rowhouse.organizations set slug = 'first-' || slug where slug ~ '^org-'`),
  )
  await makeTables(await makeHomes(database(), MORE))
  await analyze()
})
afterAll(() => dropHomes(database()))

it.each(Object.entries(works))('%s reads no more among many homes', async (name, work) => {
  const before = few.get(name)
  let grown: unknown[] = []
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const many = await rowsRead(homes[0] as TestHome, work)
    grown = [...many].filter(([table, rows]) => rows > (before?.get(table) ?? 0) + LEEWAY_ROWS)
    if (grown.length === 0) break
  }
  expect(grown).toEqual([])
})

it('a look through the whole catalogue would be seen', async () => {
  const many = await rowsRead(homes[0] as TestHome, scans)
  expect(many.get('pg_class')).toBeGreaterThan((few.get('a scan')?.get('pg_class') ?? 0) + 4 * MORE)
})
