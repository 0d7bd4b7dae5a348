// What the server does with connections: connect, look, pause, resume, test, remove. It makes no change to a
// tenant's rows; that is the worker's. Long because every verb asks the CRM in one way and refuses in one way.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import type { Connection, ConnectionDetail } from '@rowhouse/contracts'
import { inTransaction } from '@rowhouse/database'
import type {
  AccountIdentity,
  Answer,
  Connector,
  Credentials,
  Failure,
  OAuthApp,
  ObjectMapping,
} from '@rowhouse/connectors'
import type { Pool } from 'pg'
import type { Rowhouse } from 'rowhouse'
import type { Budgets } from '../budget/budgets.ts'
import { callsPerRound, pollIntervalMs } from '../budget/poll-pace.ts'
import { remoteAccountOf } from '../budget/remote-account.ts'
import type { Redact } from '../credentials/redact.ts'
import type { NewCredentials, Vault } from '../credentials/vault.ts'
import { EngineHttp, PutDown } from '../http/http.ts'
import { accountOf } from '../mapping/account.ts'
import { resolveDefaultMapping, resolveMapping } from '../mapping/mapping.ts'
import type { Observe } from '../observe/events.ts'
import { wantResync } from '../pull/resync.ts'
import { finishRemovals, removeRow } from './remove.ts'
import { insertConnection, moveConnection, readConnection, readConnections, writeAddress } from './store.ts'
import type { StoredConnection } from './store.ts'
import { toConnectionView } from './view.ts'

export interface ConnectInput {
  readonly organizationId: string
  readonly connector: string
  readonly accessToken: string
  readonly refreshToken?: string | null | undefined
  /** OAuth app that the refresh token belongs to, and that signs webhooks. */
  readonly clientId?: string | null | undefined
  readonly clientSecret?: string | null | undefined
  /** @default the provider's */
  readonly baseUrl?: string | null | undefined
  /** @default below the base URL, where the connector knows it */
  readonly tokenUrl?: string | null | undefined
  /** What is synced, and into which tables. @default the connector's mapping, as far as the tables exist */
  readonly mapping?: readonly ObjectMapping[] | undefined
}

/** An account and what a consent gave for it. */
export interface GrantedAccount {
  readonly connector: Connector
  readonly credentials: Credentials
  readonly baseUrl: string
  readonly tokenUrl: string | null
}

interface NewAccount extends Omit<GrantedAccount, 'credentials'> {
  readonly identity: AccountIdentity
  readonly credentials: NewCredentials
}

export interface TestedConnection {
  readonly ok: true
  readonly account: string
  readonly accountName: string | null
  readonly durationMs: number
}

export interface ConnectionsContext {
  readonly pool: Pool
  readonly rowhouse: Rowhouse
  readonly connectors: ReadonlyMap<string, Connector>
  readonly budgets: Budgets
  readonly vault: Vault
  readonly observe: Observe
  readonly redact: Redact
  readonly now: () => number
  readonly wait: (durationMs: number) => Promise<void>
  readonly callTimeoutMs: number
  readonly shortestPollMs: number
  readonly onChange: () => void
}

const BUDGET_WAIT_MS = 5000

export class Connections {
  readonly #context: ConnectionsContext

  constructor(context: ConnectionsContext) {
    this.#context = context
  }

  /**
   * Connects an account with credentials that exist already: asks the CRM whose they are, checks that the
   * organization's tables fit, stores the credentials sealed, and begins the backfill.
   *
   * @throws RowhouseError connector_unknown, validation_failed, credentials_refused, connector_unreachable, mapping_invalid,
   * connection_exists, organization_not_found
   * @example
   * await sync.connections.create({ organizationId, connector: 'hubspot', accessToken })
   * // GET …/account-info at the CRM; insert into rowhouse.connections …; a worker does the rest
   */
  async create(input: ConnectInput): Promise<Connection> {
    const connector = this.#connector(input.connector)
    requireOwnApp(input)
    const baseUrl = input.baseUrl ?? connector.describe().defaultBaseUrl
    const given: NewCredentials = {
      accessToken: input.accessToken,
      refreshToken: input.refreshToken ?? null,
      clientId: input.clientId ?? null,
      clientSecret: input.clientSecret ?? null,
    }
    const { credentials, identity } = await this.#identify(connector, baseUrl, input.tokenUrl ?? null, given)
    const account = { connector, identity, credentials, baseUrl, tokenUrl: input.tokenUrl ?? null }
    return this.#insert(input.organizationId, account, input.mapping ?? null)
  }

