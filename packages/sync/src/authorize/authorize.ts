// Connecting an account on the provider's own page: OAuth's authorization code flow with PKCE. The organization's
// members never see or paste a token; the browser carries a ticket, a state and a code, each of use once.
import { RowhouseError } from '@rowhouse/contracts'
import type { Connection } from '@rowhouse/contracts'
import type { Connector, Credentials, OAuthApp } from '@rowhouse/connectors'
import { createHash } from 'node:crypto'
import type { Connections } from '../connections/connections.ts'
import type { Apps, StoredApp } from './apps.ts'
import { requireOwnInstance } from './instance-url.ts'
import type { AuthorizationRequest, NewRequest, Requests } from './requests.ts'

export interface AuthorizeContext {
  readonly connectors: ReadonlyMap<string, Connector>
  readonly connections: Connections
  readonly apps: Apps
  readonly requests: Requests
}

export interface BeginInput extends Omit<NewRequest, 'baseUrl' | 'connectionId'> {
  /** Where the account's API is, such as a Salesforce domain. @default the app's, or the provider's */
  readonly baseUrl?: string | null | undefined
  /** The connection that gets new credentials. @default a new one */
  readonly connectionId?: string | null | undefined
}

/** What the provider sent the browser back with. */
export interface ProviderAnswer {
  readonly state: string
  readonly code: string | null
  readonly error: string | null
  /** All it put into the address. @default none */
  readonly parameters?: Readonly<Record<string, string>>
}

/** Told the outcome: `done`, or the code of the refusal. */
type Settle = (outcome: string) => Promise<void>

/** Asked once the request is known and before anything is done with it; throws to refuse. */
export type Admit = (request: AuthorizationRequest) => Promise<Settle>

export type Finished =
  | { readonly ok: true; readonly returnTo: string; readonly connection: Connection; readonly reconnected: boolean }
  | { readonly ok: false; readonly returnTo: string; readonly organizationId: string; readonly error: RowhouseError }

export class Authorize {
  readonly #context: AuthorizeContext

  constructor(context: AuthorizeContext) {
    this.#context = context
  }

  /**
   * Prepares a consent for the person who clicked.
   *
   * @throws RowhouseError connector_unknown, connector_app_missing, connection_not_found
   */
  async begin(input: BeginInput): Promise<{ readonly ticket: string; readonly expiresAt: string }> {
    const { apps, connections, requests } = this.#context
    this.#connector(input.connector)
    await apps.require(input.connector)
    const connectionId = input.connectionId ?? null
    if (connectionId !== null) {
      const { connector } = await connections.get(input.organizationId, connectionId)
      if (connector !== input.connector)
        throw new RowhouseError('connection_not_found', `Connection ${connectionId} is not of ${input.connector}.`)
    }
    return requests.begin({ ...input, connectionId, baseUrl: input.baseUrl ?? null })
  }

  /** Where the browser goes, and the state it must bring back. @throws RowhouseError oauth_state_invalid, connector_app_missing */
  async start(
    connectorId: string,
    ticket: string,
    userId: string | null,
    redirectUri: string,
  ): Promise<{ readonly url: string; readonly state: string }> {
    const connector = this.#connector(connectorId)
    const { request, state, codeVerifier } = await this.#context.requests.start(connectorId, ticket, userId)
    const app = await this.#context.apps.require(connectorId)
    const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url')
    const scopes = [...new Set([...connector.oauth.scopes, ...app.scopes])]
    const url = connector.oauth.authorizeUrl(
      toOAuthApp(app, redirectUri),
      { state, codeChallenge, scopes },
      request.baseUrl ?? app.baseUrl ?? connector.describe().defaultBaseUrl,
    )
    return { url, state }
  }

  /**
   * What the consent led to. The state is used up first, so that nothing of it can be tried twice.
   *
   * @throws RowhouseError oauth_state_invalid; everything that fails later is told with the address to go back to
   */
  async finish(
    connectorId: string,
    answer: ProviderAnswer,
    userId: string | null,
    redirectUri: string,
    admit: Admit = () => Promise.resolve(() => Promise.resolve()),
  ): Promise<Finished> {
    const connector = this.#connector(connectorId)
    const { request, codeVerifier } = await this.#context.requests.use(connectorId, answer.state, userId)
    const { organizationId, returnTo, connectionId } = request
    let settle: Settle = () => Promise.resolve()
    try {
      settle = await admit(request)
      if (answer.error !== null || answer.code === null) throw refusedBy(answer.error)
      const app = await this.#context.apps.require(connectorId)
      const asked = request.baseUrl ?? app.baseUrl ?? connector.describe().defaultBaseUrl
      const baseUrl = connector.oauth.accountUrl?.(answer.parameters ?? {}, asked) ?? asked
      const { connections } = this.#context
      const credentials = await connections.exchange(connector, baseUrl, toOAuthApp(app, redirectUri), {
        code: answer.code,
        codeVerifier,
      })
      requireScopes(connector, credentials)
      const { domains } = connector.describe()
      const { instanceUrl } = credentials
      const own = instanceUrl === null ? baseUrl : requireOwnInstance(instanceUrl, baseUrl, domains)
      const account = { connector, credentials, baseUrl: own, tokenUrl: null }
      const connection =
        connectionId === null
          ? await connections.createFrom(organizationId, account)
          : await connections.reconnect(organizationId, connectionId, account)
      await settle('done')
      return { ok: true, returnTo, connection, reconnected: connectionId !== null }
    } catch (error) {
      await settle(error instanceof RowhouseError ? error.code : 'internal')
      if (!(error instanceof RowhouseError)) throw error
      return { ok: false, returnTo, organizationId, error }
    }
  }

  #connector(id: string): Connector {
    const connector = this.#context.connectors.get(id)
    if (connector === undefined) throw new RowhouseError('connector_unknown', `There is no connector ${id}.`)
    return connector
  }
}

const toOAuthApp = ({ clientId, clientSecret }: StoredApp, redirectUri: string): OAuthApp => ({
  clientId,
  clientSecret,
  redirectUri,
})

/** RFC 6749, 4.1.2.1: access_denied is the person's no; the rest is the app's or the provider's fault. */
function refusedBy(error: string | null): RowhouseError {
  if (error === 'access_denied') return new RowhouseError('oauth_consent_refused')
  const reason = (error ?? 'no code').replaceAll(/[^\w .-]/g, '').slice(0, 100)
  return new RowhouseError('credentials_refused', `The CRM did not grant access: ${reason}.`, { details: { reason } })
}

/** What the person did not grant would fail later, one record at a time. */
function requireScopes(connector: Connector, { scopes }: Credentials): void {
  if (scopes === null) return
  const missing = connector.oauth.requiredScopes.filter((scope) => !scopes.includes(scope))
  if (missing.length === 0) return
  throw new RowhouseError('oauth_scopes_missing', `The consent lacks ${missing.join(', ')}.`, { details: { missing } })
}
