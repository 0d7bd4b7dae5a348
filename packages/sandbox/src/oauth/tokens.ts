// Codes and tokens: issuing, finding, revoking. A token names one account and one app; that is the
// only way a request gets an account, so a token of one account can never reach another. Owns expiry
// and revocation; must not know how either CRM spells its answers.
import { createHash } from 'node:crypto'
import type { Seeded } from '../store/seeded.ts'
import type { Shelf, Store } from '../store/store.ts'
import type { Account } from './account.ts'
import type { RegisteredApp } from './accounts.ts'

export type TokenKind = 'code' | 'access' | 'refresh' | 'static'

export interface Token {
  readonly value: string
  readonly kind: TokenKind
  readonly connector: Account['connector']
  readonly account: string
  readonly appId: number
  readonly clientId: string
  readonly scopes: readonly string[]
  /** Position among all tokens ever issued: revocation is 'all up to here'. */
  readonly ordinal: number
  readonly issuedAt: number
  /** Milliseconds since the epoch; null lives until revoked. */
  readonly expiresAt: number | null
  /** Whether what it changes counts as done by a person in the CRM's own pages. */
  readonly person: boolean
  readonly redirectUri?: string
  readonly codeChallenge?: string
  /** What tokens of one consent have in common: the first refresh token's ordinal. */
  readonly family: number
}

interface Revocation {
  readonly accessThrough: number
  readonly refreshThrough: number
}

export type TokenState = 'valid' | 'expired' | 'revoked'

export interface NewToken {
  readonly kind: TokenKind
  readonly account: Account
  readonly app: Pick<RegisteredApp, 'appId' | 'clientId'>
  readonly scopes: readonly string[]
  readonly lifetimeMs: number | null
  readonly person?: boolean
  readonly redirectUri?: string
  readonly codeChallenge?: string
  /** The refresh token it comes from. */
  readonly parent?: string
}

/** Expired tokens are swept once this many are held. */
const sweepAt = 5000
/** Used refresh tokens that are remembered, to notice when one comes again. */
const spentMax = 5000

export class Tokens {
  readonly #tokens: Shelf<Token>
  readonly #revocations: Shelf<Revocation>
  readonly #installs: Shelf<number>
  /** Refresh tokens that rotation voided → their family. */
  readonly #spent: Shelf<number>
  /** Scopes an account still grants, where they were reduced. */
  readonly #granted: Shelf<readonly string[]>
  readonly #store: Store
  readonly #seeded: Seeded
  readonly #now: () => number

  constructor(store: Store, seeded: Seeded, now: () => number) {
    this.#store = store
    this.#seeded = seeded
    this.#now = now
    this.#tokens = store.shelf('', 'token')
    this.#installs = store.shelf('', 'install')
    this.#spent = store.shelf('', 'spent')
    this.#granted = store.shelf('', 'granted')
    this.#revocations = store.shelf('', 'revocation')
  }

