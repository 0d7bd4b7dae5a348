// A simulated HashiCorp Vault on this machine: real HTTP or HTTPS, in memory. For tests only. It cannot seal anything: what
// it shows is how a program that speaks to a Vault behaves when the vault is sealed, slow, behind, or has revoked its token.
// What it does not have: leases, wrapping, other engines and auth methods, LIST as a method (Node's parser refuses it; the
// query list=true, which Vault reads too, is answered).
import { randomUUID } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { KvEngine } from './kv.ts'
import { parsePolicy } from './policies.ts'
import { failed, render } from './reply.ts'
import type { VaultReply } from './reply.ts'
import { answerRequest } from './routes.ts'
import type { Namespace } from './routes.ts'
import { Tokens } from './tokens.ts'
import type { TokenInput } from './tokens.ts'

/** What happens to one request: an answer instead, none at all, or a cut line before or after it was done. */
export type VaultTrouble =
  | { readonly status: number; readonly errors?: readonly string[] }
  | 'hang'
  | 'drop before'
  | 'drop after'

export interface SimulatedVaultOptions {
  /** Certificate and key in PEM, for https. @default http */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** KV engines of version 2. @default ['secret'] */
  readonly mounts?: readonly string[]
  /** Besides the root one. @default none */
  readonly namespaces?: readonly string[]
  /** Where requests are sent to: this one is a standby. @default it is active */
  readonly standbyOf?: string
  /** Epoch milliseconds. @default Date.now */
  readonly now?: () => number
}

export interface SimulatedVault {
  readonly url: string
  readonly rootToken: string
  /** Method and path of each request, without the namespace, oldest first. */
  readonly requests: readonly { readonly method: string; readonly path: string; readonly status: number }[]
  seal(): void
  unseal(): void
  setPolicy(name: string, hcl: string, namespace?: string): void
  createToken(input?: TokenInput, namespace?: string): string
  createRole(
    name: string,
    input?: TokenInput & { readonly secretIdUses?: number | null },
    namespace?: string,
  ): { readonly roleId: string; readonly secretId: string }
  /** All but the root's. */
  revokeTokens(namespace?: string): void
  engine(mount: string, namespace?: string): KvEngine
  /** Asked before each request but for health; null: no trouble. */
  trouble: ((request: { readonly method: string; readonly path: string }) => VaultTrouble | null) | null
  close(): Promise<void>
}

const BODY_BYTES_MAX = 1024 * 1024

/** @example const vault = await startVault({ namespaces: ['team'] }) */
export async function startVault(options: SimulatedVaultOptions = {}): Promise<SimulatedVault> {
  const { mounts = ['secret'], namespaces = [], now = Date.now, standbyOf, tls } = options
  const state = { sealed: false }
  const requests: { method: string; path: string; status: number }[] = []
  const open = (): Namespace => ({
    tokens: new Tokens(now),
    engines: new Map(mounts.map((mount) => [mount, new KvEngine(now)])),
  })
  const all = new Map<string, Namespace>(['', ...namespaces].map((name) => [name, open()]))
  const rootToken = (all.get('') as Namespace).tokens.create({ policies: ['root'] }).token
  const named = (name: string): Namespace => {
    const found = all.get(name)
    if (found === undefined) throw new Error(`There is no namespace ${name}.`)
    return found
  }

  const health = (): VaultReply => ({
    status: state.sealed ? 503 : standbyOf === undefined ? 200 : 429,
    bare: { initialized: true, sealed: state.sealed, standby: standbyOf !== undefined, version: '1.20.0' },
  })

  const act = (request: IncomingMessage, url: URL, path: string, body: Record<string, unknown>): VaultReply => {
    const { method = 'GET', headers } = request
    if (path === 'sys/seal-status')
      return { status: 200, bare: { sealed: state.sealed, initialized: true, t: 1, n: 1 } }
    if (path === 'sys/unseal') {
      state.sealed = false
      return { status: 200, bare: { sealed: false, t: 1, n: 1, progress: 0 } }
    }
    if (state.sealed) return failed(503, 'Vault is sealed')
    const token = headers['x-vault-token']
    if (path === 'sys/seal') {
      if (token !== rootToken) return failed(403, 'permission denied')
      state.sealed = true
      return { status: 204 }
    }
    const name = String(headers['x-vault-namespace'] ?? '').replaceAll(/^\/|\/$/g, '')
    const namespace = all.get(name)
    if (namespace === undefined) return failed(404, `no handler for route "${name}/${path}". route entry not found.`)
    return answerRequest(
      namespace,
      { method, path, query: url.searchParams, token: Array.isArray(token) ? token[0] : token, body },
      now(),
    )
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? 'GET'
    const url = new URL(request.url ?? '/', 'http://vault')
    const path = decodeURIComponent(url.pathname.replace(/^\/v1\//, ''))
    const body = await readBody(request)
    const isHealth = path === 'sys/health'
    const trouble = isHealth ? null : (vault.trouble?.({ method, path }) ?? null)
    if (trouble === 'drop before' || trouble === 'hang') {
      requests.push({ method, path, status: 0 })
      if (trouble === 'drop before') request.socket.destroy()
      return
    }
    let reply: VaultReply
    if (trouble !== null && trouble !== 'drop after') reply = failed(trouble.status, ...(trouble.errors ?? []))
    else if (isHealth) reply = health()
    else if (standbyOf !== undefined && !state.sealed)
      reply = { status: 307, headers: { location: standbyOf + (request.url ?? '') } }
    else reply = act(request, url, path, body)
    requests.push({ method, path, status: trouble === 'drop after' ? 0 : reply.status })
    if (trouble === 'drop after') {
      request.socket.destroy()
      return
    }
    response.writeHead(reply.status, {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...reply.headers,
    })
    response.end(render(reply, randomUUID()))
  }

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch(() => response.destroy())
  }
  const server: Server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener)
  // A request on a connection that is being closed for its rest is lost: no client of a test rests as long.
  server.keepAliveTimeout = 65_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const vault: SimulatedVault = {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    rootToken,
    requests,
    trouble: null,
    seal: () => void (state.sealed = true),
    unseal: () => void (state.sealed = false),
    setPolicy: (name, hcl, namespace = '') => void named(namespace).tokens.policies.set(name, parsePolicy(hcl)),
    createToken: (input = {}, namespace = '') => named(namespace).tokens.create(input).token,
    createRole(name, { secretIdUses = null, ...input } = {}, namespace = '') {
      const { tokens } = named(namespace)
      const { roleId } = tokens.createRole(name, input)
      return { roleId, secretId: tokens.addSecretId(name, secretIdUses) as string }
    },
    revokeTokens: (namespace = '') => named(namespace).tokens.revokeAll(),
    engine(mount, namespace = '') {
      const found = named(namespace).engines.get(mount)
      if (found === undefined) throw new Error(`There is no engine ${mount}.`)
      return found
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return vault
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > BODY_BYTES_MAX) throw new Error('too large')
    chunks.push(chunk)
  }
  const text = Buffer.concat(chunks).toString('utf8')
  if (text === '') return {}
  const value = JSON.parse(text) as unknown
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
