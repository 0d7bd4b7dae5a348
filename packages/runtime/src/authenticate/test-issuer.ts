// A token issuer for tests: real keys, published over real HTTP, that can be emptied, rotated and switched off.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import type { CryptoKey, JWK } from 'jose'

export interface TestIssuer {
  readonly issuer: string
  readonly jwksUrl: string
  /** What the JWKS endpoint answers with. */
  keys: JWK[]
  /** Requests the JWKS endpoint had. */
  readonly requests: number
  token(claims: Record<string, unknown>, change?: TokenChange): Promise<string>
  /** A new signing key, published beside the old one. */
  rotate(): Promise<void>
  close(): Promise<void>
}

export interface TokenChange {
  readonly audience?: string
  readonly issuer?: string
  readonly expiresAt?: number
  /** Signs with a key that is not published. */
  readonly stranger?: boolean
}

const HOUR_SECONDS = 3600

export async function startTestIssuer(now: () => number = Date.now): Promise<TestIssuer> {
  let requests = 0
  let count = 0
  let signer: { readonly kid: string; readonly key: CryptoKey }
  const server = createServer((_request, response) => {
    requests += 1
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys: fixture.keys }))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}/auth/v1`
  const fixture: TestIssuer = {
    issuer,
    jwksUrl: `${issuer}/.well-known/jwks.json`,
    keys: [],
    get requests() {
      return requests
    },
    async token(claims, change = {}) {
      const seconds = Math.floor(now() / 1000)
      const key = change.stranger === true ? (await generateKeyPair('ES256')).privateKey : signer.key
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: change.stranger === true ? 'stranger' : signer.kid })
        .setIssuer(change.issuer ?? issuer)
        .setAudience(change.audience ?? 'authenticated')
        .setExpirationTime(change.expiresAt ?? seconds + HOUR_SECONDS)
        .sign(key)
    },
    async rotate() {
      const { publicKey, privateKey } = await generateKeyPair('ES256')
      count += 1
      signer = { kid: `key-${count}`, key: privateKey }
      fixture.keys.push({ ...(await exportJWK(publicKey)), kid: signer.kid, alg: 'ES256', use: 'sig' })
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => {
          resolve()
        })
      }),
  }
  await fixture.rotate()
  return fixture
}
