// What OAuth 2.0 is with every provider: the address of a consent with PKCE, the forms of the two grants, and what an answer
// of the token endpoint gives. Owns RFC 6749 and RFC 7636; addresses, scopes, and what a refusal means are each connector's.
import { advise, dateMs, failed, ok, retry } from './answers.ts'
import type { Answer, Credentials, OAuthApp } from './connector.ts'
import type { Failure } from './failure.ts'
import type { HttpAnswer } from './http.ts'
import { objectOf, textOf } from './reading.ts'

type Form = Readonly<Record<string, string>>

/** Where a person is sent; `asked` is what the provider calls its scopes. https://www.rfc-editor.org/rfc/rfc7636#section-4.3 */
export function consentUrl(
  address: string,
  app: OAuthApp,
  { state, codeChallenge }: { readonly state: string; readonly codeChallenge: string },
  asked: Form,
): string {
  const url = new URL(address)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: app.clientId,
    redirect_uri: app.redirectUri,
    ...asked,
    state,
    code_challenge: codeChallenge,
    code_challenge_method: 'S256',
  }).toString()
  return url.toString()
}

/** Of an app that tells its secret in the form. */
export function secretOf(app: Pick<OAuthApp, 'clientId' | 'clientSecret'>): Form {
  return { client_id: app.clientId, client_secret: app.clientSecret }
}

export function codeGrant(app: OAuthApp, grant: { readonly code: string; readonly codeVerifier: string }): Form {
  return {
    grant_type: 'authorization_code',
    code: grant.code,
    redirect_uri: app.redirectUri,
    code_verifier: grant.codeVerifier,
  }
}

export function refreshGrant(refreshToken: string): Form {
  return { grant_type: 'refresh_token', refresh_token: refreshToken }
}

/** Without a refresh token only a person helps. */
export const withoutRefreshToken = (): { readonly ok: false; readonly failure: Failure } =>
  failed(advise('The connection has no refresh token: connect the account again.'))

/**
 * The credentials of a token answer that is no refusal. What it does not say stays as it was: a refresh token that is not
 * rotated is not given again. `own` is what the provider says in its own way.
 */
export function credentialsIn(
  answer: HttpAnswer,
  provider: string,
  previous: Credentials | null,
  own: Partial<Pick<Credentials, 'instanceUrl' | 'scopes'>> = {},
): Answer<Credentials> {
  const body = objectOf(answer.body)
  const accessToken = textOf(body['access_token'])
  if (accessToken === null) return failed(retry(`${provider} answered without an access token.`))
  const lifetimeSeconds = Number(body['expires_in'])
  const nowMs = dateMs(answer.headers)
  return ok({
    accessToken,
    refreshToken: textOf(body['refresh_token']) ?? previous?.refreshToken ?? null,
    expiresAtMs: nowMs !== null && lifetimeSeconds > 0 ? nowMs + lifetimeSeconds * 1000 : null,
    instanceUrl: null,
    scopes: textOf(body['scope'])?.split(/[\s,]+/) ?? null,
    ...own,
  })
}
