// The database of the benchmark rls: the same contacts four times, loaded before anything watches the tables.
import { randomUUID } from 'node:crypto'

import { Client } from 'pg'

import { makeDatabase } from './database.ts'

const DATABASE = 'rowhouse_bench_rls'
const ORGANIZATIONS = 1000
/** Of 10 million rows the largest organization has a tenth, the median one 3,700. */
const SKEW = 3
const CONTACTS_PER_COMPANY = 50
const PARTITIONS = 16

export interface OrganizationRows {
  readonly organizationId: string
  readonly size: number
  readonly ids: readonly string[]
  readonly emails: readonly string[]
  readonly companyIds: readonly string[]
}

export interface World {
  readonly appUrl: string
  readonly migratorUrl: string
  readonly ownerId: string
  /** Largest first. */
  readonly organizations: readonly OrganizationRows[]
}

const contactColumns = `
  organization_id uuid not null default rowhouse.organization_id(),
  id uuid not null default gen_random_uuid(),
  email text not null, first_name text, last_name text, title text, company_id uuid,
  created_at timestamptz not null default now()`

export async function buildWorld(adminUrl: string, contacts: number, log: (line: string) => void): Promise<World> {
  const urls = await makeDatabase(adminUrl, DATABASE)
  const owner = new Client(urls.migrator)
  await owner.connect()
  try {
    const ownerId = randomUUID()
    const organizations = await fill(owner, ownerId, contacts, log)
    return { appUrl: urls.app, migratorUrl: urls.migrator, ownerId, organizations }
  } finally {
    await owner.end()
  }
}

async function fill(
  owner: Client,
  ownerId: string,
  contacts: number,
  log: (line: string) => void,
): Promise<readonly OrganizationRows[]> {
  const run = async (...statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await owner.query(statement)
  }
  await owner.query(
    `select rowhouse.create_organization('Organization ' || n, 'organization-' || n, $2) from generate_series(1, $1::int) n`,
    [ORGANIZATIONS, ownerId],
  )
  log(`drawing ${contacts} contacts`)
  // The twin and the other frameworks' table live in schemas where nothing is protected, and nothing has to be.
  await run(
    'create schema twin',
    'create schema other',
    'grant usage on schema twin, other to rowhouse_app',
    `create table public.companies (
       organization_id uuid not null default rowhouse.organization_id(),
       id uuid not null default gen_random_uuid(), name text not null, primary key (organization_id, id))`,
    `create table public.contacts (${contactColumns})`,
    `create table public.partitioned_contacts (${contactColumns}) partition by hash (organization_id)`,
    ...Array.from(
      { length: PARTITIONS },
      (_, remainder) =>
        `create table public.partitioned_contacts_${remainder} partition of public.partitioned_contacts
           for values with (modulus ${PARTITIONS}, remainder ${remainder})`,
    ),
    `create table twin.contacts (${contactColumns})`,
    `create table other.contacts (${contactColumns})`,
    'select setseed(0.42)',
    `create temporary table drawn as
     select o.ids[1 + floor(${ORGANIZATIONS} * power(random(), ${SKEW}))::int] as organization_id, gen_random_uuid() as id, n
     from generate_series(1, ${contacts}) n, (select array_agg(id order by slug) as ids from rowhouse.organizations) o`,
    `insert into public.companies (organization_id, name)
     select organization_id, 'Company ' || n from drawn where n % ${CONTACTS_PER_COMPANY} = 0`,
    `insert into twin.contacts
     select d.organization_id, d.id, 'person' || d.n || '@example.com', 'First' || d.n % 1000, 'Last' || d.n % 5000,
       'Title ' || d.n % 50, c.ids[1 + d.n % cardinality(c.ids)], now() - make_interval(secs => d.n)
     from drawn d left join (select organization_id, array_agg(id) as ids from public.companies group by 1) c
       using (organization_id)`,
    'drop table drawn',
    'insert into public.contacts select * from twin.contacts',
    'insert into public.partitioned_contacts select * from twin.contacts',
    'insert into other.contacts select * from twin.contacts',
    'create table twin.companies (like public.companies including all)',
    'insert into twin.companies select * from public.companies',
  )
  for (const table of ['public.contacts', 'public.partitioned_contacts', 'twin.contacts', 'other.contacts']) {
    log(`indexing ${table}`)
    await run(
      `alter table ${table} add primary key (organization_id, id)`,
      `create index on ${table} (organization_id, created_at desc)`,
      `create index on ${table} (organization_id, email)`,
      `create index on ${table} (organization_id, company_id)`,
    )
  }
  log('protecting')
  await run(
    `select rowhouse.protect('public.companies')`,
    `select rowhouse.protect('public.contacts')`,
    `select rowhouse.protect('public.partitioned_contacts')`,
  )
  await run(
    ...(await triggersFor(owner, 'twin.contacts')),
    'alter table twin.contacts add foreign key (organization_id) references rowhouse.organizations (id)',
    'grant select, insert, update, delete on all tables in schema twin to rowhouse_app',
    'grant select on all tables in schema other to rowhouse_app',
    'vacuum analyze',
  )
  const { rows } = await owner.query<OrganizationRows>(
    `select c.organization_id as "organizationId", c.size, c.ids, c.emails,
       array(select id from twin.companies p where p.organization_id = c.organization_id limit 200) as "companyIds"
     from (select organization_id, count(*)::int as size, (array_agg(id))[1:200] as ids, (array_agg(email))[1:200] as emails
       from twin.contacts group by 1) c
     order by c.size desc`,
  )
  return rows
}

/** The change log of the protected table, for the twin: the same triggers, whatever they are. */
async function triggersFor(owner: Client, table: string): Promise<string[]> {
  const { rows } = await owner.query<{ definition: string; name: string }>(
    `select pg_get_triggerdef(t.oid) as definition, t.tgname as name
     from pg_trigger t join pg_proc p on p.oid = t.tgfoid
     where t.tgrelid = 'public.contacts'::regclass and not t.tgisinternal and p.proname like 'log%'`,
  )
  if (rows.length === 0) throw new Error('The protected table has no trigger that writes the change log.')
  return rows.flatMap(({ definition, name }) => [
    definition.replace(' ON public.contacts ', ` ON ${table} `),
    `alter table ${table} enable always trigger "${name}"`,
  ])
}
