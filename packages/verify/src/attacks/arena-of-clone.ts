// Makes an arena of two cloned worlds: whose rows are whose from what was planted, and the contexts that the schema knows.
import type { PlantedTable, TwoWorlds } from '../clone/clone-two-worlds.ts'
import type { Context } from '../clone/contexts/contexts.ts'
import type { Arena, AttackContext, Ownership } from './arena.ts'
import { ident, literal } from './quoting.ts'
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
        a: oneOf(table, table.a),
        b: oneOf(table, [...table.b1, ...table.b2]),
        tenantColumn: null,
      })
    }
  }
  return {
    worlds: [world1.adminUrl, world2.adminUrl],
    organizations: { a, b },
    owners,
    contexts: contextsOf(worlds),
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
    }
  }
  return contexts
}

/** The rows with these keys. */
function oneOf(table: PlantedTable, rows: PlantedTable['a']): string {
  const conditions = rows.map((row) =>
    table.key
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
