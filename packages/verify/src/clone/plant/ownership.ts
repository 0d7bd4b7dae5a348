// Whose the rows of each table are, for planting and for attacks: what the model says of organizations; in Rowhouse's own
// schemas the one key; and beside it people, whose rows are planted like an organization's though no rule judges them.
import { homesOf } from '../../model/homes.ts'
import type { Homes } from '../../model/homes.ts'
import type { Model, ModelOptions } from '../../model/model.ts'
import type { OwnHomes } from '../../model/own-homes.ts'
import { tableName } from './describe-tables.ts'
import type { ColumnShape, Reference, Shapes, TableShape } from './describe-tables.ts'

/** Whose a table's rows are. */
export type Ownership =
  /** The table that lists organizations. */
  | { readonly kind: 'tenants' }
  /** The table that lists people. */
  | { readonly kind: 'users' }
  /** A column names the organization. */
  | { readonly kind: 'column'; readonly column: string }
  /** A reference leads to a table that is owned. */
  | { readonly kind: 'parent'; readonly table: string; readonly columns: readonly string[] }
  /** The schema is one organization's home. */
  | { readonly kind: 'schema'; readonly organization: 'A' | 'B' }
  /** Everybody's: plans, countries. */
  | { readonly kind: 'global' }

export interface Ownerships {
  readonly rowhouse: boolean
  readonly supabase: boolean
  /** `public.organizations`; null when organizations have no table here. */
  readonly tenantTable: string | null
  readonly tenantKey: string | null
  readonly usersTable: string | null
  readonly usersKey: string | null
  /** By `schema.table`. */
  readonly ownership: ReadonlyMap<string, Ownership>
  /** Where each organization has a schema. */
  readonly schemas: Homes | null
  tenantColumn(table: string): string | null
}

export interface OwnershipOptions extends Pick<ModelOptions, 'tenantTable'> {
  /** The table of people. @default detected */
  readonly usersTable?: string | undefined
  /** Whether the whole database is B's, every row of it. @default false */
  readonly allOfB?: boolean | undefined
  /** Homes that Rowhouse made: their logins act by a seal, so that none of their schemas is a context. @default none */
  readonly ownHomes?: OwnHomes | null | undefined
}

const userTables = ['auth.users', 'rowhouse.users', 'public.users', 'public.user', 'public.auth_user', 'public.app_users', 'public.accounts_user', 'public.profiles', 'public.people'] // prettier-ignore
export const userColumn =
  /(^|_)(user|owner|author|creator|assignee|actor|person|profile|account_owner)_?id$|^(created|updated|invited|assigned|deleted|accepted|sent)_by$/i

/** Rowhouse's own schemas: no model looks there, and every table of an organization has the one key. */
const own = {
  schemas: /^rowhouse(_home)?$/,
  tenants: 'rowhouse.organizations',
  column: 'organization_id',
  // The product's, though they refer to keys, of which some are an organization's.
  global: new Set(['rowhouse.clusters', 'rowhouse.plans', 'rowhouse.data_databases']),
} as const

