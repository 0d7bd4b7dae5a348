// The OAuth apps that the product is registered as at the providers: one a connector, its secret sealed with
// the product's own data key. They rest in the catalogue, wherever the connections' credentials do.
import { RowhouseError } from '@rowhouse/contracts'
import type { ConnectorApp } from '@rowhouse/contracts'
import { inTransaction } from '@rowhouse/database'
import type { Envelope, SealedPlace } from '@rowhouse/database'
import type { Pool, PoolClient } from 'pg'

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
export const appPlace = (connector: string): SealedPlace => ({
  organizationId: null,
  connectionId: connector,
  field: 'appSecret',
})

export class Apps {
  readonly #pool: Pool
  readonly #envelope: Envelope

  constructor(pool: Pool, envelope: Envelope) {
    this.#pool = pool
    this.#envelope = envelope
  }

  async list(): Promise<ConnectorApp[]> {
    const { rows } = await this.#pool.query<AppRow>('select * from rowhouse.sync_apps order by connector')
    return rows.map(toView)
  }

  /** Connections that were made through the app use the new secret with their next refresh. */
  async set(connector: string, app: StoredApp): Promise<ConnectorApp> {
    const { connectionId, field } = appPlace(connector)
    const rows = await inTransaction(this.#pool, async (client) => {
      const sealer = await this.#envelope.sealer(client, null, connectionId)
      const set = await client.query<AppRow>(
        `insert into rowhouse.sync_apps (connector, client_id, client_secret, scopes, base_url, key_id)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (connector) do update set client_id = excluded.client_id, client_secret = excluded.client_secret,
           scopes = excluded.scopes, base_url = excluded.base_url, key_id = excluded.key_id, updated_at = now()
         returning *`,
        [connector, app.clientId, sealer.seal(field, app.clientSecret), app.scopes, app.baseUrl, sealer.keyId],
      )
      return set.rows
    })
    return toView(rows[0] as AppRow)
  }

  async remove(connector: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query('delete from rowhouse.sync_apps where connector = $1', [connector])
    return rowCount === 1
  }

  /**
   * @param database the connection to ask on. @default any of the pool
   * @throws RowhouseError credentials_unreadable
   */
  async find(connector: string, database: Pool | PoolClient = this.#pool): Promise<StoredApp | null> {
    const { rows } = await database.query<AppRow>('select * from rowhouse.sync_apps where connector = $1', [connector])
    const [row] = rows
    if (row === undefined) return null
    return {
      clientId: row.client_id,
      clientSecret: await this.#envelope.open(database, appPlace(connector), row.client_secret),
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
