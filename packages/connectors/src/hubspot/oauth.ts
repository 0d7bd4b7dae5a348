// HubSpot's OAuth: the address a person is sent to, and the token endpoint of 2026-03. Owns the meaning
// of its refusals; must not store anything. https://developers.hubspot.com/docs/api-reference/oauth
import { failed, ok, pause, retry, retryAfterMs, transportFailure } from '../kit/answers.ts'
import type { Answer, ConnectorOAuth, Credentials } from '../kit/connector.ts'
import type { ConnectorHttp, HttpAnswer } from '../kit/http.ts'
import { codeGrant, consentUrl, credentialsIn, refreshGrant, secretOf, withoutRefreshToken } from '../kit/oauth.ts'
import { objectOf } from '../kit/reading.ts'
import { description } from './description.ts'
import { reasonOf } from './failures.ts'

/** People authorize on another host than the API's; a sandbox has one for both. */
const authorizeBaseUrl = 'https://app.hubspot.com'

const accessTo = (kind: 'objects' | 'schemas', name: string): string[] =>
  ['read', 'write'].map((access) => `crm.${kind}.${name}.${access}`)

/** What reading, writing and the token property need; notes and tasks are read by whoever reads contacts. */
const neededScopes = ['contacts', 'companies'].flatMap((name) => [
  ...accessTo('objects', name),
  ...accessTo('schemas', name),
])
/**
 * What is asked for and may be withheld: an app that was registered without deals, a portal that cannot have custom
 * objects. HubSpot refuses a consent for a scope that the portal cannot give, unless it is optional.
 * https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/scopes
 */
const optionalScopes = ['deals', 'custom'].flatMap((name) => [
  ...accessTo('objects', name),
  ...accessTo('schemas', name),
])
export const defaultScopes = ['oauth', ...neededScopes, ...optionalScopes]

export const oauth: ConnectorOAuth = {
  scopes: defaultScopes,
  requiredScopes: neededScopes,

  authorizeUrl(app, request, baseUrl) {
    const { scopes = defaultScopes } = request
    const base = baseUrl === description.defaultBaseUrl ? authorizeBaseUrl : baseUrl.replace(/\/$/, '')
    return consentUrl(`${base}/oauth/authorize`, app, request, {
      scope: scopes.filter((scope) => !optionalScopes.includes(scope)).join(' '),
      optional_scope: scopes.filter((scope) => optionalScopes.includes(scope)).join(' '),
    })
  },

  async exchange(http, app, grant) {
    return credentialsOf(await post(http, '', { ...secretOf(app), ...codeGrant(app, grant) }), null)
  },

  async refresh(http, app, credentials) {
    if (credentials.refreshToken === null) return withoutRefreshToken()
    const form = { ...secretOf(app), ...refreshGrant(credentials.refreshToken) }
    return credentialsOf(await post(http, '', form), credentials)
  },

  async revoke(http, app, { refreshToken, accessToken }) {
    const answer = await post(http, '/revoke', { ...secretOf(app), token: refreshToken ?? accessToken })
    const failure = refusalOf(answer)
    // A token that HubSpot no longer knows is revoked.
    if (failure === null || answer.status === 404 || answer.status === 400) return ok(null)
    return failed(failure)
  },
}

function post(http: ConnectorHttp, path: string, form: Readonly<Record<string, string>>): Promise<HttpAnswer> {
  return http.request({ method: 'POST', path: `/oauth/2026-03/token${path}`, form, authorized: false })
}

function credentialsOf(answer: HttpAnswer, previous: Credentials | null): Answer<Credentials> {
  const failure = refusalOf(answer)
  if (failure) return failed(failure)
  const { scopes } = objectOf(answer.body) as { scopes?: unknown }
  return credentialsIn(answer, description.name, previous, {
    scopes: Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : null,
  })
}

// Here a 401 is a wrong client and a 400 a dead grant: neither is mended by another refresh.
function refusalOf(answer: HttpAnswer): ReturnType<typeof transportFailure> {
  const transport = transportFailure(answer)
  if (transport) return transport
  if (answer.status < 400) return null
  const reason = reasonOf(objectOf(answer.body), answer.status)
  if (answer.status === 429) return retry(reason, retryAfterMs(answer.headers), 'account')
  return pause(reason)
}
