// What rules and attacks take for granted about this database: which tables hold rows of tenants, by what column, row,
// schema or database, and which roles requests come as. Read from the catalogue in one query; the caller may know better.
import type { ClientBase } from 'pg'
import { RowhouseError } from '@rowhouse/contracts'
import { modelSql } from '../generated/rules.ts'

export interface ModelOptions {
  /** Look at these schemas only. @default every schema that is not the platform's */
  readonly schemas?: readonly string[] | undefined
  /** The roles that requests come as. @default Supabase's, Rowhouse's, else the logins that own nothing */
  readonly roles?: readonly string[] | undefined
  /** The column that says whose a row is. @default found by foreign keys to the tenants' table, and by name */
  readonly tenantColumn?: string | undefined
  /** The table of tenants, `public.organizations`. @default found by what the tenant columns refer to */
  readonly tenantTable?: string | undefined
  /** Databases of the server that hold one tenant each. @default those that are named so: `tenant_1`, `tenant_2` */
  readonly tenantDatabases?: readonly string[] | undefined
}

interface Named {
  readonly oid: number
  readonly name: string
}

export interface TenantTable extends Named {
  /** Number of the tenant column; null where a row belongs to a tenant only through another row. */
  readonly att: number | null
  /** The tenant column itself. */
  readonly column: string | null
  /** The table of tenants itself. */
  readonly root: boolean
  readonly schema: string
  /** Its name without the schema and without quotes. */
  readonly table: string
  /** The reference that leads to the tenant where there is no column; null otherwise. */
  readonly through: { readonly schema: string; readonly table: string; readonly columns: readonly string[] } | null
}

export interface TenantSchema extends Named {
  /** The same for schemas with exactly the same tables. */
  readonly shape: string
}

/** How this database tells organizations apart. */
export interface Model {
  readonly database: string
  readonly login: string
  readonly version: string
  readonly standby: boolean
  readonly supabase: boolean
  readonly rowhouse: boolean
  /** The word the tenant column is made of: `organization`, `tenant`, `account` … */
  readonly tenantWord: string | null
  readonly tenantTable: string | null
  readonly schemas: readonly string[]
  readonly tables: readonly TenantTable[]
  readonly roles: readonly Named[]
  /** Schemas with the same tables: one for each tenant. */
  readonly tenantSchemas: readonly TenantSchema[]
  /** Databases of this server that are one for each tenant. */
  readonly tenantDatabases: readonly Named[]
}

/** @throws RowhouseError invalid_option when a role, schema, table, column or database that was named does not exist */
export async function readModel(client: ClientBase, options: ModelOptions): Promise<Model> {
  const { schemas, roles, tenantColumn, tenantTable, tenantDatabases } = options
  const given = JSON.stringify({ schemas, roles, tenantColumn, tenantTable, tenantDatabases })
  const { rows } = await client.query<{ model: Model & Missing }>(modelSql, [given])
  const { missingRoles, missingSchemas, missingDatabases, ...model } = (rows[0] as { model: Model & Missing }).model
  if (missingRoles.length > 0) throw missing('role', missingRoles)
  if (missingSchemas.length > 0) throw missing('schema', missingSchemas)
  if (missingDatabases.length > 0) throw missing('database', missingDatabases)
  if (tenantTable !== undefined && model.tenantTable === null) throw missing('table', [tenantTable])
  if (tenantColumn !== undefined && model.tables.length === 0) throw missing('column', [tenantColumn])
  return model
}

/** What is known of a database whose catalogue refuses: nothing but its name. */
export async function readNoModel(client: ClientBase): Promise<Model> {
  const { rows } = await client.query<Pick<Model, 'database' | 'login' | 'version' | 'standby'>>(
    `select current_database() as database, session_user::text as login,
       split_part(current_setting('server_version'), ' ', 1) as version, pg_is_in_recovery() as standby`,
  )
  const unknown = { supabase: false, rowhouse: false, tenantWord: null, tenantTable: null }
  const none = { schemas: [], tables: [], roles: [], tenantSchemas: [], tenantDatabases: [] }
  return { ...(rows[0] as (typeof rows)[0]), ...unknown, ...none }
}

interface Missing {
  readonly missingRoles: readonly string[]
  readonly missingSchemas: readonly string[]
  readonly missingDatabases: readonly string[]
}

const missing = (kind: string, names: readonly string[]): RowhouseError =>
  new RowhouseError(
    'invalid_option',
    `There is no ${kind} ${names.join(', ')} ${kind === 'database' ? 'on this server' : 'in this database'}.`,
  )

/** Why the rules cannot judge, in sentences that say what would help; empty when they can. */
export function undecidedBy(model: Model): string[] {
  const reasons: string[] = []
  const isTenants = model.tenantDatabases.some(({ name }) => name === model.database)
  if (model.tables.length === 0 && model.tenantSchemas.length === 0 && !isTenants)
    reasons.push(
      `No table of tenants was found in ${model.schemas.join(', ') || 'any schema'}: nothing has a column like organization_id or tenant_id, no two schemas have the same tables, and the database is not named as one of several. Name the column with --tenant-column.`,
    )
  if (model.roles.length === 0)
    reasons.push(
      'No role that requests come as was found: every login is a superuser, bypasses row security, or has no privilege on tables of tenants. Name it with --role.',
    )
  return reasons
}
