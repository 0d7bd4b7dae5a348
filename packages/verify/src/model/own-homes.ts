// The homes that Rowhouse made for one organization each: a schema, or the whole database, with a login of its own. Read from
// the catalogue alone, names and checks: rowhouse.tenant_schemas says the same, but is a table with rows of somebody.
import type { ClientBase } from 'pg'

import type { Homes } from './homes.ts'

export interface OwnHome {
  readonly schema: string
  readonly login: string
  /** Whose rows its checks let in; null where no table of it has one. */
  readonly organizationId: string | null
}

export interface OwnHomes {
  readonly a: OwnHome
  /** Null where there is no other: B then lives in the shared tables, or nowhere in this database. */
  readonly b: OwnHome | null
  /** Whether the database itself is the home. */
  readonly alone: boolean
}

const ownHomesSql = `
  select n.nspname::text as schema, l.login, k.organization as "organizationId"
  from pg_catalog.pg_namespace n
  left join lateral (
    select substring(pg_get_constraintdef(k.oid) from '''([0-9a-f-]{36})''') as organization
    from pg_catalog.pg_constraint k
    where k.connamespace = n.oid and k.conname = 'rowhouse_lives_here' order by k.oid limit 1
  ) k on true
  join lateral (
    select r.rolname::text as login
    from pg_catalog.pg_roles r
    cross join lateral (
      select r.rolname = 'rowhouse_' || case n.nspname when 'public' then current_database() else n.nspname end as named
    ) by_name
    where r.rolname ~ '^rowhouse_h_[0-9a-f]{16}$'
      -- A driver may call the database of a home something else: then its login is who was given the schema.
      and (by_name.named or n.nspname = 'public' and r.oid in (select a.grantee from aclexplode(n.nspacl) a))
    order by by_name.named desc, r.rolname limit 1
  ) l on true
  where n.nspname ~ '^h_[0-9a-f]{16}$'
    or n.nspname = 'public' and (k.organization is not null or current_database() ~ '^h_[0-9a-f]{16}$')
  order by n.nspname`

/**
 * The homes that stand for A's and B's.
 *
 * @param homes the schemas chosen among those that are alike; null where there are no two
 */
export async function readOwnHomes(client: ClientBase, homes: Homes | null): Promise<OwnHomes | null> {
  const { rows } = await client.query<OwnHome>(ownHomesSql)
  const whole = rows.find(({ schema }) => schema === 'public')
  if (whole !== undefined) return { a: whole, b: null, alone: true }
  const [a, b = null] = homes === null ? rows : rows.filter(({ schema }) => schema === homes.a || schema === homes.b)
  return a === undefined ? null : { a, b, alone: false }
}
