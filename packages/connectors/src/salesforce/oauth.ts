// Salesforce's OAuth: web server flow with PKCE, refresh with and without rotation, revocation.
// Tokens have no stated lifetime: a session idles out, and the 401 says so.
// https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_web_server_flow.htm
import { failed, ok, pause, retry, transportFailure } from '../kit/answers.ts'
import type { Answer, ConnectorOAuth, Credentials } from '../kit/connector.ts'
import type { Failure } from '../kit/failure.ts'
import type { ConnectorHttp, HttpAnswer } from '../kit/http.ts'
import { codeGrant, consentUrl, credentialsIn, refreshGrant, secretOf, withoutRefreshToken } from '../kit/oauth.ts'
import { objectOf, textOf } from '../kit/reading.ts'
import { errorOf } from './failures.ts'

export const defaultScopes = ['api', 'refresh_token', 'openid']

export const oauth: ConnectorOAuth = {
  scopes: defaultScopes,
  requiredScopes: ['api', 'refresh_token'],

  authorizeUrl(app, request, baseUrl) {
    const { scopes = defaultScopes } = request
    const address = `${baseUrl.replace(/\/$/, '')}/services/oauth2/authorize`
    return consentUrl(address, app, request, { scope: scopes.join(' ') })
  },

  async exchange(http, app, grant) {
    return credentialsOf(await post(http, 'token', { ...secretOf(app), ...codeGrant(app, grant) }), null)
  },

  async refresh(http, app, credentials) {
    if (credentials.refreshToken === null) return withoutRefreshToken()
    const form = { ...secretOf(app), ...refreshGrant(credentials.refreshToken) }
    return credentialsOf(await post(http, 'token', form), credentials)
  },

  async revoke(http, _app, { refreshToken, accessToken }) {
    const answer = await post(http, 'revoke', { token: refreshToken ?? accessToken })
    // A token that Salesforce no longer knows is revoked.
    if (answer.status === 200 || answer.status === 204 || answer.status === 400) return ok(null)
    return failed(refusalOf(answer) ?? retry('Salesforce did not confirm the revocation.'))
  },
}

function post(http: ConnectorHttp, resource: string, form: Readonly<Record<string, string>>): Promise<HttpAnswer> {
  return http.request({ method: 'POST', path: `/services/oauth2/${resource}`, form, authorized: false })
}

function credentialsOf(answer: HttpAnswer, previous: Credentials | null): Answer<Credentials> {
  const failure = refusalOf(answer)
  if (failure) return failed(failure)
  const instanceUrl = textOf(objectOf(answer.body)['instance_url']) ?? previous?.instanceUrl ?? null
  return credentialsIn(answer, 'Salesforce', previous, { instanceUrl })
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
