// Makes an arena of two cloned worlds: whose rows are whose from what was planted, and the contexts that the schema knows.
import type { PlantedTable, TwoWorlds } from '../clone/clone-two-worlds.ts'
import type { Context } from '../clone/contexts/contexts.ts'
import { tableName } from '../clone/plant/describe-tables.ts'
import type { TableShape } from '../clone/plant/describe-tables.ts'
import type { Arena, AttackContext, Ownership } from './arena.ts'
import { ident, literal, qualified } from './quoting.ts'
import type { NotCovered } from '../report/report.ts'

/** What stands for an organization where none has an id: a schema is one, or nothing tells them apart. */
const NOBODY = '00000000-0000-4000-8000-0000000000ff'

/** Contexts that SQL makes: who runs SQL of its own under them makes others. */
const madeBySql = new Set<Context['kind']>(['settings', 'supabase', 'search_path', 'role'])

export function arenaOfClone(worlds: TwoWorlds): Arena {
  const { world1, world2, model } = worlds
  const [a, b] = [world1.a.organizationId ?? NOBODY, world1.b.organizationId ?? NOBODY]
  const owners = new Map<string, Ownership>()
  for (const table of worlds.planted) {
    const ownership = model.ownership.get(table.table)
    if (ownership === undefined || ownership.kind === 'global') continue
    const column = model.tenantColumn(table.table)
    const only = ownership.kind === 'schema' ? { only: ownership.organization } : {}
    const isOwnHome = worlds.homes !== null && ownership.kind === 'schema' && column !== null
    if (ownership.kind === 'schema' && !isOwnHome) {
      const isA = ownership.organization === 'A'
      owners.set(table.table, { a: String(isA), b: String(!isA), tenantColumn: null, ...only })
    } else if (column !== null && (isOwnHome || ownership.kind === 'column' || ownership.kind === 'tenants')) {
      owners.set(table.table, {
        a: `${ident(column)} = ${literal(a)}`,
        b: `${ident(column)} = ${literal(b)}`,
        tenantColumn: column,
        ...only,
      })
    } else {
      owners.set(table.table, {
        a: conditionOf(worlds, table, 'a'),
        b: conditionOf(worlds, table, 'b'),
        tenantColumn: null,
      })
    }
  }
  return {
    worlds: [world1.adminUrl, world2.adminUrl],
    organizations: { a, b },
    owners,
    contexts: contextsOf(worlds),
    database: worlds.database,
    signer: worlds.signer,
  }
}

/** Logins of which nobody can say how a request of an organization is made: they are tried as nobody only. */
export const loginsWithoutContext = ({ world1 }: TwoWorlds): NotCovered[] =>
  world1.contexts
    .filter(({ kind, organization }) => kind === 'login' && organization === 'A')
    .map(({ login }) => ({
      object: `role ${login}`,
      probe: 'as an organization',
      reason:
        'nothing in the schema says how a request of an organization is made under it: it was tried as nobody only',
    }))

function contextsOf({ world1, world2 }: TwoWorlds): AttackContext[] {
  const statements = (context: Context) => (world: 0 | 1) => {
    const same = (world === 0 ? world1 : world2).contexts.find(
      ({ name, organization }) => name === context.name && organization === context.organization,
    )
    return (same ?? context).statements()
  }
  const contexts: AttackContext[] = []
  const logins = new Set<string>()
  for (const context of world1.contexts) {
    // The login of a home is that organization, with or without a context.
    if (context.kind !== 'home') logins.add(context.login)
    // A login that says nothing of organizations is nobody.
    if (context.organization !== 'A' || context.kind === 'login') continue
    const other = world1.contexts.find(
      ({ kind, login, organization }) => kind === context.kind && login === context.login && organization === 'B',
    )
    contexts.push({
      name: context.name,
      login: context.login,
      enter: statements(context),
      ...(other === undefined ? {} : { enterAsB: statements(other) }),
      actsForA: true,
      madeBySql: madeBySql.has(context.kind),
    })
  }
  for (const login of logins) {
    contexts.push({ name: `no context as ${login}`, login, enter: () => [], actsForA: false })
    if (login === 'authenticator') {
      contexts.push({
        name: 'anon',
        login,
        enter: () => [
          `select set_config('role', 'anon', true), set_config('request.jwt.claims', '{"role": "anon"}', true)`,
        ],
        actsForA: false,
      })
      // Signed in, with a token in which nothing speaks of an organization.
      if (world1.contexts.some(({ kind }) => kind === 'supabase')) {
        const claims = JSON.stringify({ role: 'authenticated', aud: 'authenticated', sub: NOBODY })
        contexts.push({
          name: 'signed in, of no organization',
          login,
          enter: () => [
            `select set_config('role', 'authenticated', true), set_config('request.jwt.claims', ${literal(claims)}, true)`,
          ],
          actsForA: false,
          brief: true,
        })
      }
    }
  }
  return contexts
}

/** Through parents of parents. */
const DEPTH_MAX = 6

/** Rows whose parent is the organization's, whatever a probe has written beside those that were planted; else those planted. */
function conditionOf(worlds: TwoWorlds, table: PlantedTable, whose: 'a' | 'b', depth = 0): string {
  const { model, shapes, planted } = worlds
  const id = whose === 'a' ? worlds.world1.a.organizationId : worlds.world1.b.organizationId
  const ownership = model.ownership.get(table.table)
  const column = model.tenantColumn(table.table)
  if (column !== null && id !== null && (ownership?.kind === 'column' || ownership?.kind === 'tenants'))
    return `${ident(column)} = ${literal(id)}`
  const rows = whose === 'a' ? table.a : [...table.b1, ...table.b2]
  const shape = shapes.tables.find((one) => tableName(one) === table.table)
  const parent = ownership?.kind === 'parent' ? planted.find((one) => one.table === ownership.table) : undefined
  const parentShape = shapes.tables.find((one) => tableName(one) === parent?.table)
  const reference = shape?.references.find(
    ({ table: to, columns }) =>
      to === parentShape?.oid && ownership?.kind === 'parent' && columns.join() === ownership.columns.join(),
  )
  if (depth >= DEPTH_MAX || parent === undefined || parentShape === undefined || reference === undefined)
    return oneOf(table, rows, shape)
  const of = (columns: readonly string[]): string => columns.map(ident).join(', ')
  const throughParent = `(${of(reference.columns)}) in (select ${of(reference.targets)} from ${qualified(parentShape.schema, parentShape.name)}
    where ${conditionOf(worlds, parent, whose, depth + 1)})`
  const orphans = rows.filter((row) => reference.columns.some((name) => (row[name] ?? null) === null))
  return orphans.length === 0 ? throughParent : `${throughParent} or ${oneOf(table, orphans, shape)}`
}

/** Types that are written alike under all settings. */
const steady = /^(text|character varying|varchar|uuid|citext)\b/

/**
 * These rows: by their keys and, since a small number may be anybody's key in the other world, by what else tells them apart.
 */
function oneOf(table: PlantedTable, rows: PlantedTable['a'], shape: TableShape | undefined): string {
  const others = shape?.columns.filter(({ text }) => steady.test(text)).map(({ name }) => name) ?? []
  const columns = [...new Set([...table.key, ...others])]
  const conditions = rows.map((row) =>
    columns
      .map((column) => {
        const value = row[column] ?? null
        return value === null ? `${ident(column)} is null` : `${ident(column)}::text = ${literal(value)}`
      })
      .join(' and '),
  )
  return conditions.length === 0 || table.key.length === 0
    ? 'false'
    : conditions.map((condition) => `(${condition})`).join(' or ')
}
