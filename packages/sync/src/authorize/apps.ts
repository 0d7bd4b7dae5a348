// The OAuth apps that the product is registered as at the providers: one a connector, its secret sealed.
import { RowhouseError } from '@rowhouse/contracts'
import type { ConnectorApp } from '@rowhouse/contracts'
import type { Pool } from 'pg'
import type { CredentialSeal, SealedPlace } from '../credentials/seal.ts'

export interface StoredApp {
  readonly clientId: string
  readonly clientSecret: string
  readonly scopes: readonly string[]
  readonly baseUrl: string | null
}

interface AppRow {
  readonly connector: string
  readonly client_id: string
  readonly client_secret: string
  readonly scopes: readonly string[]
  readonly base_url: string | null
  readonly updated_at: Date
}

/** The apps belong to the product and to no organization. */
const placeOf = (connector: string): SealedPlace => ({
  organizationId: 'the product',
  connectionId: connector,
  field: 'appSecret',
})

export class Apps {
  readonly #pool: Pool
  readonly #seal: CredentialSeal

  constructor(pool: Pool, seal: CredentialSeal) {
    this.#pool = pool
    this.#seal = seal
  }

  async list(): Promise<ConnectorApp[]> {
    const { rows } = await this.#pool.query<AppRow>('select * from rowhouse.sync_apps order by connector')
    return rows.map(toView)
  }

  /** Connections that were made through the app use the new secret with their next refresh. */
  async set(connector: string, app: StoredApp): Promise<ConnectorApp> {
    const { rows } = await this.#pool.query<AppRow>(
      `insert into rowhouse.sync_apps (connector, client_id, client_secret, scopes, base_url) values ($1, $2, $3, $4, $5)
       on conflict (connector) do update set client_id = excluded.client_id, client_secret = excluded.client_secret,
         scopes = excluded.scopes, base_url = excluded.base_url, updated_at = now()
       returning *`,
      [connector, app.clientId, this.#seal.seal(placeOf(connector), app.clientSecret), app.scopes, app.baseUrl],
    )
    return toView(rows[0] as AppRow)
  }

  async remove(connector: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query('delete from rowhouse.sync_apps where connector = $1', [connector])
    return rowCount === 1
  }

  /** @throws RowhouseError credentials_unreadable */
  async find(connector: string): Promise<StoredApp | null> {
    const { rows } = await this.#pool.query<AppRow>('select * from rowhouse.sync_apps where connector = $1', [
      connector,
    ])
    const [row] = rows
    if (row === undefined) return null
    return {
      clientId: row.client_id,
      clientSecret: this.#seal.open(placeOf(connector), row.client_secret),
      scopes: row.scopes,
      baseUrl: row.base_url,
    }
  }

  /** @throws RowhouseError connector_app_missing, credentials_unreadable */
  async require(connector: string): Promise<StoredApp> {
    const app = await this.find(connector)
    if (app !== null) return app
    throw new RowhouseError('connector_app_missing', `No OAuth app is set for ${connector}.`, {
      details: { connector },
    })
  }
}

/** Never with the secret: it goes in and does not come out. */
const toView = (row: AppRow): ConnectorApp => ({
  connector: row.connector,
  clientId: row.client_id,
  scopes: [...row.scopes],
  baseUrl: row.base_url,
  updatedAt: row.updated_at.toISOString(),
})
