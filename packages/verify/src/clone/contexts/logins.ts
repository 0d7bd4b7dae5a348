// The logins that tenant traffic may use, and, where each organization has a schema, which of the two homes each reaches.
import type { ClientBase } from 'pg'

import type { Homes } from '../../model/homes.ts'

export interface Login {
  readonly name: string
  /** Whose schema it reaches with the privileges that it has or inherits; neither where organizations have none. */
  readonly reaches: { readonly A: boolean; readonly B: boolean }
  /** A role that it may take and that reaches the schema of this organization and not of the other. */
  readonly roles: { readonly A?: string; readonly B?: string }
}

interface Row {
  readonly name: string
  /** It may log in, and row security holds it. */
  readonly plain: boolean
  readonly holds: boolean
  readonly reaches_a: boolean
  readonly reaches_b: boolean
  readonly takes_a: string | null
  readonly takes_b: string | null
}

const loginsSql = `
  with reach as (
    select r.oid, n.nspname as schema
    from pg_catalog.pg_roles r
    join pg_catalog.pg_namespace n on n.nspname in ($1, $2)
    where not r.rolsuper and has_schema_privilege(r.oid, n.oid, 'usage') and exists (
      select from pg_catalog.pg_class c
      where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm')
        and (has_any_column_privilege(r.oid, c.oid, 'select, insert, update') or has_table_privilege(r.oid, c.oid, 'delete')))
  ),
  homes as (
    select r.oid, exists (select from reach x where x.oid = r.oid and x.schema = $1) as a,
      exists (select from reach x where x.oid = r.oid and x.schema = $2) as b
    from pg_catalog.pg_roles r
  )
  select r.rolname::text as name, h.a as reaches_a, h.b as reaches_b,
    (select g.rolname::text from homes o join pg_catalog.pg_roles g on g.oid = o.oid
      where o.a and not o.b and o.oid <> r.oid and pg_has_role(r.oid, o.oid, 'member') order by 1 limit 1) as takes_a,
    (select g.rolname::text from homes o join pg_catalog.pg_roles g on g.oid = o.oid
      where o.b and not o.a and o.oid <> r.oid and pg_has_role(r.oid, o.oid, 'member') order by 1 limit 1) as takes_b,
    r.rolcanlogin and not r.rolsuper and not r.rolbypassrls as plain, exists (
      select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rowhouse', 'rowhouse_home')
        and has_schema_privilege(r.oid, n.oid, 'usage') and has_any_column_privilege(r.oid, c.oid, 'select, insert, update')) as holds
  from pg_catalog.pg_roles r
  join homes h on h.oid = r.oid
  where r.rolname !~ '^pg_'
  order by r.rolname`

/**
 * Logins that hold a privilege on a table, or may take a role that does, and have no way around row security. Those that
 * were named are taken as they are, a superuser too: what it is shown is the answer.
 */
export async function readLogins(
  client: ClientBase,
  homes: Homes | null,
  named?: readonly string[],
): Promise<{ logins: Login[]; roles: Set<string> }> {
  const { rows } = await client.query<Row>(loginsSql, [homes?.a ?? null, homes?.b ?? null])
  const ownLogins = /^(rowhouse_|authenticator$|supabase_)/
  const isWanted = ({ name, plain, holds, takes_a, takes_b }: Row): boolean =>
    named?.includes(name) ?? (plain && (holds || takes_a !== null || takes_b !== null) && !ownLogins.test(name))
  return {
    logins: rows
      .filter(isWanted)
      .filter(({ name }) => !comesThroughAnother.has(name))
      .map(({ name, reaches_a, reaches_b, takes_a, takes_b }) => ({
        name,
        reaches: { A: reaches_a, B: reaches_b },
        roles: { ...(takes_a !== null && { A: takes_a }), ...(takes_b !== null && { B: takes_b }) },
      })),
    roles: new Set(rows.map(({ name }) => name)),
  }
}

/** Rowhouse's seal and PostgREST's settings make requests of these, under logins of their own. */
const comesThroughAnother: ReadonlySet<string> = new Set(['rowhouse_app', 'anon', 'authenticated', 'authenticator'])
