// How a schema tells organizations apart: which table lists them, which column of each table names one, which tables
// reach theirs through a parent, and which belong to nobody. Detected from references and names; options overrule.
import { tableName } from '../plant/describe-tables.ts'
import type { ColumnShape, Reference, Shapes, TableShape } from '../plant/describe-tables.ts'

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

export interface TenantModel {
  readonly kind: 'shared' | 'schema' | 'none'
  readonly rowhouse: boolean
  readonly supabase: boolean
  /** `public.organizations`; null when organizations have no table here. */
  readonly tenantTable: string | null
  readonly tenantKey: string | null
  readonly usersTable: string | null
  readonly usersKey: string | null
  /** By `schema.table`. */
  readonly ownership: ReadonlyMap<string, Ownership>
  /** The homes of A and B where each organization has a schema. */
  readonly schemas: { readonly a: string; readonly b: string } | null
  tenantColumn(table: string): string | null
}

export interface ModelOptions {
  /** `public.accounts`. @default detected */
  readonly tenantTable?: string | undefined
  /** The column that names the organization, wherever a table has it. @default detected */
  readonly tenantColumn?: string | undefined
  /** @default detected */
  readonly usersTable?: string | undefined
}

/** Best first; singular and plural, alone or as the end of a name (`app_tenants`, `accounts_account`). */
const tenantWords = ['organization', 'organisation', 'tenant', 'workspace', 'account', 'org', 'company', 'team', 'business', 'customer', 'client', 'site', 'space', 'group', 'project', 'household', 'shop', 'store'] // prettier-ignore
const tenantColumns: readonly string[] = tenantWords.map((word) => `${word}_id`)
const userTables = ['auth.users', 'rowhouse.users', 'public.users', 'public.user', 'public.auth_user', 'public.app_users', 'public.accounts_user', 'public.profiles', 'public.people'] // prettier-ignore
export const userColumn =
  /(^|_)(user|owner|author|creator|assignee|actor|person|profile|account_owner)_?id$|^(created|updated|invited|assigned|deleted|accepted|sent)_by$/i

const singular = (name: string): string =>
  name
    .replace(/ies$/, 'y')
    .replace(/(?<!s)s$/, '')
    .replace(/(ss|ch|sh|x)es$/, '$1')

/** @returns the model; `kind: 'none'` where nothing in the schema names organizations */
export function detectTenantModel(shapes: Shapes, options: ModelOptions = {}): TenantModel {
  const byName = new Map(shapes.tables.map((table) => [tableName(table), table]))
  const byOid = new Map(shapes.tables.map((table) => [table.oid, table]))
  const rowhouse = byName.has('rowhouse.organizations')
  const supabase = byName.has('auth.users')
  const homes = schemaHomes(shapes, rowhouse)
  const tenants = byName.get(
    options.tenantTable ?? (rowhouse ? 'rowhouse.organizations' : (mostReferred(shapes, byOid) ?? '')),
  )
  const users = byName.get(
    options.usersTable ?? userTables.find((name) => byName.has(name) && name !== (tenants && tableName(tenants))) ?? '',
  )
  const tenantKey = tenants === undefined ? undefined : keyOf(tenants)
  const usersKey = users === undefined ? undefined : keyOf(users)
  const names = options.tenantColumn === undefined ? columnNames(tenants, shapes) : [options.tenantColumn]

  const ownership = new Map<string, Ownership>()
  const columnOf = new Map<string, string>()
  for (const table of shapes.tables) {
    const name = tableName(table)
    const column = table === tenants ? (tenantKey?.name ?? null) : tenantColumnOf(table, tenants, tenantKey, names)
    if (column !== null) columnOf.set(name, column)
    if (table === tenants) ownership.set(name, { kind: 'tenants' })
    else if (homes !== null && table.schema === homes.a) ownership.set(name, { kind: 'schema', organization: 'A' })
    else if (homes !== null && table.schema === homes.b) ownership.set(name, { kind: 'schema', organization: 'B' })
    else if (column !== null) ownership.set(name, { kind: 'column', column })
    else if (table === users) ownership.set(name, { kind: 'users' })
  }
  inheritOwnership(shapes, byOid, ownership, users, usersKey)
  for (const table of shapes.tables)
    if (!ownership.has(tableName(table))) ownership.set(tableName(table), { kind: 'global' })

  const owned = [...ownership.values()].some(({ kind }) => kind === 'column' || kind === 'tenants')
  return {
    kind: owned ? 'shared' : homes === null ? 'none' : 'schema',
    rowhouse,
    supabase,
    tenantTable: tenants === undefined ? null : tableName(tenants),
    tenantKey: tenantKey?.name ?? null,
    usersTable: users === undefined ? null : tableName(users),
    usersKey: usersKey?.name ?? null,
    ownership,
    schemas: homes,
    tenantColumn: (table) => columnOf.get(table) ?? null,
  }
}

