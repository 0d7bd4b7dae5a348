// A server over a test database with two organizations, and ways to call it as anybody. Tests only.
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createTwoWorlds } from '@rowhouse/testkit'
import type { TestDatabase, TwoWorlds } from '@rowhouse/testkit'
import { SignJWT, exportJWK } from 'jose'
import type { ServerConfig } from './config/config.ts'
import type { Guards } from './http/pipeline.ts'
import type { ServerLogEvent } from './log/log.ts'
import { startGuarded } from './start.ts'
import type { ServerOptions } from './start.ts'

export const operatorKey = 'operator-key-of-the-tests-0123456789'

export interface TestServer {
  readonly url: string
  readonly worlds: TwoWorlds
  readonly log: readonly ServerLogEvent[]
  readonly config: ServerConfig
  /** A bearer token of a person; `stranger` signs it with a key nobody published. */
  token(userId: string, change?: { readonly stranger?: boolean; readonly expired?: boolean }): Promise<string>
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  stop(): Promise<void>
}

export interface CallOptions {
  readonly bearer?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly rawBody?: Uint8Array<ArrayBuffer> | string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of any shape
  readonly body: any
}

export async function startTestServer(
  database: TestDatabase,
  options: ServerOptions & { readonly guards?: Guards; readonly config?: Partial<ServerConfig> } = {},
): Promise<TestServer> {
  const worlds = await createTwoWorlds(database)
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }
  const issuerServer = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [jwk] }))
  })
  await new Promise<void>((resolve) => {
    issuerServer.listen(0, '127.0.0.1', resolve)
  })
  const issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}`
  const log: ServerLogEvent[] = []
  const config: ServerConfig = {
    url: database.adminUrl,
    signingKey: database.signingKey,
    encryptionKey: 'encryption-key-of-the-tests-0123456789',
    operatorKey,
    port: 0,
    host: '127.0.0.1',
    publicUrl: null,
    issuer: { issuer, jwksUrl: `${issuer}/jwks`, audience: null, clientId: 'rowhouse-console', clientSecret: null },
    trustedProxies: [],
    ...options.config,
  }
  const server = await startGuarded(config, { log: (event) => log.push(event), ...options }, options.guards)
  return {
    url: server.url,
    worlds,
    log,
    config,
    token: (userId, change = {}) =>
      new SignJWT({ sub: userId })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer(issuer)
        .setAudience('authenticated')
        .setJti(randomUUID())
        .setExpirationTime(change.expired === true ? new Date(Date.now() - 3_600_000) : '1h')
        .sign(change.stranger === true ? stranger.privateKey : keys.privateKey),
    async call(method, path, { bearer, headers = {}, body, rawBody } = {}) {
      const response = await fetch(server.url + path, {
        method,
        redirect: 'manual',
        headers: {
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(rawBody === undefined ? {} : { body: rawBody }),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = /^application\/json(;|$)/.test(response.headers.get('content-type') ?? '')
      return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : null }
    },
    async stop() {
      await server.stop()
      await new Promise((resolve) => {
        issuerServer.close(resolve)
        issuerServer.closeAllConnections()
      })
    },
  }
}
