// Sessions live in the cookie, encrypted: no table to leak, no lookup. They say who somebody is, never
// what they may do; that is asked of the database at every request. A new signing key ends all sessions,
// a new operator key those of operators.
import { hkdfSync } from 'node:crypto'
import { EncryptJWT, jwtDecrypt } from 'jose'
import type { JWTPayload } from 'jose'
import { operatorKeyId } from '../auth/operator-key.ts'

const sessionS = 12 * 60 * 60
const signInS = 10 * 60

export type Session = { readonly kind: 'operator' } | { readonly kind: 'user'; readonly userId: string }

/** What a sign-in must remember between leaving for the identity provider and coming back. */
export interface SignInState {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly returnTo: string
}

/** What connecting an account must remember between leaving for the CRM and coming back. */
export interface ConnectState {
  readonly state: string
}

export interface SessionCookies {
  /** @returns the value of a Set-Cookie header */
  writeSession(session: Session): Promise<string>
  readSession(cookieHeader: string | null): Promise<Session | null>
  endSession(): string
  writeSignIn(state: SignInState): Promise<string>
  readSignIn(cookieHeader: string | null): Promise<SignInState | null>
  endSignIn(): string
  writeConnect(state: ConnectState): Promise<string>
  readConnect(cookieHeader: string | null): Promise<ConnectState | null>
  endConnect(): string
}

export interface SessionCookieOptions {
  readonly signingKey: string
  readonly operatorKey: string
  /** Asked at each use, because the address is known only once the server listens. */
  readonly publicUrl: () => string
  readonly now: () => number
}

export function createSessionCookies({
  signingKey,
  operatorKey,
  publicUrl,
  now,
}: SessionCookieOptions): SessionCookies {
  const sessionKey = deriveKey(signingKey, 'rowhouse session v1')
  // A key of its own: one kind of cookie can never pass for the other.
  const signInKey = deriveKey(signingKey, 'rowhouse sign-in v1')
  const connectKey = deriveKey(signingKey, 'rowhouse connect v1')
  const keyId = operatorKeyId(operatorKey)
  const isSecure = (): boolean => publicUrl().startsWith('https:')
  // The __Host- prefix keeps other hosts of the domain from setting it; browsers take it over https only.
  const named = (name: string): string => (isSecure() ? `__Host-${name}` : name)
  const write = (name: string, value: string, maxAgeS: number): string =>
    `${named(name)}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeS}${isSecure() ? '; Secure' : ''}`

  const encrypt = (payload: JWTPayload, key: Uint8Array, lifeS: number): Promise<string> => {
    const nowS = Math.floor(now() / 1000)
    return new EncryptJWT(payload)
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setIssuedAt(nowS)
      .setExpirationTime(nowS + lifeS)
      .encrypt(key)
  }
  const decrypt = async (cookieHeader: string | null, name: string, key: Uint8Array): Promise<JWTPayload | null> => {
    const value = readCookie(cookieHeader, named(name))
    if (value === null) return null
    try {
      const { payload } = await jwtDecrypt(value, key, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
        currentDate: new Date(now()),
        requiredClaims: ['exp'],
      })
      return payload
    } catch {
      // Expired, forged, or of another key: no session, nothing to say about which.
      return null
    }
  }

  return {
    writeSession: async (session) =>
      write(
        'rowhouse_session',
        await encrypt(session.kind === 'operator' ? { ...session, keyId } : { ...session }, sessionKey, sessionS),
        sessionS,
      ),
    async readSession(cookieHeader) {
      const payload = await decrypt(cookieHeader, 'rowhouse_session', sessionKey)
      if (payload?.['kind'] === 'operator' && payload['keyId'] === keyId) return { kind: 'operator' }
      const userId = payload?.['userId']
      return payload?.['kind'] === 'user' && typeof userId === 'string' ? { kind: 'user', userId } : null
    },
    endSession: () => write('rowhouse_session', '', 0),
    writeSignIn: async (state) => write('rowhouse_sign_in', await encrypt({ ...state }, signInKey, signInS), signInS),
    async readSignIn(cookieHeader) {
      const payload = await decrypt(cookieHeader, 'rowhouse_sign_in', signInKey)
      if (payload === null) return null
      const { state, nonce, codeVerifier, returnTo } = payload as JWTPayload & SignInState
      return { state, nonce, codeVerifier, returnTo }
    },
    endSignIn: () => write('rowhouse_sign_in', '', 0),
    writeConnect: async (state) => write('rowhouse_connect', await encrypt({ ...state }, connectKey, signInS), signInS),
    async readConnect(cookieHeader) {
      const state = (await decrypt(cookieHeader, 'rowhouse_connect', connectKey))?.['state']
      return typeof state === 'string' ? { state } : null
    },
    endConnect: () => write('rowhouse_connect', '', 0),
  }
}

function deriveKey(signingKey: string, info: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', signingKey, '', info, 32))
}

function readCookie(header: string | null, name: string): string | null {
  for (const pair of (header ?? '').split(';')) {
    const [key = '', ...rest] = pair.trim().split('=')
    if (key === name) return rest.join('=')
  }
  return null
}