  issue(input: NewToken, format: (letters: string) => string): Token {
    if (this.#tokens.size >= sweepAt) this.#sweep()
    const ordinal = this.#store.next('', 'token')
    const issuedAt = this.#now()
    const { account, app, lifetimeMs, kind, scopes, person = false, redirectUri, codeChallenge, parent } = input
    const token: Token = {
      value: format(this.#seeded.letters(`token.${ordinal}`, 80)),
      kind,
      connector: account.connector,
      account: account.id,
      appId: app.appId,
      clientId: app.clientId,
      scopes,
      ordinal,
      issuedAt,
      expiresAt: lifetimeMs === null ? null : issuedAt + lifetimeMs,
      person,
      family: (parent === undefined ? undefined : this.#familyOf(parent)) ?? ordinal,
      ...(redirectUri === undefined ? {} : { redirectUri }),
      ...(codeChallenge === undefined ? {} : { codeChallenge }),
    }
    this.#tokens.set(token.value, token)
    this.#installs.set(`${account.id} ${app.appId}`, issuedAt)
    return token
  }

  /** Whether the app was ever given a token of the account. */
  installed(account: string, appId: number): boolean {
    return this.#installs.get(`${account} ${appId}`) !== undefined
  }

  /** The standing token of an account that needs no OAuth, the same one after every restart. */
  standing(account: Account, value: string, app: NewToken['app'], person: boolean): Token {
    const known = this.#tokens.get(value)
    return known ?? this.issue({ kind: 'static', account, app, scopes: [], lifetimeMs: null, person }, () => value)
  }

  find(value: string, ...kinds: TokenKind[]): Token | undefined {
    const token = this.#tokens.get(value)
    return token && kinds.includes(token.kind) ? token : undefined
  }

  state(token: Token): TokenState {
    const revocation = this.#revocations.get(token.account)
    const through = token.kind === 'refresh' ? revocation?.refreshThrough : revocation?.accessThrough
    if (through !== undefined && token.ordinal <= through) return 'revoked'
    return token.expiresAt !== null && token.expiresAt <= this.#now() ? 'expired' : 'valid'
  }

  /** Codes are good once. */
  spend(token: Token): void {
    this.#tokens.delete(token.value)
  }

  /** Voids a refresh token that was used, and remembers it. */
  rotate(token: Token): void {
    this.#tokens.delete(token.value)
    this.#spent.set(token.value, token.family)
    if (this.#spent.size > spentMax) this.#spent.delete(this.#spent.entries().next().value![0])
  }

  /** Whether this was a refresh token that rotation voided: then its whole family is void from now on. */
  revokeReused(value: string): boolean {
    const family = this.#spent.get(value)
    if (family === undefined) return false
    this.#revokeFamily(family)
    return true
  }

  /** Voids a token and everything that came from the same consent. */
  revokeFamily(token: Token): void {
    this.#revokeFamily(token.family)
  }

  /** Takes scopes away from every grant of the account, as an administrator does; undefined gives them back. */
  reduceScopes(account: string, granted: readonly string[] | undefined): void {
    if (granted === undefined) this.#granted.delete(account)
    else this.#granted.set(account, granted)
  }

  /** Whether the token may do what needs this scope. Standing tokens have every scope that was not taken away. */
  allows(token: Token, scope: string): boolean {
    const granted = this.#granted.get(token.account)
    if (granted && !granted.includes(scope)) return false
    return token.kind === 'static' || token.scopes.includes(scope)
  }

  /** Moves an idle session's end: Salesforce counts from the last use. */
  touch(token: Token, lifetimeMs: number): void {
    const expiresAt = this.#now() + lifetimeMs
    // A write per request would be most of the work; a minute's precision is enough for a two-hour limit.
    if (token.expiresAt !== null && expiresAt - token.expiresAt < 60_000) return
    if (token.expiresAt !== null) this.#tokens.set(token.value, { ...token, expiresAt })
  }

  /** Revokes every token of the account issued so far; `refresh` takes the refresh tokens too. */
  revoke(account: string, refresh: boolean): void {
    const last = this.#store.next('', 'token')
    const known = this.#revocations.get(account)
    this.#revocations.set(account, {
      accessThrough: last,
      refreshThrough: refresh ? last : (known?.refreshThrough ?? 0),
    })
  }

  /** Takes a revocation back: standing tokens work again. */
  reinstate(account: string): void {
    this.#revocations.delete(account)
  }

  #familyOf(value: string): number | undefined {
    return this.#tokens.get(value)?.family ?? this.#spent.get(value)
  }

  #revokeFamily(family: number): void {
    for (const token of this.#tokens.values()) if (token.family === family) this.#tokens.delete(token.value)
  }

  #sweep(): void {
    const now = this.#now()
    for (const token of this.#tokens.values()) {
      if (token.expiresAt !== null && token.expiresAt < now - 86_400_000) this.#tokens.delete(token.value)
    }
  }
}

/** Whether a PKCE verifier answers the challenge the code was asked with (S256, RFC 7636). */
export function verifierMatches(token: Token, verifier: string | undefined): boolean {
  if (token.codeChallenge === undefined) return true
  if (verifier === undefined) return false
  return createHash('sha256').update(verifier).digest('base64url') === token.codeChallenge
}
