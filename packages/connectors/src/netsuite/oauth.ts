// NetSuite's OAuth 2.0: a person's consent with PKCE, and machines that sign for themselves with a certificate.
// Refresh tokens live for seven days and are given again with each refresh only to public clients. Owns the meaning
// of the token endpoint's refusals; must not store anything. Token-based authentication (OAuth 1.0) is not offered:
// it has no lifetime and no consent. https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_157769826287.html
import { advise, dateMs, failed, ok, pause, retry, transportFailure } from '../kit/answers.ts'
import type { Answer, ConnectorOAuth, Credentials, OAuthApp } from '../kit/connector.ts'
import type { Failure } from '../kit/failure.ts'
import type { ConnectorHttp, HttpAnswer } from '../kit/http.ts'
import { codeGrant, consentUrl, credentialsIn, refreshGrant, withoutRefreshToken } from '../kit/oauth.ts'
import { objectOf } from '../kit/reading.ts'
import { description } from './description.ts'
import { errorOf } from './failures.ts'
import { accountUrl, apiUrl, loginUrl } from './hosts.ts'
import { machineOf, signAssertion } from './machine.ts'

export const defaultScopes = ['rest_webservices']
const tokenPath = '/services/rest/auth/oauth2/v1/token'
const ended = 'The consent at NetSuite has ended, as each does after seven days: connect the account again.'
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export const oauth: ConnectorOAuth = {
  scopes: defaultScopes,
  requiredScopes: defaultScopes,

  authorizeUrl(app, request, baseUrl) {
    const { scopes = defaultScopes } = request
    return consentUrl(`${loginUrl(baseUrl)}/app/login/oauth2/authorize.nl`, app, request, { scope: scopes.join(' ') })
  },

  // The person chose the account on NetSuite's page, and the address they came back with names it.
  accountUrl(parameters, baseUrl) {
    const company = parameters['company'] ?? ''
    return /^[A-Za-z0-9_-]{1,60}$/.test(company) ? accountUrl(company, baseUrl) : baseUrl
  },

  async exchange(http, app, grant) {
    return credentialsOf(await post(http, app, tokenPath, codeGrant(app, grant)), null)
  },

  async refresh(http, app, credentials) {
    const { refreshToken } = credentials
    if (refreshToken === null) return withoutRefreshToken()
    const machine = machineOf(refreshToken)
    if (machine === null) {
      const answer = await post(http, app, tokenPath, refreshGrant(refreshToken))
      if (answer.status === 400 && objectOf(answer.body)['error'] === 'invalid_grant') return failed(advise(ended))
      return credentialsOf(answer, credentials)
    }
    // The assertion has a time in it, and only NetSuite's clock counts: any answer carries it.
    const asked = await http.request({ method: 'GET', path: tokenPath, authorized: false })
    const nowMs = dateMs(asked.headers)
    if (nowMs === null) return failed(retry('NetSuite did not tell the time.'))
    const assertion = signAssertion(machine, app, `${apiUrl(machine.account)}${tokenPath}`, defaultScopes, nowMs)
    if (assertion === null) {
      return failed(advise('The client secret is not a private key in PEM form, RSA of 3072 bits or more or EC.'))
    }
    const form = {
      grant_type: 'client_credentials',
      client_assertion_type: assertionType,
      client_assertion: assertion,
    }
    const answer = await http.request({ method: 'POST', path: tokenPath, form, authorized: false })
    return credentialsOf(answer, credentials)
  },

  async revoke(http, app, { refreshToken, accessToken }) {
    // What a machine was given lives for an hour; its certificate is revoked by a person.
    if (refreshToken !== null && machineOf(refreshToken) !== null) return ok(null)
    const answer = await post(http, app, tokenPath.replace(/token$/, 'revoke'), {
      token: refreshToken ?? accessToken,
    })
    // A token that NetSuite no longer knows is revoked.
    if ((answer.status >= 200 && answer.status < 300) || answer.status === 400) return ok(null)
    return failed(refusalOf(answer) ?? retry('NetSuite did not confirm the revocation.'))
  },
}

function post(
  http: ConnectorHttp,
  app: OAuthApp,
  path: string,
  form: Readonly<Record<string, string>>,
): Promise<HttpAnswer> {
  const basic = Buffer.from(`${encodeURIComponent(app.clientId)}:${encodeURIComponent(app.clientSecret)}`)
  const headers = { authorization: `Basic ${basic.toString('base64')}` }
  return http.request({ method: 'POST', path, form, headers, authorized: false })
}

function credentialsOf(answer: HttpAnswer, previous: Credentials | null): Answer<Credentials> {
  const failure = refusalOf(answer)
  return failure ? failed(failure) : credentialsIn(answer, description.name, previous)
}

// Here a 401 is a wrong client and a 400 a dead grant: neither is mended by another refresh.
function refusalOf(answer: HttpAnswer): Failure | null {
  const transport = transportFailure(answer)
  if (transport) return transport
  if (answer.status < 400) return null
  const { code, message } = errorOf(answer.body, answer.status)
  const reason = `${description.name}: ${code}: ${message}`
  return answer.status === 429 || /temporarily_unavailable|server_error/.test(code)
    ? retry(reason, null, 'account')
    : pause(reason)
}
