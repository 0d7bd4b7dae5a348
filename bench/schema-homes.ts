// Schemas of one organization each, with a login, as provisioning leaves them, many in one transaction: a benchmark is not
// to wait for what it does not measure.
import { randomUUID } from 'node:crypto'

import { deriveLoginPassword, scramVerifier } from '@rowhouse/database'
import { homeNames } from '@rowhouse/fleet'
import type { Client } from 'pg'

import { SIGNING_KEY } from './database.ts'

export interface SchemaHome {
  readonly organizationId: string
  readonly schemaName: string
  readonly login: string
}

export interface SchemaHomesOptions {
  readonly count: number
  readonly plan: string
  /** What makes the tables, protects them and fills them; run with the home's schema first in the search path. */
  readonly tables: string
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
    execute replace(tables, '$organization', quote_literal(home.id));
    perform set_config('search_path', 'public, pg_catalog', true);
  end loop;
end $make$`

/** @param admin a superuser, in the database of the catalogue */
export async function addSchemaHomes(admin: Client, options: SchemaHomesOptions): Promise<SchemaHome[]> {
  const made: SchemaHome[] = []
  for (let from = 0; from < options.count; from += MADE_AT_ONCE) {
    const homes = Array.from({ length: Math.min(MADE_AT_ONCE, options.count - from) }, () => {
      const id = randomUUID()
      const { place, login } = homeNames(id)
      const verifier = scramVerifier(deriveLoginPassword(SIGNING_KEY, login), undefined, SCRAM_ITERATIONS)
      return { id, schema_name: place, login, verifier }
    })
    await admin.query('begin')
    await admin.query(
      `select set_config('bench.homes', $1, true), set_config('bench.plan', $2, true), set_config('bench.tables', $3, true)`,
      [JSON.stringify(homes), options.plan, options.tables],
    )
    await admin.query(MAKE)
    await admin.query('commit')
    for (const { id, schema_name: schemaName, login } of homes) made.push({ organizationId: id, schemaName, login })
  }
  return made
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
