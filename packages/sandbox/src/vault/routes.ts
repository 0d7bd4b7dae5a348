// The part of Vault's HTTP API that programs which keep secrets use: login, the token's own life, KV of version 2, health,
// seal. Statuses and texts as https://developer.hashicorp.com/vault/api-docs has them.
import type { KvEngine } from './kv.ts'
import { capabilitiesOf, defaultPolicy, parsePolicy } from './policies.ts'
import type { Policy } from './policies.ts'
import { denied, failed, found, nothing } from './reply.ts'
import type { VaultReply } from './reply.ts'
import { secondsLeft } from './tokens.ts'
import type { Tokens, VaultToken } from './tokens.ts'

export interface VaultRequest {
  readonly method: string
  /** Below /v1/, without the namespace. */
  readonly path: string
  readonly query: URLSearchParams
  readonly token: string | undefined
  readonly body: Readonly<Record<string, unknown>>
}

/** What a namespace holds; the root one is as any other. */
export interface Namespace {
  readonly tokens: Tokens
  /** KV engines of version 2, by mount. */
  readonly engines: Map<string, KvEngine>
}

/** Needs a token, and of it the capability of the method. */
export function answerRequest(namespace: Namespace, request: VaultRequest, nowMs: number): VaultReply {
  const { tokens } = namespace
  const { method, path, body } = request
  const login = /^auth\/([\w-]+)\/login$/.exec(path)
  if (login !== null && isWrite(method)) {
    const token = tokens.login(textOf(body['role_id']), textOf(body['secret_id']))
    return token === null ? failed(400, 'invalid role or secret ID') : { status: 200, auth: describeAuth(token, nowMs) }
  }
  const token = tokens.find(request.token)
  if (token === undefined) return denied()
  const capabilities = capabilitiesOf(policiesOf(tokens, token), path)
  const wanted = wantedOf(namespace, request)
  if (!capabilities.includes('root') && !wanted.some((capability) => capabilities.includes(capability))) return denied()
  return route(namespace, request, token, nowMs)
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

const isWrite = (method: string): boolean => method === 'POST' || method === 'PUT'

function policiesOf(tokens: Tokens, { policies }: VaultToken): readonly Policy[] | null {
  if (policies.includes('root')) return null
  return policies.map((name) => (name === 'default' ? defaultPolicy : (tokens.policies.get(name) ?? [])))
}

/** A write of what is not there yet is a create; of an engine of version 2 this is asked of the data's metadata. */
function wantedOf({ engines }: Namespace, { method, path, query }: VaultRequest): string[] {
  if (method === 'GET') return query.get('list') === 'true' ? ['list'] : ['read']
  if (method === 'DELETE') return ['delete']
  const [mount, rest] = mountOf(engines, path)
  if (mount !== undefined && rest.startsWith('data/')) return [mount.has(rest.slice(5)) ? 'update' : 'create']
  return ['update', 'create']
}

function mountOf(engines: Namespace['engines'], path: string): [KvEngine | undefined, string] {
  for (const [name, engine] of engines) if (path.startsWith(`${name}/`)) return [engine, path.slice(name.length + 1)]
  return [undefined, path]
}

function route(namespace: Namespace, request: VaultRequest, token: VaultToken, nowMs: number): VaultReply {
  const { tokens, engines } = namespace
  const { body, method, path } = request
  if (path === 'auth/token/lookup-self' && method === 'GET') return found(describe(token, nowMs))
  if (path === 'auth/token/renew-self' && isWrite(method)) {
    if (!token.renewable) return failed(400, 'lease is not renewable')
    tokens.renew(token)
    return { status: 200, auth: describeAuth(token, nowMs) }
  }
  if (path === 'auth/token/revoke-self' && isWrite(method)) {
    tokens.revoke(token.token)
    return { status: 204 }
  }
  if (path === 'auth/token/create' && isWrite(method)) {
    const { policies = [], ttl, renewable } = body as { policies?: string[]; ttl?: string; renewable?: boolean }
    const seconds = /^(\d+)s?$/.exec(ttl ?? '')?.[1]
    const made = tokens.create({
      policies,
      ttlMs: seconds === undefined ? 768 * 3_600_000 : Number(seconds) * 1000,
      ...(renewable === undefined ? {} : { renewable }),
    })
    return { status: 200, auth: describeAuth(made, nowMs) }
  }
  if (path === 'sys/capabilities-self' && isWrite(method)) {
    const paths = (body['paths'] ?? [body['path']]) as string[]
    const of = (one: string): readonly string[] => capabilitiesOf(policiesOf(tokens, token), one)
    const all = Object.fromEntries(paths.map((one) => [one, of(one)]))
    return found({ ...all, ...(paths.length === 1 && { capabilities: of(paths[0] as string) }) })
  }
  const policy = /^sys\/polic(?:y|ies\/acl)\/([\w-]+)$/.exec(path)?.[1]
  if (policy !== undefined && isWrite(method)) {
    tokens.policies.set(policy, parsePolicy(textOf(body['policy'])))
    return { status: 204 }
  }
  const looked = /^sys\/internal\/ui\/mounts\/(.+?)\/?$/.exec(path)?.[1]
  if (looked !== undefined) {
    if (!engines.has(looked))
      return failed(
        403,
        'preflight capability check returned 403, please ensure client\'s policies grant access to path "' +
          looked +
          '/"',
      )
    return found({ type: 'kv', path: `${looked}/`, options: { version: '2' } })
  }
  const role = /^auth\/approle\/role\/([\w-]+)(?:\/(role-id|secret-id))?$/.exec(path)
  if (role !== null) return approle(tokens, role[1] as string, role[2], method, body)
  const [engine, rest] = mountOf(engines, path)
  return engine === undefined
    ? failed(404, `no handler for route "${path}". route entry not found.`)
    : kv(engine, rest, request)
}

function approle(
  tokens: Tokens,
  name: string,
  part: string | undefined,
  method: string,
  body: VaultRequest['body'],
): VaultReply {
  if (part === undefined && isWrite(method)) {
    tokens.createRole(name, { policies: toList(body['token_policies'] ?? body['policies']), ttlMs: 3_600_000 })
    return { status: 204 }
  }
  const role = tokens.roles.get(name)
  if (role === undefined) return nothing()
  if (part === 'role-id') return found({ role_id: role.roleId })
  if (part === 'secret-id' && isWrite(method)) return found({ secret_id: tokens.addSecretId(name) as string })
  return found({ token_policies: role.policies ?? [] })
}

const toList = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(String) : typeof value === 'string' ? value.split(',') : []

function kv(engine: KvEngine, rest: string, { method, query, body }: VaultRequest): VaultReply {
  const [kind = '', ...segments] = rest.split('/')
  const path = segments.join('/')
  const versions = Array.isArray(body['versions']) ? body['versions'].map(Number) : []
  if (kind === 'data') {
    if (method === 'GET') return engine.read(path, Number(query.get('version') ?? 0))
    if (isWrite(method)) return engine.write(path, body)
    if (method === 'DELETE') return engine.delete(path, null)
  }
  if (kind === 'metadata') {
    if (method === 'GET') return query.get('list') === 'true' ? engine.list(path) : engine.readMetadata(path)
    if (isWrite(method)) return engine.writeMetadata(path, body)
    if (method === 'DELETE') return engine.deleteMetadata(path)
  }
  if (kind === 'delete' && isWrite(method)) return engine.delete(path, versions)
  if (kind === 'undelete' && isWrite(method)) return engine.undelete(path, versions)
  if (kind === 'destroy' && isWrite(method)) return engine.destroy(path, versions)
  return failed(405, 'unsupported operation')
}

function describe(token: VaultToken, nowMs: number): object {
  const { accessor, createdMs, endsMs, path, policies, renewable, ttlMs } = token
  return {
    accessor,
    creation_time: Math.floor(createdMs / 1000),
    creation_ttl: Math.ceil((ttlMs ?? 0) / 1000),
    display_name: 'token',
    expire_time: endsMs === null ? null : new Date(endsMs).toISOString(),
    explicit_max_ttl: 0,
    id: token.token,
    meta: null,
    num_uses: 0,
    orphan: true,
    path,
    policies,
    renewable,
    ttl: secondsLeft(token, nowMs),
    type: 'service',
  }
}

function describeAuth(token: VaultToken, nowMs: number): object {
  const { accessor, policies, renewable } = token
  return {
    client_token: token.token,
    accessor,
    policies,
    token_policies: policies,
    metadata: null,
    lease_duration: secondsLeft(token, nowMs),
    renewable,
    entity_id: '',
    token_type: 'service',
    orphan: true,
  }
}
