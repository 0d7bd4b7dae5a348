// Schemas of one organization each, with a login, as provisioning leaves them. The first is made as it is everywhere, by
// protect(); the others are copies of it, many in one transaction, because a benchmark is not to wait for what it does not measure.
import { randomUUID } from 'node:crypto'

import { deriveLoginPassword, scramVerifier } from '@rowhouse/database'
import { homeNames } from '@rowhouse/fleet'
import { Client } from 'pg'

import { SIGNING_KEY } from './database.ts'

export interface SchemaHome {
  readonly organizationId: string
  readonly schemaName: string
  readonly login: string
}

export interface SchemaHomesOptions {
  readonly count: number
  readonly plan: string
  /** What makes and protects the tables; run with the home's schema first in the search path. */
  readonly tables: string
  /** What fills them, likewise; `$organization` is the id of whose home it is, quoted. */
  readonly rows: string
}

const MADE_AT_ONCE = 50
/** As provisioning makes them. */
const SCRAM_ITERATIONS = 1

const MAKE = `
do $make$
declare
  home record;
  plan text := current_setting('bench.plan');
  tables text := current_setting('bench.tables');
begin
  for home in
    select h.* from jsonb_to_recordset(current_setting('bench.homes')::jsonb)
      as h (id uuid, schema_name name, login name, verifier text)
  loop
    insert into rowhouse.organizations (id, name, slug, plan)
    values (home.id, home.schema_name, 'o-' || replace(home.schema_name, '_', '-'), plan);
    execute format('create role %I login password %L', home.login, home.verifier);
    execute format('grant rowhouse_tenant to %I', home.login);
    execute format('alter role %I in database %I set search_path = %I, pg_temp', home.login, current_database(), home.schema_name);
    execute format('create schema %I authorization rowhouse_owner', home.schema_name);
    perform rowhouse.register_home(home.schema_name, home.login, home.id);
    insert into rowhouse.homes (id, cluster, schema_name, login, isolation, state, organization_id)
    values (home.id, 'main', home.schema_name, home.login, 'schema', 'assigned', home.id);
    insert into rowhouse.placements (organization_id, schema_name, isolation, login, home_id)
    values (home.id, home.schema_name, 'schema', home.login, home.id);
    perform set_config('search_path', quote_ident(home.schema_name) || ', pg_catalog', true);
    execute replace(replace(tables, '$schema', home.schema_name), '$organization', quote_literal(home.id));
    perform set_config('search_path', 'public, pg_catalog', true);
  end loop;
end $make$`

/**
 * What makes the tables of a home again in another one: the text that protect() came to, with the names left open. The login of a
 * home is its schema's name behind a prefix, so one name is enough.
 */
const COPY = `
select string_agg(
  format('create table $schema.%I (like %s including all excluding constraints);', c.relname, c.oid::regclass)
  || replace(replace(
    coalesce((
      select string_agg(pg_get_triggerdef(t.oid) || ';', '' order by t.tgname) from pg_trigger t
      where t.tgrelid = c.oid and not t.tgisinternal
    ), '')
    || coalesce((
      select string_agg(format('create policy %I on %s as %s for %s to %s%s%s;', p.policyname, c.oid::regclass, p.permissive, p.cmd,
        array_to_string(p.roles, ', '), ' using (' || p.qual || ')', ' with check (' || p.with_check || ')'), '')
      from pg_policies p where p.schemaname = n.nspname and p.tablename = c.relname
    ), '')
    || format('alter table %s owner to rowhouse_owner, enable row level security, force row level security', c.oid::regclass)
    || coalesce((
      select string_agg(format(', enable always trigger %I', t.tgname), '') from pg_trigger t
      where t.tgrelid = c.oid and t.tgenabled = 'A'
    ), '')
    || coalesce((
      select string_agg(format(', add constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), '') from pg_constraint k
      where k.conrelid = c.oid and k.contype in ('c', 'f')
    ), '')
    || ';'
    || coalesce((
      select string_agg(format('grant %s on %s to %s;', a.privilege_type, c.oid::regclass, a.grantee::regrole), '')
      from aclexplode(c.relacl) a where a.grantee <> c.relowner
    ), ''),
    n.nspname, '$schema'), quote_literal(h.organization_id), '$organization'), '') as text
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join rowhouse.homes h on h.schema_name = n.nspname
where h.id = $1 and c.relkind = 'r'`

/** @param adminUrl of a superuser, in the database of the catalogue */
export async function addSchemaHomes(adminUrl: string, options: SchemaHomesOptions): Promise<SchemaHome[]> {
  const { count, plan, tables, rows } = options
  const [model] = await inSession(adminUrl, (admin) => makeSome(admin, 1, plan, tables + rows))
  if (model === undefined) return []
  const { rows: copies } = await inSession(adminUrl, (admin) =>
    admin.query<{ text: string }>(COPY, [model.organizationId]),
  )
  const made = [model]
  while (made.length < count) {
    const some = Math.min(MADE_AT_ONCE, count - made.length)
    made.push(...(await inSession(adminUrl, (admin) => makeSome(admin, some, plan, `${copies[0]?.text ?? ''}${rows}`))))
  }
  return made
}

/** Each batch in a session of its own: in one that has made 400 homes, making another takes six times as long. */
async function inSession<Result>(adminUrl: string, use: (admin: Client) => Promise<Result>): Promise<Result> {
  const admin = new Client(adminUrl)
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.end()
  }
}

async function makeSome(admin: Client, count: number, plan: string, text: string): Promise<SchemaHome[]> {
  const homes = Array.from({ length: count }, () => {
    const id = randomUUID()
    const { place, login } = homeNames(id)
    const verifier = scramVerifier(deriveLoginPassword(SIGNING_KEY, login), undefined, SCRAM_ITERATIONS)
    return { id, schema_name: place, login, verifier }
  })
  await admin.query('begin')
  await admin.query(
    `select set_config('bench.homes', $1, true), set_config('bench.plan', $2, true), set_config('bench.tables', $3, true),
       -- The guard looks at each statement that makes something; before Postgres 17 it cannot be told not to.
       case when current_setting('server_version_num')::int >= 170000 then set_config('event_triggers', 'off', true) end`,
    [JSON.stringify(homes), plan, text],
  )
  await admin.query(MAKE)
  await admin.query('commit')
  return homes.map(({ id, schema_name: schemaName, login }) => ({ organizationId: id, schemaName, login }))
}

/** Logins are the server's and outlive the database. */
export async function dropSchemaHomes(admin: Client): Promise<void> {
  for (;;) {
    const { rows } = await admin.query<{ login: string }>(
      `select login from rowhouse.homes where isolation = 'schema' and login in (select rolname from pg_roles) limit ${MADE_AT_ONCE}`,
    )
    if (rows.length === 0) return
    const names = rows.map(({ login }) => login).join(', ')
    await admin.query(`drop owned by ${names}; drop role ${names}`)
  }
}
