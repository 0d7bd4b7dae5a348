// Salesforce's OAuth: web server flow with PKCE, refresh with and without rotation, revocation.
// Tokens have no stated lifetime: a session idles out, and the 401 says so.
// https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_web_server_flow.htm
import { advise, failed, ok, pause, retry, transportFailure } from '../kit/answers.ts'
import type { Answer, ConnectorOAuth, Credentials } from '../kit/connector.ts'
import type { Failure } from '../kit/failure.ts'
import type { ConnectorHttp, HttpAnswer } from '../kit/http.ts'
import { objectOf, textOf } from '../kit/reading.ts'
import { errorOf } from './failures.ts'

export const defaultScopes = ['api', 'refresh_token', 'openid']

export const oauth: ConnectorOAuth = {
  scopes: defaultScopes,
  requiredScopes: ['api', 'refresh_token'],

  authorizeUrl(app, { state, codeChallenge, scopes = defaultScopes }, baseUrl) {
    const url = new URL(`${baseUrl.replace(/\/$/, '')}/services/oauth2/authorize`)
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: app.clientId,
      redirect_uri: app.redirectUri,
      scope: scopes.join(' '),
      state,
      code_challenge: codeChallenge,
      code_challenge_method: 'S256',
    }).toString()
    return url.toString()
  },

  async exchange(http, app, { code, codeVerifier }) {
    const form = { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri, code_verifier: codeVerifier }
    return credentialsOf(await post(http, 'token', { ...secretOf(app), ...form }), null)
  },

  async refresh(http, app, credentials) {
    const { refreshToken } = credentials
    if (refreshToken === null) return failed(advise('The connection has no refresh token: connect the account again.'))
    const form = { grant_type: 'refresh_token', refresh_token: refreshToken }
    return credentialsOf(await post(http, 'token', { ...secretOf(app), ...form }), credentials)
  },

  async revoke(http, _app, { refreshToken, accessToken }) {
    const answer = await post(http, 'revoke', { token: refreshToken ?? accessToken })
    // A token that Salesforce no longer knows is revoked.
    if (answer.status === 200 || answer.status === 204 || answer.status === 400) return ok(null)
    return failed(refusalOf(answer) ?? retry('Salesforce did not confirm the revocation.'))
  },
}

function secretOf(app: { readonly clientId: string; readonly clientSecret: string }): Record<string, string> {
  return { client_id: app.clientId, client_secret: app.clientSecret }
}

function post(http: ConnectorHttp, resource: string, form: Readonly<Record<string, string>>): Promise<HttpAnswer> {
  return http.request({ method: 'POST', path: `/services/oauth2/${resource}`, form, authorized: false })
}

function credentialsOf(answer: HttpAnswer, previous: Credentials | null): Answer<Credentials> {
  const failure = refusalOf(answer)
  if (failure) return failed(failure)
  const body = objectOf(answer.body)
  const accessToken = textOf(body['access_token'])
  if (accessToken === null) return failed(retry('Salesforce answered without an access token.'))
  return ok({
    accessToken,
    refreshToken: textOf(body['refresh_token']) ?? previous?.refreshToken ?? null,
    expiresAtMs: null,
    instanceUrl: textOf(body['instance_url']) ?? previous?.instanceUrl ?? null,
    scopes: textOf(body['scope'])?.split(' ') ?? null,
  })
}

function refusalOf(answer: HttpAnswer): Failure | null {
  const transport = transportFailure(answer)
  if (transport) return transport
  if (answer.status < 400) return null
  const { code, message } = errorOf(answer.body, answer.status)
  const reason = `${code}: ${message}`
  // Too many refreshes at once, which passes; everything else needs a person.
  const passes = answer.status === 429 || /rate exceeded|server_error|temporarily_unavailable/i.test(reason)
  return passes ? retry(reason, null, 'account') : pause(reason)
}