/** A table's one-column primary key, or the column named id. */
export function keyOf(table: TableShape): ColumnShape | undefined {
  const primary = table.uniques.find(({ primary, columns }) => primary && columns.length === 1)
  const name = primary?.columns[0] ?? 'id'
  return table.columns.find((column) => column.name === name)
}

/** Among tables named like organizations, the one that most others refer to and that belongs to no other of them. */
function mostReferred(shapes: Shapes, byOid: ReadonlyMap<string, TableShape>): string | undefined {
  const rankOf = (table: TableShape): number =>
    tenantWords.findIndex((word) => new RegExp(`(^|_)${word}$`).test(singular(table.name.toLowerCase())))
  const candidates = shapes.tables.filter((table) => rankOf(table) >= 0 && keyOf(table) !== undefined)
  const isCandidate = new Set(candidates.map(({ oid }) => oid))
  const score = (table: TableShape): number => {
    const from = shapes.tables.filter(
      (other) => other !== table && other.references.some((reference) => reference.table === table.oid),
    )
    const named = `${singular(table.name.toLowerCase())}_id`
    const byColumn = shapes.tables.filter(
      (other) => other !== table && other.columns.some(({ name }) => name === named || named.endsWith(`_${name}`)),
    )
    const belongs = table.references.some(({ table: to, columns }) => {
      const target = byOid.get(to)
      return (
        target !== undefined &&
        target !== table &&
        isCandidate.has(to) &&
        columns.every((name) => table.columns.find((column) => column.name === name)?.notNull === true)
      )
    })
    return new Set([...from, ...byColumn]).size * 100 - rankOf(table) - (belongs ? 100_000 : 0)
  }
  const scored = candidates.map((table) => [score(table), tableName(table)] as const).toSorted(([a], [b]) => b - a)
  const [best] = scored
  return best !== undefined && best[0] > -tenantWords.length ? best[1] : undefined
}

/** Names that a tenant column may have, best first. */
function columnNames(tenants: TableShape | undefined, shapes: Shapes): string[] {
  if (tenants !== undefined) {
    const word = singular(tenants.name.toLowerCase())
    const last = word.slice(word.lastIndexOf('_') + 1)
    const same =
      last === 'organization' || last === 'organisation' || last === 'org'
        ? ['organization_id', 'organisation_id', 'org_id']
        : []
    return [...new Set([`${word}_id`, `${last}_id`, ...same, 'tenant_id'])]
  }
  // Without a table of organizations: the name that most tables have.
  const counts = tenantColumns
    .map(
      (name) =>
        [shapes.tables.filter(({ columns }) => columns.some((column) => column.name === name)).length, name] as const,
    )
    .filter(([count]) => count > 0)
    .toSorted(([a], [b]) => b - a)
  return counts[0] === undefined ? [] : [counts[0][1]]
}

function tenantColumnOf(
  table: TableShape,
  tenants: TableShape | undefined,
  key: ColumnShape | undefined,
  names: readonly string[],
): string | null {
  if (tenants !== undefined && key !== undefined) {
    const references = table.references.filter(
      ({ table: to, targets }) => to === tenants.oid && targets.includes(key.name),
    )
    const columns = references.map(({ columns, targets }) => columns[targets.indexOf(key.name)] as string)
    const byName = names.find((name) => columns.includes(name))
    if (byName !== undefined) return byName
    if (columns[0] !== undefined) return columns[0]
  }
  const refersElsewhere = (name: string): boolean =>
    table.references.some(
      ({ columns, table: to }) => columns.length === 1 && columns[0] === name && to !== tenants?.oid,
    )
  const column = names
    .map((name) => table.columns.find((column) => column.name === name))
    .find(
      (column) =>
        column !== undefined && !refersElsewhere(column.name) && (key === undefined || column.type === key.type),
    )
  return column?.name ?? null
}

/** Children without the column are their parent's; what only people own is the people's. */
function inheritOwnership(
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

const ownSchemas =
  /^(rowhouse|rowhouse_home|auth|storage|realtime|vault|extensions|graphql|graphql_public|cron|net|supabase_.*|pgsodium)$/

/** Two schemas with the same set of tables: each the home of an organization. The first two by name become A's and B's. */
function schemaHomes(shapes: Shapes, rowhouse: boolean): { a: string; b: string } | null {
  const bySchema = new Map<string, string[]>()
  for (const { schema, name } of shapes.tables) {
    if (!ownSchemas.test(schema)) bySchema.set(schema, [...(bySchema.get(schema) ?? []), name])
  }
  const bySet = new Map<string, string[]>()
  for (const [schema, names] of bySchema) {
    const set = names.toSorted().join('\n')
    bySet.set(set, [...(bySet.get(set) ?? []), schema])
  }
  const homes = [...bySet.entries()]
    .filter(([set, schemas]) => schemas.length > 1 && (set.includes('\n') || schemas.length > 2 || rowhouse))
    .toSorted(([, x], [, y]) => y.length - x.length)[0]?.[1]
    .toSorted()
  return homes === undefined ? null : { a: homes[0] as string, b: homes[1] as string }
}
