// How a request of an organization is made in a scratch world, in SQL: what runs after BEGIN and before a probe. Each way
// the schema knows becomes a context: Rowhouse's seal, PostgREST's settings, an application's own settings, a login.
import { tokenFor } from 'rowhouse/token'
import type { Signer } from 'rowhouse/token'

import { userColumn } from '../plant/ownership.ts'
import type { Ownerships } from '../plant/ownership.ts'
import type { Row } from '../plant/plant-worlds.ts'
import { ident, literal } from '../quote.ts'
import type { Login } from './logins.ts'
import type { SessionQuestions } from './read-settings.ts'

/**
 * rowhouse, gateway, supabase: a seal, a door, claims · settings: the application's own · search_path, role: one login for
 * all schemas, and what of it is one organization's · home: a login that reaches the schema of one organization alone ·
 * login: one that says nothing of organizations
 */
export type ContextKind = 'rowhouse' | 'gateway' | 'supabase' | 'settings' | 'search_path' | 'role' | 'home' | 'login'

export interface Context {
  /** `rowhouse seal as rowhouse_app`. */
  readonly name: string
  readonly kind: ContextKind
  readonly organization: 'A' | 'B'
  /** The session's user: `set session authorization` gives it, so that it needs no password. */
  readonly login: string
  /** Runs after BEGIN, each a message of its own. Asked for every transaction: a token lives for a minute. */
  statements(): readonly string[]
}

/** The organization a context speaks for: its key, and a person of it. */
export interface Identity {
  readonly organization: 'A' | 'B'
  readonly organizationId: string | null
  readonly userId: string | null
  readonly userEmail: string | null
  readonly schema: string | null
}

export interface ContextOptions {
  readonly model: Ownerships
  readonly questions: SessionQuestions
  /** Logins that are no superusers and bypass nothing. */
  readonly logins: readonly Login[]
  /** Of the scratch database; null without Rowhouse. */
  readonly rowhouse: Signer | null
  readonly roles: ReadonlySet<string>
  /** Milliseconds since the epoch, on the clock of the scratch server. */
  readonly now: () => number
}

export function contextsFor(identity: Identity, options: ContextOptions): Context[] {
  const contexts: Context[] = []
  const add = (kind: Context['kind'], name: string, login: string, statements: () => readonly string[]): void => {
    contexts.push({ kind, name: `${name} as ${login}`, organization: identity.organization, login, statements })
  }
  const { model, questions, logins, roles } = options
  const { rowhouse } = options
  if (rowhouse !== null && roles.has('rowhouse_app')) {
    const entering = forAWhile(options.now, (nowMs) => [
      `select rowhouse.enter(${literal(tokenOf(identity, rowhouse, nowMs))})`,
    ])
    add('rowhouse', 'rowhouse seal', 'rowhouse_app', entering)
  }
  if (roles.has('authenticator') && roles.has('authenticated') && (model.supabase || rowhouse !== null)) {
    const settings = gatewaySettings(identity, questions)
    if (rowhouse !== null)
      add('gateway', 'gateway door', 'authenticator', () => [settings, 'select "rowhouse"."pre_request"()'])
    if (model.supabase) add('supabase', 'jwt claims', 'authenticator', () => [settings])
  }
  const own = questions.settings.filter(
    (name) => !/^(rowhouse|request|pgrst|plpgsql|auto_explain|pg_stat_statements)\./.test(name) && !secret.test(name),
  )
  const { schema, organization } = identity
  for (const { name: login, reaches, roles: roleOf } of logins) {
    if (own.length > 0) {
      const values = own.map((name) => `set_config(${literal(name)}, ${literal(answer(name, identity) ?? '')}, true)`)
      add('settings', `settings ${own.join(', ')}`, login, () => [`select ${values.join(', ')}`])
    }
    const role = roleOf[organization]
    const path = schema === null ? '' : `set local search_path = ${ident(schema)}, public`
    if (schema !== null && reaches.A && reaches.B) add('search_path', `search_path ${schema}`, login, () => [path])
    else if (schema !== null && reaches[organization]) add('home', `login of ${schema}`, login, () => [])
    else if (schema !== null && role !== undefined)
      add('role', `role ${role}`, login, () => [`set local role ${ident(role)}`, path])
    else if (own.length === 0 && !reaches.A && !reaches.B) add('login', 'login', login, () => [])
  }
  return contexts
}

/** No secret is what a tenant is known by: `app.tenant_key`. */
const secret = /secret|passw|token|(?<!(org|organi[sz]ation|tenant|account|workspace|team|company|customer)_?)key/i
const tenantName = /(^|_)(org|organi[sz]ation|tenant|account|workspace|team|company|customer)(_?(id|uuid|key))?$/

