// The issuer's public keys: fetched once, kept, fetched again when a token names a key they lack, and never more often
// than the cooldown allows. It turns what jose says into Rowhouse's codes, and verifies with public keys only.
import { RowhouseError } from '@rowhouse/contracts'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'

export interface TrustedIssuer {
  readonly issuer: string
  readonly jwksUrl: string
  readonly audience: string
}

const FETCH_TIMEOUT_MS = 5_000
/** A stranger's token with an unknown key id costs the issuer at most one request in this time. */
const COOLDOWN_MS = 30_000
const KEPT_MS = 600_000
const CLOCK_TOLERANCE_SECONDS = 30

/** Signatures only a private key makes. HS256 and none are missing on purpose: a public key is no shared secret. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

const tokenErrors = [
  errors.JWTInvalid,
  errors.JWTClaimValidationFailed,
  errors.JWSInvalid,
  errors.JWSSignatureVerificationFailed,
  errors.JOSEAlgNotAllowed,
  errors.JOSENotSupported,
  errors.JWKSMultipleMatchingKeys,
]

export class IssuerKeys {
  readonly #trusted: TrustedIssuer
  readonly #now: () => number
  readonly #keys: ReturnType<typeof createRemoteJWKSet>

  constructor(trusted: TrustedIssuer, now: () => number) {
    this.#trusted = trusted
    this.#now = now
    this.#keys = createRemoteJWKSet(new URL(trusted.jwksUrl), {
      timeoutDuration: FETCH_TIMEOUT_MS,
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: KEPT_MS,
    })
  }

  /** Reads the keys now. @throws RowhouseError issuer_unreachable, issuer_without_keys */
  async check(): Promise<void> {
    try {
      await this.#keys.reload()
    } catch (error) {
      throw this.#unreachable(error)
    }
    if (this.#keys.jwks()?.keys.length === 0) throw this.#withoutKeys()
  }

  /** @throws RowhouseError jwt_invalid, jwt_expired, issuer_unreachable, issuer_without_keys */
  async verify(token: string): Promise<JWTPayload> {
    try {
      const { payload } = await jwtVerify(token, this.#keys, {
        issuer: this.#trusted.issuer,
        audience: this.#trusted.audience,
        algorithms,
        requiredClaims: ['sub', 'exp'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(this.#now()),
      })
      return payload
    } catch (error) {
      throw this.#refusal(error)
    }
  }

  #refusal(error: unknown): RowhouseError {
    if (error instanceof errors.JWTExpired) return new RowhouseError('jwt_expired', undefined, { cause: error })
    if (error instanceof errors.JWKSNoMatchingKey) {
      // Supabase projects that still sign with a shared secret publish an empty set.
      if (this.#keys.jwks()?.keys.length === 0) return this.#withoutKeys(error)
      return new RowhouseError(
        'jwt_invalid',
        'The access token was signed with a key that the issuer does not publish.',
        { cause: error },
      )
    }
    if (tokenErrors.some((kind) => error instanceof kind)) {
      const reason = error instanceof Error ? error.message : ''
      return new RowhouseError('jwt_invalid', `The access token could not be verified: ${reason}.`, { cause: error })
    }
    return this.#unreachable(error)
  }

  #withoutKeys(cause?: unknown): RowhouseError {
    const { jwksUrl } = this.#trusted
    return new RowhouseError('issuer_without_keys', `There are no keys at ${jwksUrl}.`, { details: { jwksUrl }, cause })
  }

  #unreachable(cause: unknown): RowhouseError {
    const { jwksUrl } = this.#trusted
    return new RowhouseError('issuer_unreachable', `The keys at ${jwksUrl} could not be read.`, {
      details: { jwksUrl },
      cause,
    })
  }
}