export function ownershipsOf(model: Model, shapes: Shapes, options: OwnershipOptions = {}): Ownerships {
  const byName = new Map(shapes.tables.map((table) => [tableName(table), table]))
  const byOid = new Map(shapes.tables.map((table) => [table.oid, table]))
  const known = new Map(model.tables.map((table) => [`${table.schema}.${table.table}`, table]))
  const root = model.tables.find((table) => table.root)
  const isOwn = model.rowhouse && options.tenantTable === undefined
  const tenants = byName.get(isOwn ? own.tenants : root === undefined ? '' : `${root.schema}.${root.table}`)
  const tenantKey = tenants === undefined ? undefined : keyOf(tenants)
  const users = byName.get(
    options.usersTable ?? userTables.find((name) => byName.has(name) && name !== (tenants && tableName(tenants))) ?? '',
  )
  const usersKey = users === undefined ? undefined : keyOf(users)
  const { ownHomes = null } = options
  const homes = ownHomes === null ? homesOf(model) : { a: ownHomes.a.schema, b: ownHomes.b?.schema ?? null }

  const ownership = new Map<string, Ownership>()
  const columnOf = new Map<string, string>()
  for (const table of shapes.tables) {
    const name = tableName(table)
    const column =
      table === tenants
        ? tenantKey?.name
        : (known.get(name)?.column ??
          (isOwn && own.schemas.test(table.schema) && table.columns.some((each) => each.name === own.column)
            ? own.column
            : undefined))
    if (column !== undefined) columnOf.set(name, column)
    const through = known.get(name)?.through
    if (table === tenants) ownership.set(name, { kind: 'tenants' })
    else if (table.schema === homes?.a) ownership.set(name, { kind: 'schema', organization: 'A' })
    else if (table.schema === homes?.b) ownership.set(name, { kind: 'schema', organization: 'B' })
    else if (column !== undefined) ownership.set(name, { kind: 'column', column })
    else if (through !== undefined && through !== null)
      ownership.set(name, { kind: 'parent', table: `${through.schema}.${through.table}`, columns: through.columns })
    else if (table === users) ownership.set(name, { kind: 'users' })
  }
  if (options.allOfB === true)
    for (const name of byName.keys()) ownership.set(name, { kind: 'schema', organization: 'B' })
  for (const name of own.global) if (byName.has(name)) ownership.set(name, { kind: 'global' })
  giveToPeople(shapes, byOid, ownership, users, usersKey)
  for (const table of shapes.tables)
    if (!ownership.has(tableName(table))) ownership.set(tableName(table), { kind: 'global' })
  return {
    rowhouse: model.rowhouse,
    supabase: model.supabase,
    tenantTable: tenants === undefined ? null : tableName(tenants),
    tenantKey: tenantKey?.name ?? null,
    usersTable: users === undefined ? null : tableName(users),
    usersKey: usersKey?.name ?? null,
    ownership,
    schemas: ownHomes !== null || homes === null || homes.b === null ? null : { a: homes.a, b: homes.b },
    tenantColumn: (table) => columnOf.get(table) ?? null,
  }
}

/** A table's one-column primary key, or the column named id. */
export function keyOf(table: TableShape): ColumnShape | undefined {
  const primary = table.uniques.find(({ primary, columns }) => primary && columns.length === 1)
  const name = primary?.columns[0] ?? 'id'
  return table.columns.find((column) => column.name === name)
}

/** What refers to people, and what refers to that: profiles, sessions, addresses. */
function giveToPeople(
  shapes: Shapes,
  byOid: ReadonlyMap<string, TableShape>,
  ownership: Map<string, Ownership>,
  users: TableShape | undefined,
  usersKey: ColumnShape | undefined,
): void {
  for (let grew = true; grew;) {
    grew = false
    for (const table of shapes.tables) {
      if (ownership.has(tableName(table))) continue
      const through = [...table.references, ...userReferences(table, users, usersKey)].find(({ table: to }) => {
        const parent = byOid.get(to)
        return parent !== undefined && parent !== table && ownership.has(tableName(parent))
      })
      if (through === undefined) continue
      ownership.set(tableName(table), {
        kind: 'parent',
        table: tableName(byOid.get(through.table) as TableShape),
        columns: through.columns,
      })
      grew = true
    }
  }
}

/** Columns that name a person without a foreign key, as references: `created_by uuid`. */
export function userReferences(
  table: TableShape,
  users: TableShape | undefined,
  key: ColumnShape | undefined,
): Reference[] {
  if (users === undefined || key === undefined || table === users) return []
  const known = new Set(table.references.flatMap(({ columns }) => columns))
  return table.columns
    .filter(({ name, type }) => userColumn.test(name) && type === key.type && !known.has(name))
    .map(({ name }) => ({ name: `${name} by name`, table: users.oid, columns: [name], targets: [key.name] }))
}
