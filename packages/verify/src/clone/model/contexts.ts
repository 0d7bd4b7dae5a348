// How a request of an organization is made in a scratch world, in SQL: what runs after BEGIN and before a probe. Each way
// the schema knows becomes a context: Rowhouse's seal, PostgREST's settings, an application's own settings, a login.
import { createHmac } from 'node:crypto'
import type { ClientBase } from 'pg'

import { deriveTokenKey, tokenKeyId } from '@rowhouse/database'
import type { Row } from '../plant/plant-worlds.ts'
import { ident, literal } from '../quote.ts'
import type { SessionQuestions } from './read-settings.ts'
import type { TenantModel } from './tenant-model.ts'
import { userColumn } from './tenant-model.ts'

export interface Context {
  /** `rowhouse seal as rowhouse_app`. */
  readonly name: string
  readonly kind: 'rowhouse' | 'gateway' | 'supabase' | 'settings' | 'login' | 'search_path'
  readonly organization: 'A' | 'B'
  /** The session's user: `set session authorization` gives it, so that it needs no password. */
  readonly login: string
  /** Runs after BEGIN, each a message of its own. Made anew for every transaction: a token lives for a minute. */
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
  readonly model: TenantModel
  readonly questions: SessionQuestions
  /** Logins that are no superusers and bypass nothing. */
  readonly logins: readonly string[]
  /** Of the scratch database; null without Rowhouse. */
  readonly rowhouse: { readonly databaseId: string; readonly signingKey: string } | null
  readonly roles: ReadonlySet<string>
  /** Milliseconds since the epoch, on the clock of the scratch server. */
  readonly now: () => number
}

const TOKEN_LIFETIME_SECONDS = 45
const ABSENT = '-'.repeat(36)

export function contextsFor(identity: Identity, options: ContextOptions): Context[] {
  const contexts: Context[] = []
  const add = (kind: Context['kind'], name: string, login: string, statements: () => readonly string[]): void => {
    contexts.push({ kind, name: `${name} as ${login}`, organization: identity.organization, login, statements })
  }
  const { model, questions, logins, roles } = options
  const { rowhouse } = options
  if (rowhouse !== null && roles.has('rowhouse_app')) {
    add('rowhouse', 'rowhouse seal', 'rowhouse_app', () => [
      `select rowhouse.enter(${literal(mintToken(identity, rowhouse, options.now()))})`,
    ])
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
  for (const login of logins) {
    if (own.length > 0) {
      const values = own.map((name) => `set_config(${literal(name)}, ${literal(answer(name, identity) ?? '')}, true)`)
      add('settings', `settings ${own.join(', ')}`, login, () => [`select ${values.join(', ')}`])
    }
    const { schema } = identity
    if (schema !== null)
      add('search_path', `search_path ${schema}`, login, () => [`set local search_path = ${ident(schema)}, public`])
    if (own.length === 0 && schema === null) add('login', 'login', login, () => [])
  }
  return contexts
}

const secret = /secret|passw|token|key/i

/** What a setting or a claim of this name would hold in a request of the organization. */
function answer(name: string, { organizationId, userId, userEmail, schema }: Identity): string | null {
  const last = (name.split('.').at(-1) ?? name).toLowerCase()
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

/** A person's token in the form that packages/database/migrations/0003_seal.sql describes. */
function mintToken(
  { organizationId, userId }: Identity,
  { databaseId, signingKey }: { databaseId: string; signingKey: string },
  nowMs: number,
): string {
  const key = deriveTokenKey(signingKey, databaseId)
  const expiry = (nowMs / 1000 + TOKEN_LIFETIME_SECONDS).toFixed(3)
  const fixed = `${databaseId}${organizationId ?? ABSENT}u${userId ?? ABSENT}${expiry}`
  const signed = `v1.${tokenKeyId(key)}.${fixed}${JSON.stringify({ service: null, reason: null, origin: 'verify', request: null, ip: null })}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('hex')}`
}

/**
 * Logins that tenant traffic may use: they hold a privilege on a table and have no way around row security. Those that
 * were named are taken as they are, a superuser too: what it is shown is the answer.
 */
export async function readLogins(
  client: ClientBase,
  named?: readonly string[],
): Promise<{ logins: string[]; roles: Set<string> }> {
  const { rows } = await client.query<{ name: string; usable: boolean }>(
    `select r.rolname::text as name, r.rolcanlogin and not r.rolsuper and not r.rolbypassrls and exists (
       select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'rowhouse', 'rowhouse_home')
         and has_schema_privilege(r.oid, n.oid, 'usage') and has_any_column_privilege(r.oid, c.oid, 'select, insert, update')) as usable
     from pg_catalog.pg_roles r
     where r.rolname !~ '^pg_'
     order by r.rolname`,
  )
  const ownLogins = /^(rowhouse_|authenticator$|supabase_)/
  return {
    logins: rows
      .filter(({ name, usable }) => (named === undefined ? usable && !ownLogins.test(name) : named.includes(name)))
      .map(({ name }) => name)
      .filter((name) => !comesThroughAnother.has(name)),
    roles: new Set(rows.map(({ name }) => name)),
  }
}

/** Rowhouse's seal and PostgREST's settings make requests of these, under logins of their own. */
const comesThroughAnother: ReadonlySet<string> = new Set(['rowhouse_app', 'anon', 'authenticated', 'authenticator'])

/** The person and the organization of a pass, from what was planted. */
export function identityOf(
  organization: 'A' | 'B',
  model: TenantModel,
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
    userId: user?.[model.usersKey ?? ''] ?? null,
    userEmail: user?.['email'] ?? null,
    schema: model.schemas === null ? null : organization === 'A' ? model.schemas.a : model.schemas.b,
  }
}
