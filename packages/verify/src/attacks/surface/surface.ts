// What there is to attack: relations, functions, sequences and roles, as the catalogue of one world tells. Read once,
// by an administrator; what a tenant may reach of it is for the probes to find out.
import type { Client } from 'pg'

import { readFunctions } from './functions.ts'
import type { CallableFunction, TriggerFunction } from './functions.ts'
import { readRelations } from './relations.ts'
import type { Relation } from './relations.ts'

export interface Sequence {
  readonly schema: string
  readonly name: string
}

export interface Surface {
  readonly relations: readonly Relation[]
  readonly functions: readonly CallableFunction[]
  readonly triggerFunctions: readonly TriggerFunction[]
  readonly sequences: readonly Sequence[]
  readonly schemas: readonly string[]
  /** Settings that policies, functions and defaults read: `app.organization_id`. */
  readonly settings: readonly string[]
  /** Whether something waits for the end of a transaction, so that a rollback would hide it. */
  readonly hasDeferred: boolean
  /** Roles by the login that can become them, itself left out. */
  readonly reachable: ReadonlyMap<string, readonly string[]>
  readonly largeObjects: boolean
}

const notSystem = (column: string): string =>
  `${column} not in ('pg_catalog', 'information_schema') and ${column} !~ '^pg_(toast|temp)'`

export async function readSurface(client: Client, logins: readonly string[]): Promise<Surface> {
  const relations = await readRelations(client)
  const { functions, triggerFunctions } = await readFunctions(client)
  const sequences = await client.query<Sequence>(
    `select n.nspname as schema, c.relname as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'S' and ${notSystem('n.nspname')}
     order by 1, 2`,
  )
  const schemas = await client.query<{ name: string }>(
    `select n.nspname as name from pg_namespace n where ${notSystem('n.nspname')} order by 1`,
  )
  const settings = await client.query<{ name: string }>(
    `select distinct m[1] as name
     from (
       select pg_get_expr(p.polqual, p.polrelid) as text from pg_policy p
       union all select pg_get_expr(p.polwithcheck, p.polrelid) from pg_policy p
       union all select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
       union all select v.definition from pg_views v where ${notSystem('v.schemaname')}
       union all select coalesce(p.prosrc, '') || coalesce(pg_get_function_sqlbody(p.oid), '')
         from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${notSystem('n.nspname')}
     ) s, regexp_matches(s.text, 'current_setting\\(''([a-z_][a-z0-9_]*\\.[a-z0-9_.]+)''', 'gi') m
     order by 1`,
  )
  const deferred = await client.query(
    `select from pg_constraint c where c.condeferrable union all select from pg_trigger t where t.tgdeferrable limit 1`,
  )
  const reachable = new Map<string, string[]>()
  for (const login of logins) {
    const { rows } = await client.query<{ name: string }>(
      `select r.rolname as name from pg_roles r
       where pg_has_role($1::name, r.oid, 'MEMBER') and r.rolname <> $1 and r.rolname !~ '^pg_'
       order by 1`,
      [login],
    )
    reachable.set(
      login,
      rows.map(({ name }) => name),
    )
  }
  return {
    relations,
    functions,
    triggerFunctions,
    sequences: sequences.rows,
    schemas: schemas.rows.map(({ name }) => name),
    settings: settings.rows.map(({ name }) => name),
    hasDeferred: (deferred.rowCount ?? 0) > 0,
    reachable,
    largeObjects: true,
  }
}
