// Template's OAuth: the address a person is sent to, and the token endpoint. Owns the meaning of its refusals; must
// not store anything.
import type { ConnectorOAuth } from '../src/kit/connector.ts'
import { consentUrl } from '../src/kit/oauth.ts'
import { unfilled } from './unfilled.ts'

export const defaultScopes: readonly string[] = ['contacts.read', 'contacts.write']

export const oauth: ConnectorOAuth = {
  scopes: defaultScopes,
  requiredScopes: defaultScopes,

  authorizeUrl(app, request, baseUrl) {
    const { scopes = defaultScopes } = request
    return consentUrl(`${baseUrl.replace(/\/$/, '')}/oauth/authorize`, app, request, { scope: scopes.join(' ') })
  },

  exchange: () => unfilled('oauth.ts, exchange', 'trade the code for tokens: codeGrant and credentialsIn of the kit'),
  refresh: () => unfilled('oauth.ts, refresh', 'new tokens; a dead grant is a pause, an endpoint in trouble a retry'),
  revoke: () => unfilled('oauth.ts, revoke', 'end the grant; a token that is not known any more is revoked'),
}
