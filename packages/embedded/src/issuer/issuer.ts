// A local OpenID Connect issuer for development: real protocol, no passwords. It listens on the loopback
// interface and answers only to that name, so that neither a network nor a rebound DNS name reaches it.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { RowhouseError } from '@rowhouse/contracts'
import { SignJWT, importJWK } from 'jose'
import { algorithm, openKeys } from './keys.ts'
import { messagePage, signInPage } from './pages.ts'
import { authorizePath, claimsOf, makeProvider, scopes, sessionCookie, signInPath, tokenSeconds } from './provider.ts'

export interface IssuerUser {
  /** A uuid: the `sub` of the tokens. */
  readonly id: string
  readonly email: string
  readonly name: string
  /** Goes into `app_metadata.organization_id`. @default no active organization in the token */
  readonly organizationId?: string
}

export interface IssuerClient {
  readonly clientId: string
  /** @default none: a public client, held by PKCE */
  readonly clientSecret?: string
  readonly redirectUris: readonly string[]
  /** @default [] */
  readonly postLogoutRedirectUris?: readonly string[]
}

export interface IssuerOptions {
  /** On 127.0.0.1; part of every token's `iss`, so keep it across starts. 0 takes a free one. */
  readonly port: number
  readonly users: readonly IssuerUser[]
  readonly clients: readonly IssuerClient[]
  /** Holds the signing key, 0600; made when missing. */
  readonly keysFile: string
  /** The `aud` of access tokens. */
  readonly audience: string
  /** One line for each error of a request. @default silent */
  readonly log?: (line: string) => void
  /** @default Date.now */
  readonly now?: () => number
}

export interface Issuer {
  /** The `iss` of its tokens, and its base URL. */
  readonly issuer: string
  readonly url: string
  readonly jwksUrl: string
  /** An access token as signing in gives it. Throws `invalid_option` for an unknown person. */
  issueToken(userId: string): Promise<string>
  close(): Promise<void>
}

const host = '127.0.0.1'
const bodyBytesMax = 4096
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Starts the issuer. Throws `port_in_use`, and `invalid_option` for a person whose id is no uuid or for
 * a keys file that cannot be read.
 *
 * @example
 * const issuer = await startIssuer({ port: 0, users, clients, keysFile, audience: 'rowhouse' })
 * // GET <issuer.url>/.well-known/openid-configuration
 */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { clients, audience, log = () => undefined, now = Date.now } = options
  for (const { id } of options.users) {
    if (!uuid.test(id))
      throw new RowhouseError('invalid_option', `The id of a user must be a uuid in lower case, not ${id}.`)
  }
  const users = new Map(options.users.map((user) => [user.id, user]))
  const keys = await openKeys(options.keysFile)
  const server = createServer()
  const port = await listen(server, options.port)
  const url = `http://${host}:${port}`
  const provider = makeProvider({ issuer: url, users, clients, keys, audience, now })
  provider.on('server_error', (_context, error) => log(`issuer: ${error.message}`))
  const answer = provider.callback()
  const policy = contentPolicy(clients)

  const signIn = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { uid } = await provider.interactionDetails(request, response)
    if (request.method !== 'POST') return sendPage(response, 200, signInPage(options.users, signInPath + uid))
    const user = users.get(new URLSearchParams(await readBody(request)).get('user') ?? '')
    if (user === undefined)
      return sendPage(response, 400, messagePage('Unknown person', 'Choose somebody from the list.'))
    await provider.interactionFinished(request, response, { login: { accountId: user.id } })
  }

  server.on('request', (request, response) => {
    response.setHeader('content-security-policy', policy)
    response.setHeader('referrer-policy', 'no-referrer')
    response.setHeader('x-content-type-options', 'nosniff')
    response.setHeader('cache-control', 'no-store')
    if (request.headers.host !== `${host}:${port}`) {
      return sendPage(response, 421, messagePage('Wrong address', `This issuer answers at ${url} only.`))
    }
    if (request.url?.startsWith(authorizePath)) forgetPerson(request)
    if (!request.url?.startsWith(signInPath)) return void answer(request, response)
    signIn(request, response).catch((error: Error) => {
      log(`issuer: ${error.message}`)
      sendPage(
        response,
        400,
        messagePage('This sign-in has ended', 'Go back to where you came from and sign in again.'),
      )
    })
  })

  const signingKey = await importJWK(keys.signingKey, algorithm)
  return {
    issuer: url,
    url,
    jwksUrl: `${url}/.well-known/jwks.json`,
    async issueToken(userId) {
      const user = users.get(userId)
      if (user === undefined) throw new RowhouseError('invalid_option', `The issuer knows no user ${userId}.`)
      const issuedAt = Math.floor(now() / 1000)
      return await new SignJWT({ ...claimsOf(user), scope: scopes })
        .setProtectedHeader({ alg: algorithm, kid: keys.signingKey.kid, typ: 'at+jwt' })
        .setIssuer(url)
        .setAudience(audience)
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + tokenSeconds)
        .sign(signingKey)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listen(server: Server, port: number): Promise<number> {
  return await new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'EADDRINUSE') return reject(cause)
      reject(
        new RowhouseError('port_in_use', `Port ${port} on ${host} is taken by another program.`, {
          details: { host, port },
          cause,
        }),
      )
    })
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

// Browsers hold form-action against every redirect that follows the form, so the clients are named in it.
function contentPolicy(clients: readonly IssuerClient[]): string {
  const origins = clients.flatMap(({ redirectUris, postLogoutRedirectUris = [] }) => [
    ...redirectUris,
    ...postLogoutRedirectUris,
  ])
  const targets = new Set(origins.map((uri) => new URL(uri).origin))
  return `default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'; form-action 'self' ${[...targets].join(' ')}`
}

function sendPage(response: ServerResponse, status: number, html: string): void {
  if (response.headersSent) return void response.end()
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(html)
}

// Whoever signs in here wants to choose who to be: a remembered person would make switching impossible.
function forgetPerson(request: IncomingMessage): void {
  const kept = (request.headers.cookie ?? '').split(/; */).filter((cookie) => !cookie.startsWith(sessionCookie))
  request.headers.cookie = kept.join('; ')
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request as AsyncIterable<Buffer>) {
    text += chunk.toString()
    if (text.length > bodyBytesMax) throw new RowhouseError('payload_too_large')
  }
  return text
}
