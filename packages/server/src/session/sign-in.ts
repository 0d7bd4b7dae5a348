// Signing in as a person: OpenID Connect's authorization code flow with PKCE, state and nonce, by
// openid-client. What the provider says of the person is kept in rowhouse.users; membership is not its
// business.
import * as oidc from 'openid-client'
import { RowhouseError } from '@rowhouse/contracts'
import { userIdOf } from 'rowhouse'
import type { IssuerConfig } from '../config/config.ts'
import type { SignInState } from './cookies.ts'

export interface SignedIn {
  readonly userId: string
  readonly email: string | null
  /** Whether the provider vouches for the address. */
  readonly isEmailVerified: boolean
  readonly name: string | null
}

export interface SignIn {
  readonly label: string
  /** Where the browser goes, and what to remember until it is back. */
  start(redirectUri: string, returnTo: string): Promise<{ readonly url: string; readonly state: SignInState }>
  /** @throws RowhouseError sign_in_failed, issuer_unreachable */
  finish(callbackUrl: URL, state: SignInState): Promise<SignedIn>
}

const timeoutS = 10

export function createSignIn(config: IssuerConfig): SignIn {
  let discovered: Promise<oidc.Configuration> | null = null
  const discover = async (): Promise<oidc.Configuration> => {
    discovered ??= discoverIssuer(config)
    try {
      return await discovered
    } catch (cause) {
      // The provider may only have been starting: the next sign-in asks again.
      discovered = null
      throw new RowhouseError('issuer_unreachable', `The identity provider ${config.issuer} does not answer.`, {
        cause,
      })
    }
  }
  return {
    // A port of this computer says nothing to a person.
    label: isLoopback(new URL(config.issuer)) ? 'the sign-in of this computer' : new URL(config.issuer).hostname,
    async start(redirectUri, returnTo) {
      const configuration = await discover()
      const state: SignInState = {
        state: oidc.randomState(),
        nonce: oidc.randomNonce(),
        codeVerifier: oidc.randomPKCECodeVerifier(),
        returnTo,
      }
      const url = oidc.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: 'openid email profile',
        state: state.state,
        nonce: state.nonce,
        code_challenge: await oidc.calculatePKCECodeChallenge(state.codeVerifier),
        code_challenge_method: 'S256',
      })
      return { url: url.href, state }
    },
    async finish(callbackUrl, state) {
      const configuration = await discover()
      try {
        const tokens = await oidc.authorizationCodeGrant(configuration, callbackUrl, {
          expectedState: state.state,
          expectedNonce: state.nonce,
          pkceCodeVerifier: state.codeVerifier,
          idTokenExpected: true,
        })
        const claims = tokens.claims()
        if (claims === undefined) throw new Error('The answer has no ID token.')
        const about =
          claims['email'] === undefined && configuration.serverMetadata().userinfo_endpoint !== undefined
            ? { ...claims, ...(await oidc.fetchUserInfo(configuration, tokens.access_token, claims.sub)) }
            : claims
        return {
          userId: userIdOf(configuration.serverMetadata().issuer, claims.sub),
          email: text(about['email']),
          isEmailVerified: about['email_verified'] === true,
          name: text(about['name']),
        }
      } catch (cause) {
        throw new RowhouseError('sign_in_failed', undefined, { cause })
      }
    },
  }
}

async function discoverIssuer(config: IssuerConfig): Promise<oidc.Configuration> {
  const issuer = new URL(config.issuer)
  const authentication = config.clientSecret === null ? oidc.None() : oidc.ClientSecretBasic(config.clientSecret)
  const configuration = await oidc.discovery(issuer, config.clientId, undefined, authentication, {
    timeout: timeoutS,
    // Plain http on this very machine is what development uses; elsewhere the library refuses it.
    execute: isLoopback(issuer) ? [oidc.allowInsecureRequests] : [],
  })
  // Checks the ID token's signature too, not only that TLS brought it.
  oidc.enableNonRepudiationChecks(configuration)
  return configuration
}

const isLoopback = ({ hostname }: URL): boolean =>
  hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]'

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 320) : null
}