/** What a setting or a claim of this name would hold in a request of the organization. */
function answer(name: string, { organizationId, userId, userEmail, schema }: Identity): string | null {
  const last = (name.split('.').at(-1) ?? name).toLowerCase()
  // `app.current_user_organization` is the organization of a person.
  if (tenantName.test(last)) return organizationId
  if (last === 'sub' || userColumn.test(last) || /user|member|person|actor|subject/.test(last)) return userId
  if (/mail/.test(last)) return userEmail
  if (/schema/.test(last)) return schema
  if (/role/.test(last)) return 'authenticated'
  if (/bypass|admin|super|internal|system/.test(last)) return null
  return organizationId
}

/** One SELECT of set_config(…, true), as PostgREST 12 sends it before the main query. */
function gatewaySettings(identity: Identity, { claims }: SessionQuestions): string {
  const tree: Record<string, unknown> = {
    sub: identity.userId,
    role: 'authenticated',
    email: identity.userEmail,
    aud: 'authenticated',
    app_metadata: { organization_id: identity.organizationId },
  }
  for (const path of claims) plantClaim(tree, path, answer(path.at(-1) ?? '', identity))
  const headers = { 'x-organization-id': identity.organizationId, accept: 'application/json' }
  const settings: readonly (readonly [string, string])[] = [
    ['search_path', '"public", "extensions"'],
    ['role', 'authenticated'],
    ['request.jwt.claims', JSON.stringify(tree)],
    ['request.method', 'GET'],
    ['request.path', '/'],
    ['request.headers', JSON.stringify(headers)],
    ['request.cookies', '{}'],
  ]
  return `select ${settings.map(([name, value]) => `set_config(${literal(name)}, ${literal(value)}, true)`).join(', ')}`
}

function plantClaim(tree: Record<string, unknown>, path: readonly string[], value: string | null): void {
  const [step, ...rest] = path
  if (step === undefined) return
  if (rest.length === 0) {
    tree[step] ??= value
    return
  }
  const branch = tree[step]
  const next: Record<string, unknown> =
    typeof branch === 'object' && branch !== null ? (branch as Record<string, unknown>) : {}
  tree[step] = next
  plantClaim(next, rest, value)
}

/** Of a person; of a service where nobody was planted. `version`: for the door of a home. */
export const tokenOf = (
  { organizationId, userId }: Identity,
  signer: Signer,
  nowMs: number,
  version?: number,
): string =>
  tokenFor(
    userId === null
      ? { organizationId: organizationId ?? '', service: 'verify', origin: 'verify' }
      : { organizationId, userId, origin: 'verify' },
    signer,
    nowMs,
    version,
  )

/** A token lives for 45 s, and making one costs as much as a short probe. */
const REUSE_MS = 5_000

/** What `make` gives, made anew every few seconds. */
export function forAWhile<Made>(now: () => number, make: (nowMs: number) => Made): () => Made {
  let made: { readonly value: Made; readonly atMs: number } | undefined
  return () => {
    const nowMs = now()
    if (made === undefined || Math.abs(nowMs - made.atMs) > REUSE_MS) made = { value: make(nowMs), atMs: nowMs }
    return made.value
  }
}

/** The person and the organization of a pass, from what was planted. */
export function identityOf(
  organization: 'A' | 'B',
  model: Ownerships,
  rowsOf: (table: string) => readonly Row[],
): Identity {
  const tenant = model.tenantTable === null ? undefined : rowsOf(model.tenantTable)[0]
  const user = model.usersTable === null ? undefined : rowsOf(model.usersTable)[0]
  const fallback = [...model.ownership.keys()]
    .map((table) => rowsOf(table)[0]?.[model.tenantColumn(table) ?? ''])
    .find((value) => value !== undefined && value !== null)
  return {
    organization,
    organizationId: tenant?.[model.tenantKey ?? ''] ?? fallback ?? null,
    userId: user?.[model.usersKey ?? ''] ?? personOf(model, rowsOf),
    userEmail: user?.['email'] ?? null,
    schema: model.schemas === null ? null : organization === 'A' ? model.schemas.a : model.schemas.b,
  }
}

/** Where no table lists people, somebody whom a row of the organization names: `members.user_name`. */
function personOf(model: Ownerships, rowsOf: (table: string) => readonly Row[]): string | null {
  for (const [table, { kind }] of model.ownership) {
    if (kind !== 'column' || table.startsWith('rowhouse')) continue
    const row = rowsOf(table)[0]
    const column = Object.keys(row ?? {}).find((name) => /^(user|member|person)(_?id|_?name)?$/i.test(name))
    const person = column === undefined ? undefined : row?.[column]
    if (person !== undefined && person !== null) return person
  }
  return null
}
