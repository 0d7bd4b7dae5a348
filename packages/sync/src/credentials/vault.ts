// Where a connection's secrets rest, sealed, and the one place that refreshes them. A refresh holds the
// row's lock while it asks the provider: workers of other processes wait for it and then find a later
// version, so one expiry is one refresh however many notice it.
import { RowhouseError } from '@rowhouse/contracts'
import type { Connector, ConnectorHttp, Credentials, OAuthApp } from '@rowhouse/connectors'
import type { Pool, PoolClient } from 'pg'
import type { CredentialSeal } from './seal.ts'

export interface StoredCredentials extends Credentials {
  readonly version: string
  readonly app: OAuthApp | null
}

/** The app that a connection's own row does not name: the one the product is registered as. */
export type FindApp = (connector: string) => Promise<Pick<OAuthApp, 'clientId' | 'clientSecret'> | null>

export interface NewCredentials {
  readonly accessToken: string
  readonly refreshToken: string | null
  readonly clientId: string | null
  readonly clientSecret: string | null
}

interface CredentialRow {
  readonly version: string
  readonly connector: string
  readonly organization_id: string
  readonly access_token: string
  readonly refresh_token: string | null
  readonly client_id: string | null
  readonly client_secret: string | null
  readonly expires_at: Date | null
}

export type RefreshOutcome =
  | { readonly ok: true; readonly credentials: StoredCredentials; readonly refreshed: boolean }
  | {
      readonly ok: false
      readonly reason: string
      /** The reason, where it is our own words alone. */
      readonly advice: string | null
      readonly retryMs: number | null
    }

const SELECT = `select s.version::text, c.connector, s.organization_id, s.access_token, s.refresh_token, s.client_id,
    s.client_secret, s.expires_at
  from rowhouse.sync_credentials s join rowhouse.connections c on c.id = s.connection_id
  where s.connection_id = $1`

export class Vault {
  readonly #pool: Pool
  readonly #seal: CredentialSeal
  readonly #findApp: FindApp

  constructor(pool: Pool, seal: CredentialSeal, findApp: FindApp) {
    this.#pool = pool
    this.#seal = seal
    this.#findApp = findApp
  }

  /** The first ones of a connection, or others in their place: whoever used the old reads these instead of refreshing. */
  async store(client: PoolClient, organizationId: string, connectionId: string, fresh: NewCredentials): Promise<void> {
    const sealed = (field: string, value: string | null): string | null =>
      value === null ? null : this.#seal.seal({ organizationId, connectionId, field }, value)
    await client.query(
      `insert into rowhouse.sync_credentials (
         connection_id, organization_id, access_token, refresh_token, client_id, client_secret
       ) values ($1, $2, $3, $4, $5, $6)
       on conflict (connection_id) do update set access_token = excluded.access_token,
         refresh_token = excluded.refresh_token, client_id = excluded.client_id, client_secret = excluded.client_secret,
         expires_at = null, version = sync_credentials.version + 1, updated_at = now()`,
      [
        connectionId,
        organizationId,
        sealed('accessToken', fresh.accessToken),
        sealed('refreshToken', fresh.refreshToken),
        sealed('clientId', fresh.clientId),
        sealed('clientSecret', fresh.clientSecret),
      ],
    )
  }

  /** @throws RowhouseError connection_not_found, credentials_unreadable */
  async read(connectionId: string): Promise<StoredCredentials> {
    const { rows } = await this.#pool.query<CredentialRow>(SELECT, [connectionId])
    return this.#open(connectionId, rows[0])
  }

  /** Refreshes what `used` became invalid, unless somebody has done so since it was read. */
  async refresh(
    connector: Connector,
    http: ConnectorHttp,
    connectionId: string,
    used: StoredCredentials,
  ): Promise<RefreshOutcome> {
    const client = await this.#pool.connect()
    try {
      await client.query('begin')
      const { rows } = await client.query<CredentialRow>(`${SELECT} for update of s`, [connectionId])
      const now = await this.#open(connectionId, rows[0])
      if (now.version !== used.version) {
        await client.query('commit')
        return { ok: true, credentials: now, refreshed: false }
      }
      const outcome = await this.#refreshLocked(client, connector, http, connectionId, now, rows[0] as CredentialRow)
      await client.query('commit')
      return outcome
    } catch (error) {
      await client.query('rollback').catch(() => {})
      throw error
    } finally {
      client.release()
    }
  }

  async #refreshLocked(
    client: PoolClient,
    connector: Connector,
    http: ConnectorHttp,
    connectionId: string,
    now: StoredCredentials,
    row: CredentialRow,
  ): Promise<RefreshOutcome> {
    if (now.refreshToken === null || now.app === null)
      return { ok: false, reason: NO_REFRESH_TOKEN, advice: NO_REFRESH_TOKEN, retryMs: null }
    const answer = await connector.oauth.refresh(http, now.app, now)
    if (!answer.ok) {
      const retry = answer.failure.action === 'retry' ? (answer.failure.afterMs ?? RETRY_MS) : null
      const advice = answer.failure.action === 'pause' ? answer.failure.advice : null
      return { ok: false, reason: answer.failure.reason, advice, retryMs: retry }
    }
    const fresh = answer.value
    const place = { organizationId: row.organization_id, connectionId }
    await client.query(
      `update rowhouse.sync_credentials
       set access_token = $2, refresh_token = $3, expires_at = to_timestamp($4::float8 / 1000), version = version + 1,
         updated_at = now()
       where connection_id = $1`,
      [
        connectionId,
        this.#seal.seal({ ...place, field: 'accessToken' }, fresh.accessToken),
        this.#seal.seal({ ...place, field: 'refreshToken' }, fresh.refreshToken ?? now.refreshToken),
        fresh.expiresAtMs,
      ],
    )
    const version = String(BigInt(now.version) + 1n)
    return {
      ok: true,
      refreshed: true,
      credentials: { ...fresh, refreshToken: fresh.refreshToken ?? now.refreshToken, version, app: now.app },
    }
  }

  async #open(connectionId: string, row: CredentialRow | undefined): Promise<StoredCredentials> {
    if (row === undefined) throw new RowhouseError('connection_not_found')
    const open = (field: string, sealed: string | null): string | null =>
      sealed === null ? null : this.#seal.open({ organizationId: row.organization_id, connectionId, field }, sealed)
    const clientId = open('clientId', row.client_id)
    const clientSecret = open('clientSecret', row.client_secret)
    const own = clientId === null || clientSecret === null ? null : { clientId, clientSecret }
    const app = own ?? (await this.#findApp(row.connector))
    return {
      version: row.version,
      accessToken: open('accessToken', row.access_token) ?? '',
      refreshToken: open('refreshToken', row.refresh_token),
      expiresAtMs: row.expires_at?.getTime() ?? null,
      instanceUrl: null,
      scopes: null,
      app: app === null ? null : { clientId: app.clientId, clientSecret: app.clientSecret, redirectUri: '' },
    }
  }
}

const RETRY_MS = 1000
const NO_REFRESH_TOKEN = 'The CRM refused the access token, and there is no refresh token.'
