// Template's OAuth: the address a person is sent to, and the token endpoint. Owns the meaning of its refusals; must
// not store anything.
import type { ConnectorOAuth } from '../src/kit/connector.ts'
import { unfilled } from './unfilled.ts'

export const defaultScopes: readonly string[] = ['contacts.read', 'contacts.write']

export const oauth: ConnectorOAuth = {
  scopes: defaultScopes,
  requiredScopes: defaultScopes,

  authorizeUrl(app, { state, codeChallenge, scopes = defaultScopes }, baseUrl) {
    const url = new URL(`${baseUrl.replace(/\/$/, '')}/oauth/authorize`)
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

  exchange: () => unfilled('oauth.ts, exchange', 'trade the code for tokens; expiresAtMs by the Date header'),
  refresh: () => unfilled('oauth.ts, refresh', 'new tokens; a dead grant is a pause, an endpoint in trouble a retry'),
  revoke: () => unfilled('oauth.ts, revoke', 'end the grant; a token that is not known any more is revoked'),
}
