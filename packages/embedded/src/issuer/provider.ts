// oidc-provider, configured: authorization code with PKCE, JWT access tokens for one audience, consent
// given beforehand because the clients are our own. Must not listen or show pages of its own making.
import { Provider, errors } from 'oidc-provider'
import type { ClientMetadata, KoaContextWithOIDC } from 'oidc-provider'
import { algorithm } from './keys.ts'
import type { IssuerKeys } from './keys.ts'
import type { IssuerClient, IssuerUser } from './issuer.ts'
import { makeMemory } from './memory-adapter.ts'
import { messagePage, signOutPage } from './pages.ts'

export const scopes = 'openid email profile'
export const tokenSeconds = 3600
export const signInPath = '/sign-in/'
export const authorizePath = '/auth'
export const sessionCookie = '_session'

const signInSeconds = 600
const sessionSeconds = 14 * 86_400

export interface ProviderOptions {
  readonly issuer: string
  readonly users: ReadonlyMap<string, IssuerUser>
  readonly clients: readonly IssuerClient[]
  readonly keys: IssuerKeys
  readonly audience: string
  readonly now: () => number
}

export function makeProvider({ issuer, users, clients, keys, audience, now }: ProviderOptions): Provider {
  // A resource is named by a URI (RFC 8707), an audience need not be one.
  const resource = URL.canParse(audience) ? audience : `urn:rowhouse:${encodeURIComponent(audience)}`
  const provider = new Provider(issuer, {
    adapter: makeMemory(now),
    jwks: { keys: [keys.signingKey] },
    cookies: { keys: [keys.cookieSecret], names: { session: sessionCookie } },
    clients: clients.map(describeClient),
    scopes: scopes.split(' '),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    // The console reads the person from the ID token, without another request.
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    pkce: { required: () => true },
    // Where other issuers have it, so that nothing but the issuer must be configured.
    routes: { authorization: authorizePath, jwks: '/.well-known/jwks.json' },
    ttl: {
      AccessToken: tokenSeconds,
      IdToken: tokenSeconds,
      Interaction: signInSeconds,
      Session: sessionSeconds,
      Grant: sessionSeconds,
    },
    interactions: { url: (_context, { uid }) => signInPath + uid },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => void (context.body = signOutPage(form)),
        postLogoutSuccessSource: (context) =>
          void (context.body = messagePage('Signed out', 'You can close this page.')),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo(_context, requested) {
          if (requested !== resource) throw new errors.InvalidTarget()
          return {
            audience,
            scope: '',
            accessTokenFormat: 'jwt',
            accessTokenTTL: tokenSeconds,
            jwt: { sign: { alg: algorithm } },
          }
        },
      },
    },
    findAccount(_context, id) {
      const user = users.get(id)
      return user && { accountId: id, claims: () => ({ sub: id, ...claimsOf(user), email_verified: true }) }
    },
    extraTokenClaims(_context, token) {
      const user = 'accountId' in token ? users.get(token.accountId) : undefined
      return user && claimsOf(user)
    },
    async loadExistingGrant(context) {
      const { client, session, result } = context.oidc
      const known = result?.consent?.grantId ?? (client && session?.grantIdFor(client.clientId))
      return (known ? await provider.Grant.find(known) : undefined) ?? (await grantAll(provider, context, resource))
    },
    renderError(context, { error, error_description: description }) {
      context.type = 'html'
      context.body = messagePage('This did not work', description === undefined ? error : `${error}: ${description}`)
    },
  })
  return provider
}

/** What every token says about a person; the API trusts app_metadata only. */
export function claimsOf({ email, name, organizationId }: IssuerUser) {
  return { email, name, app_metadata: organizationId === undefined ? {} : { organization_id: organizationId } }
}

function describeClient({
  clientId,
  clientSecret,
  redirectUris,
  postLogoutRedirectUris = [],
}: IssuerClient): ClientMetadata {
  return {
    client_id: clientId,
    redirect_uris: [...redirectUris],
    post_logout_redirect_uris: [...postLogoutRedirectUris],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    ...(clientSecret === undefined
      ? { token_endpoint_auth_method: 'none' as const }
      : { token_endpoint_auth_method: 'client_secret_basic' as const, client_secret: clientSecret }),
  }
}

async function grantAll(provider: Provider, context: KoaContextWithOIDC, resource: string) {
  const { client, session } = context.oidc
  if (client === undefined || session?.accountId === undefined) return undefined
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope(scopes)
  grant.addResourceScope(resource, scopes)
  await grant.save()
  return grant
}
