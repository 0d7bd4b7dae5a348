// What the rules take for granted about this database: which tables hold rows of tenants, and which roles requests come
// as. Read from the catalogue in one query; the caller may know better.
import type { ClientBase } from 'pg'
import { RowhouseError } from '@rowhouse/contracts'
import { modelSql } from '../../generated/rules.ts'

export interface ModelOptions {
  /** Look at these schemas only. @default every schema that is not the platform's */
  readonly schemas?: readonly string[]
  /** The roles that requests come as. @default Supabase's, Rowhouse's, else the logins that own nothing */
  readonly roles?: readonly string[]
  /** The column that says whose a row is. @default found by foreign keys to the tenants' table, and by name */
  readonly tenantColumn?: string
  /** The table of tenants, `public.organizations`. @default found by what the tenant columns refer to */
  readonly tenantTable?: string
}

interface Named {
  readonly oid: number
  readonly name: string
}

export interface TenantTable extends Named {
  /** Number of the tenant column; null where a row belongs to a tenant only through another row. */
  readonly att: number | null
  /** The table of tenants itself. */
  readonly root: boolean
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
  readonly tenantSchemas: readonly Named[]
}

/** @throws RowhouseError invalid_option when a role, schema or table that was named does not exist */
export async function readModel(client: ClientBase, options: ModelOptions): Promise<Model> {
  const { schemas, roles, tenantColumn, tenantTable } = options
  const given = JSON.stringify({ schemas, roles, tenantColumn, tenantTable })
  const { rows } = await client.query<{ model: Model & Missing }>(modelSql, [given])
  const { missingRoles, missingSchemas, ...model } = (rows[0] as { model: Model & Missing }).model
  if (missingRoles.length > 0) throw missing('role', missingRoles)
  if (missingSchemas.length > 0) throw missing('schema', missingSchemas)
  if (tenantTable !== undefined && model.tenantTable === null) throw missing('table', [tenantTable])
  if (tenantColumn !== undefined && model.tables.length === 0) throw missing('column', [tenantColumn])
  return model
}

interface Missing {
  readonly missingRoles: readonly string[]
  readonly missingSchemas: readonly string[]
}

const missing = (kind: string, names: readonly string[]): RowhouseError =>
  new RowhouseError('invalid_option', `There is no ${kind} ${names.join(', ')} in this database.`)

/** Why the rules cannot judge, in sentences that say what would help; empty when they can. */
export function undecidedBy(model: Model): string[] {
  const reasons: string[] = []
  if (model.tables.length === 0 && model.tenantSchemas.length === 0)
    reasons.push(
      `No table of tenants was found in ${model.schemas.join(', ') || 'any schema'}: nothing has a column like organization_id or tenant_id, and no two schemas have the same tables. Name the column with --tenant-column.`,
    )
  if (model.roles.length === 0)
    reasons.push(
      'No role that requests come as was found: every login is a superuser, bypasses row security, or has no privilege on tables of tenants. Name it with --role.',
    )
  return reasons
}
