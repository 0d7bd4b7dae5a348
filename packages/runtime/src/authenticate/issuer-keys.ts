// What proves a token: the issuer's public keys, or a shared secret where the options say so; never both, so that no token
// chooses. The public keys: fetched once, kept, fetched again when a token names a key they lack, and never more often
// than the cooldown allows. It turns what jose says into Rowhouse's codes.
import { RowhouseError } from '@rowhouse/contracts'
import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'

export interface TrustedIssuer {
  readonly issuer: string
  readonly jwksUrl: string
  readonly audience: string
  /** The shared secret of a project that signs with HS256; null trusts the published keys alone. */
  readonly secret: string | null
}

const FETCH_TIMEOUT_MS = 5_000
/** A stranger's token with an unknown key id costs the issuer at most one request in this time. */
const COOLDOWN_MS = 30_000
const KEPT_MS = 600_000
const CLOCK_TOLERANCE_SECONDS = 30

/** Signatures only a private key makes. HS256 and none are missing on purpose: a public key is no shared secret. */
const publicKeyAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

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
  readonly #secret: Uint8Array | null

  constructor(trusted: TrustedIssuer, now: () => number) {
    this.#trusted = trusted
    this.#now = now
    this.#secret = trusted.secret === null ? null : new TextEncoder().encode(trusted.secret)
    this.#keys = createRemoteJWKSet(new URL(trusted.jwksUrl), {
      timeoutDuration: FETCH_TIMEOUT_MS,
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: KEPT_MS,
    })
  }

  /** Reads the keys now. @throws RowhouseError issuer_unreachable, issuer_without_keys */
  async check(): Promise<void> {
    if (this.#secret !== null) return
    try {
      await this.#keys.reload()
    } catch (error) {
      throw this.#unreachable(error)
    }
    if (this.#keys.jwks()?.keys.length === 0) throw this.#withoutKeys()
  }

  /** @throws RowhouseError jwt_invalid, jwt_expired, jwt_key_kind_differs, issuer_unreachable, issuer_without_keys */
  async verify(token: string): Promise<JWTPayload> {
    const expected = {
      issuer: this.#trusted.issuer,
      audience: this.#trusted.audience,
      requiredClaims: ['sub', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(this.#now()),
    }
    try {
      const { payload } =
        this.#secret === null
          ? await jwtVerify(token, this.#keys, { ...expected, algorithms: publicKeyAlgorithms })
          : await jwtVerify(token, this.#secret, { ...expected, algorithms: ['HS256'] })
      return payload
    } catch (error) {
      throw this.#refusal(error, token)
    }
  }

  #refusal(error: unknown, token: string): RowhouseError {
    if (error instanceof errors.JOSEAlgNotAllowed) {
      const { alg } = decodeProtectedHeader(token)
      if (this.#secret === null && alg === 'HS256') {
        return new RowhouseError(
          'jwt_key_kind_differs',
          'The access token is signed with a shared secret (HS256), and public keys are expected.',
          {
            hint: 'Move the project to asymmetric JWT signing keys, or set ROWHOUSE_JWT_SECRET to its legacy secret.',
            cause: error,
          },
        )
      }
      if (this.#secret !== null && publicKeyAlgorithms.includes(alg ?? '')) {
        return new RowhouseError(
          'jwt_key_kind_differs',
          `The access token is signed with a private key (${alg}), and the shared secret is expected.`,
          { hint: 'The project has asymmetric keys now: unset ROWHOUSE_JWT_SECRET.', cause: error },
        )
      }
    }
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