  /** Connects an account with what a consent gave. @throws as `create` */
  async createFrom(organizationId: string, account: GrantedAccount): Promise<Connection> {
    const { connector, credentials, baseUrl, tokenUrl } = account
    const identity = await this.#whose(
      connector,
      this.#http(baseUrl, tokenUrl, credentials.accessToken, null),
      credentials,
    )
    return this.#insert(organizationId, { ...account, identity, credentials: fromGrant(credentials) }, null)
  }

  /**
   * Gives a connection new credentials for the same account, and lets it go on where it stopped: its cursors, links and
   * what is due stay as they are.
   *
   * @throws RowhouseError connection_not_found, connection_account_differs, connection_exists, credentials_refused,
   * connector_unreachable
   */
  async reconnect(organizationId: string, id: string, account: GrantedAccount): Promise<Connection> {
    const { pool, vault } = this.#context
    const { connector, credentials, baseUrl, tokenUrl } = account
    const stored = await readConnection(pool, id, organizationId)
    const identity = await this.#whose(
      connector,
      this.#http(baseUrl, tokenUrl, credentials.accessToken, null),
      credentials,
    )
    if (identity.account !== stored.account)
      throw new RowhouseError(
        'connection_account_differs',
        `The consent is for the account ${identity.account}; this connection is with ${stored.account}.`,
        { details: { account: identity.account, expected: stored.account } },
      )
    await inTransaction(pool, async (client) => {
      await vault.store(client, organizationId, id, fromGrant(credentials))
      // Where the provider names the account's address, it is there now: an account may have moved, which is why it was paused.
      const at = credentials.instanceUrl === null ? stored.baseUrl : baseUrl
      await writeAddress(client, id, { baseUrl: at, tokenUrl })
    })
    if (stored.state === 'paused') return this.#move(organizationId, id, 'resume', null)
    this.#context.onChange()
    return this.#view(stored)
  }

  /** Trades the code of a consent for credentials. @throws RowhouseError credentials_refused, connector_unreachable */
  async exchange(
    connector: Connector,
    baseUrl: string,
    app: OAuthApp,
    grant: { readonly code: string; readonly codeVerifier: string },
  ): Promise<Credentials> {
    const answer = await connector.oauth.exchange(this.#http(baseUrl, null, '', null), app, grant)
    if (!answer.ok) throw this.#refused(answer.failure, app, grant)
    return answer.value
  }

  async #insert(
    organizationId: string,
    account: NewAccount,
    chosen: readonly ObjectMapping[] | null,
  ): Promise<Connection> {
    const { pool, rowhouse, vault } = this.#context
    const { connector, identity, credentials, baseUrl, tokenUrl } = account
    const description = connector.describe()
    const organization = rowhouse.as({ organizationId, service: 'sync' })
    const http = this.#http(baseUrl, tokenUrl, credentials.accessToken, null)
    const remote = accountOf(connector, http, (failure) => this.#refused(failure, credentials))
    const mapping =
      chosen === null
        ? await resolveDefaultMapping(connector, organization, remote)
        : await resolveMapping(connector, organization, remote, chosen)
    const id = await inTransaction(pool, async (client) => {
      const inserted = await insertConnection(client, {
        organizationId,
        connector: connector.id,
        account: identity.account,
        accountName: identity.name,
        baseUrl,
        tokenUrl,
        mapping,
        pollIntervalMs: pollIntervalMs(
          description.budgets,
          null,
          callsPerRound(connector, mapping.length),
          Math.max(this.#context.shortestPollMs, description.shortestPollMs ?? 0),
        ),
      })
      await vault.store(client, organizationId, inserted, credentials)
      return inserted
    })
    this.#context.onChange()
    return this.#view(await readConnection(pool, id))
  }

  async list(organizationIds: readonly string[]): Promise<Connection[]> {
    const stored = await readConnections(this.#context.pool, organizationIds)
    return stored.map((connection) => this.#view(connection))
  }

  /** @throws RowhouseError connection_not_found, also for a connection of another organization */
  async get(organizationId: string, id: string): Promise<ConnectionDetail> {
    const stored = await readConnection(this.#context.pool, id, organizationId)
    return this.detail(stored)
  }

  async detail(stored: StoredConnection): Promise<ConnectionDetail> {
    return { ...this.#view(stored), budgets: await this.#context.budgets.use(remoteAccountOf(stored)) }
  }

  /** Nothing is lost while paused: changes stay due. @throws RowhouseError connection_wrong_state */
  async pause(organizationId: string, id: string, reason = 'Paused by a person.'): Promise<Connection> {
    return this.#move(organizationId, id, 'pause', reason)
  }

  /** Goes on from where it stopped; deletes that opened the breaker go through. @throws RowhouseError connection_wrong_state */
  async resume(organizationId: string, id: string): Promise<Connection> {
    return this.#move(organizationId, id, 'resume', null)
  }

  /**
   * Reads every record again and compares: what was missed, however it was, is found. Changes go on meanwhile; of a paused
   * connection it is done when it is resumed.
   *
   * @throws RowhouseError connection_not_found, connection_wrong_state
   */
  async resync(organizationId: string, id: string): Promise<Connection> {
    const { pool, rowhouse } = this.#context
    const stored = await readConnection(pool, id, organizationId)
    const organization = rowhouse.as({ organizationId, connectionId: id })
    await wantResync(
      organization,
      id,
      stored.mapping.map(({ object }) => object),
    )
    return this.#move(organizationId, id, 'resync', null)
  }

  /**
   * Ends a connection for good: its credentials are erased, the CRM is asked to revoke them, and the organization's home
   * forgets its links. Rows and records stay as they are on both sides.
   *
   * @throws RowhouseError connection_not_found
   */
  async remove(organizationId: string, id: string): Promise<void> {
    const { observe, onChange, pool, rowhouse } = this.#context
    const stored = await readConnection(pool, id, organizationId)
    await this.#revoke(stored)
    await removeRow(pool, organizationId, id)
    // What this does not get done, a worker does.
    await finishRemovals(pool, rowhouse)
    observe({ type: 'removed', organizationId, connectionId: id })
    onChange()
  }

  /** A courtesy: whether or not the CRM hears of it, the credentials are gone here. */
  async #revoke(stored: StoredConnection): Promise<void> {
    try {
      const credentials = await this.#context.vault.read(stored.id)
      // What a person pasted is theirs to revoke; it may serve other programs.
      if (credentials.app === null || credentials.refreshToken === null) return
      const connector = this.#connector(stored.connector)
      const http = this.#http(stored.baseUrl, stored.tokenUrl, credentials.accessToken, stored)
      await connector.oauth.revoke(http, credentials.app, credentials)
    } catch (error) {
      if (!isRowhouseError(error) && !(error instanceof PutDown)) throw error
    }
  }

  /** Calls the CRM once. @throws RowhouseError credentials_refused, connector_unreachable, connector_failed */
  async test(organizationId: string, id: string): Promise<TestedConnection> {
    const { now, pool } = this.#context
    const stored = await readConnection(pool, id, organizationId)
    const startedMs = now()
    const { account, name } = await this.ask(stored, (connector, http) => connector.identify(http))
    return { ok: true, account, accountName: name, durationMs: now() - startedMs }
  }

  /**
   * Asks the CRM on somebody's behalf, on the budget that is kept for people. An access token that has expired is
   * refreshed first.
   *
   * @throws RowhouseError credentials_refused, connector_unreachable, connector_failed
   */
  async ask<Value>(
    stored: StoredConnection,
    question: (connector: Connector, http: EngineHttp) => Promise<Answer<Value>>,
  ): Promise<Value> {
    const connector = this.#connector(stored.connector)
    const credentials = await this.#context.vault.read(stored.id)
    const http = this.#http(stored.baseUrl, stored.tokenUrl, credentials.accessToken, stored)
    const answer = await question(connector, http)
    if (answer.ok) return answer.value
    if (answer.failure.action !== 'refresh_credentials')
      throw this.#refused(answer.failure, credentials, credentials.app)
    const refreshed = await this.#context.vault.refresh(connector, http, stored.id, credentials)
    if (!refreshed.ok)
      throw new RowhouseError('credentials_refused', undefined, { details: { reason: refreshed.reason } })
    const fresh = refreshed.credentials
    const again = await question(connector, this.#http(stored.baseUrl, stored.tokenUrl, fresh.accessToken, stored))
    if (again.ok) return again.value
    throw this.#refused(again.failure, fresh, fresh.app)
  }

  /** Whose the credentials are. An access token that has expired is refreshed first, where that is possible. */
  async #identify(
    connector: Connector,
    baseUrl: string,
    tokenUrl: string | null,
    given: NewCredentials,
  ): Promise<{ credentials: NewCredentials; identity: AccountIdentity }> {
    const http = this.#http(baseUrl, tokenUrl, given.accessToken, null)
    const answer = await connector.identify(http)
    if (answer.ok) return { credentials: given, identity: answer.value }
    const { clientId, clientSecret, refreshToken } = given
    if (answer.failure.action !== 'refresh_credentials' || !refreshToken || !clientId || !clientSecret)
      throw this.#refused(answer.failure, given)
    const refreshed = await connector.oauth.refresh(
      http,
      { clientId, clientSecret, redirectUri: '' },
      { accessToken: given.accessToken, refreshToken, expiresAtMs: null, instanceUrl: null, scopes: null },
    )
    if (!refreshed.ok) throw this.#refused(refreshed.failure, given)
    const credentials = {
      ...given,
      accessToken: refreshed.value.accessToken,
      refreshToken: refreshed.value.refreshToken ?? refreshToken,
    }
    const again = this.#http(baseUrl, tokenUrl, credentials.accessToken, null)
    return { credentials, identity: await this.#whose(connector, again, credentials) }
  }

  async #move(
    organizationId: string,
    id: string,
    event: 'pause' | 'resume' | 'resync',
    reason: string | null,
  ): Promise<Connection> {
    const { observe, onChange, pool } = this.#context
    await readConnection(pool, id, organizationId)
    const moved = await moveConnection(pool, id, event, reason)
    if (moved !== null) observe({ type: 'state', organizationId, connectionId: id, ...moved, reason })
    onChange()
    return this.#view(await readConnection(pool, id, organizationId))
  }

  async #whose(connector: Connector, http: EngineHttp, used: object): Promise<AccountIdentity> {
    const answer = await connector.identify(http)
    if (!answer.ok) throw this.#refused(answer.failure, used)
    return answer.value
  }

  /** The refusal without what the call was made with. */
  #refused(failure: Failure, ...used: readonly (object | null)[]): RowhouseError {
    const secrets = used.flatMap((named) => Object.values(named ?? {})).filter((value) => typeof value === 'string')
    return asError({ ...failure, reason: this.#context.redact(failure.reason, secrets) })
  }

  #view(stored: StoredConnection): Connection {
    return toConnectionView(stored, this.#context.connectors.get(stored.connector))
  }

  #connector(id: string): Connector {
    const connector = this.#context.connectors.get(id)
    if (connector === undefined)
      throw new RowhouseError('connector_unknown', `There is no connector ${id}.`, { details: { connector: id } })
    return connector
  }

  #http(baseUrl: string, tokenUrl: string | null, accessToken: string, stored: StoredConnection | null): EngineHttp {
    const { budgets, callTimeoutMs, now, observe, redact, wait } = this.#context
    return new EngineHttp({
      baseUrl,
      tokenUrl,
      accessToken: () => accessToken,
      // Before the first answer nobody knows whose budget it is; one call cannot exceed it.
      budgets: stored === null ? [] : (this.#connector(stored.connector).describe().budgets ?? []),
      take: (budget) =>
        stored === null
          ? Promise.resolve({ granted: true })
          : budgets.take(remoteAccountOf(stored), budget, 'interactive'),
      timeoutMs: callTimeoutMs,
      leftMs: null,
      budgetWaitMs: BUDGET_WAIT_MS,
      wait,
      now,
      redact,
      onAnswer: () => {},
      observe: (call) => {
        if (stored !== null)
          observe({
            type: 'call',
            organizationId: stored.organizationId,
            connectionId: stored.id,
            lane: 'interactive',
            ...call,
          })
      },
    })
  }
}

/** The product's app is for the provider alone: an address that comes with a connection gets the app that comes with it. */
function requireOwnApp({ clientId, clientSecret, refreshToken, tokenUrl }: ConnectInput): void {
  if (!tokenUrl || !refreshToken || (clientId && clientSecret)) return
  const message = 'needs clientId and clientSecret: the app of the product is never sent to an address of its own'
  throw new RowhouseError('validation_failed', `tokenUrl: ${message}`, {
    details: { issues: [{ in: 'body', path: 'tokenUrl', message }] },
  })
}

/** Refreshed with the product's own app, so nothing of the app is stored with them. */
const fromGrant = ({ accessToken, refreshToken }: Credentials): NewCredentials => ({
  accessToken,
  refreshToken,
  clientId: null,
  clientSecret: null,
})

function asError(failure: Failure): RowhouseError {
  const details = { reason: failure.reason }
  if (failure.action === 'refresh_credentials' || failure.action === 'pause')
    return new RowhouseError('credentials_refused', `The CRM refused the credentials: ${failure.reason}`, { details })
  if (failure.action === 'retry' && failure.scope === 'call')
    return new RowhouseError('connector_unreachable', `The CRM does not answer: ${failure.reason}`, { details })
  return new RowhouseError('connector_failed', `The CRM answered with an error: ${failure.reason}`, { details })
}
