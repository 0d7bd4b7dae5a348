// A connection's secrets, and the one place that refreshes them. A refresh holds the row's lock while it asks the provider:
// workers of other processes wait for it and then find a later version, so one expiry is one refresh however many notice it.
import { isRowhouseError } from '@rowhouse/contracts'
import { inTransaction } from '@rowhouse/database'
import type { Envelope } from '@rowhouse/database'
import type { Connector, ConnectorHttp, Credentials, OAuthApp } from '@rowhouse/connectors'
import type { Pool, PoolClient } from 'pg'
import {
  findCredentialRow,
  isStoreAway,
  keepBundle,
  lockCredentialRow,
  readCredentialRow,
  readHeld,
} from './credential-rows.ts'
import type { CredentialRow } from './credential-rows.ts'
import { redact } from './redact.ts'
import type { Redact } from './redact.ts'
import type { Held, SealedBundle } from './store/store.ts'
import type { Stores } from './store/stores.ts'

export interface StoredCredentials extends Credentials {
  readonly version: number
  readonly app: OAuthApp | null
}

/** The app that a connection's own row does not name: the one the product is registered as. */
export type FindApp = (
  connector: string,
  database: Pool | PoolClient,
) => Promise<Pick<OAuthApp, 'clientId' | 'clientSecret'> | null>

export interface NewCredentials {
  readonly accessToken: string
  readonly refreshToken: string | null
  readonly clientId: string | null
  readonly clientSecret: string | null
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

/** Credentials, opened, and where they were. */
interface Opened {
  readonly row: CredentialRow
  readonly held: Held
  readonly credentials: StoredCredentials
}

type Grant = Pick<Credentials, 'accessToken' | 'refreshToken' | 'expiresAtMs'>

export interface VaultContext {
  readonly pool: Pool
  readonly envelope: Envelope
  readonly stores: Stores
  readonly findApp: FindApp
  /** Only a test that shows what it prevents gives another. */
  readonly redact?: Redact
}

export class Vault {
  readonly #context: VaultContext
  /** By connection and version: who notices the same expiry in this process waits here and holds no connection. */
  readonly #refreshing = new Map<string, Promise<RefreshOutcome>>()

  constructor(context: VaultContext) {
    this.#context = context
  }

  /**
   * The first ones of a connection, or others in their place: whoever used the old reads these instead of refreshing.
   *
   * @throws RowhouseError organization_key_destroyed, and what the store throws
   */
  async store(client: PoolClient, organizationId: string, connectionId: string, fresh: NewCredentials): Promise<void> {
    const { envelope, stores } = this.#context
    await lockCredentialRow(client, connectionId)
    const row = await findCredentialRow(client, connectionId)
    const held = row === undefined ? null : await this.#heldIfReadable(client, row)
    const sealer = await envelope.sealer(client, organizationId, connectionId)
    const sealed = (field: string, value: string | null): string | null =>
      value === null ? null : sealer.seal(field, value)
    const bundle = {
      // Above each version that anybody may have used.
      version: Math.max(held?.bundle.version ?? 0, row?.version ?? 0) + 1,
      accessToken: sealer.seal('accessToken', fresh.accessToken),
      refreshToken: sealed('refreshToken', fresh.refreshToken),
      clientId: sealed('clientId', fresh.clientId),
      clientSecret: sealed('clientSecret', fresh.clientSecret),
      expiresAtMs: null,
    }
    const of = { connectionId, organizationId, keyId: sealer.keyId }
    await keepBundle(client, stores, of, bundle, row === undefined ? null : { row, held })
  }

  /** @throws RowhouseError connection_not_found, credentials_unreadable, and what the store throws */
  async read(connectionId: string): Promise<StoredCredentials> {
    return (await this.#open(this.#context.pool, connectionId)).credentials
  }

  /** Refreshes what `used` became invalid, unless somebody has done so since it was read. */
  async refresh(
    connector: Connector,
    http: ConnectorHttp,
    connectionId: string,
    used: StoredCredentials,
  ): Promise<RefreshOutcome> {
    const expiry = `${connectionId} ${used.version}`
    const running = this.#refreshing.get(expiry)
    if (running !== undefined) {
      const outcome = await running
      return outcome.ok ? { ...outcome, refreshed: false } : outcome
    }
    const refreshing = this.#refresh(connector, http, connectionId, used).finally(() => this.#refreshing.delete(expiry))
    this.#refreshing.set(expiry, refreshing)
    return refreshing
  }

  async #refresh(
    connector: Connector,
    http: ConnectorHttp,
    connectionId: string,
    used: StoredCredentials,
  ): Promise<RefreshOutcome> {
    const granted: { grant?: Grant; opened?: Opened } = {}
    try {
      const outcome = await inTransaction(this.#context.pool, async (client): Promise<RefreshOutcome> => {
        await lockCredentialRow(client, connectionId)
        const opened = await this.#open(client, connectionId)
        const { credentials } = opened
        if (credentials.version !== used.version) return { ok: true, credentials, refreshed: false }
        if (credentials.refreshToken === null || credentials.app === null) {
          const advice = credentials.refreshToken === null ? NO_REFRESH_TOKEN : NO_APP
          return { ok: false, reason: advice, advice, retryMs: null }
        }
        const answer = await connector.oauth.refresh(http, credentials.app, credentials)
        if (!answer.ok) {
          const retry = answer.failure.action === 'retry' ? (answer.failure.afterMs ?? RETRY_MS) : null
          const advice = answer.failure.action === 'pause' ? answer.failure.advice : null
          const { accessToken, app, refreshToken } = credentials
          const { redact: without = redact } = this.#context
          const reason = without(answer.failure.reason, [accessToken, refreshToken, app.clientSecret])
          return { ok: false, reason, advice, retryMs: retry }
        }
        granted.grant = answer.value
        granted.opened = opened
        return { ok: true, refreshed: true, credentials: await this.#keep(client, opened, answer.value) }
      })
      return outcome.ok ? outcome : await this.#unlessRenewed(connectionId, used, outcome)
    } catch (error) {
      // The provider has given what this process could not keep: with rotation the old one is dead, so keeping is tried again.
      if (granted.grant !== undefined && granted.opened !== undefined)
        return this.#keepAgain(granted.opened, used, granted.grant, error)
      const now = await this.read(connectionId)
      if (now.version === used.version) throw error
      return { ok: true, credentials: now, refreshed: false }
    }
  }

  /**
   * A refresh that is refused may only mean that the lock was lost on the way, or that the bundle was written from
   * elsewhere: then a later version is there, and nothing is dead.
   */
  async #unlessRenewed(
    connectionId: string,
    used: StoredCredentials,
    refused: RefreshOutcome,
  ): Promise<RefreshOutcome> {
    const now = await this.read(connectionId)
    return now.version === used.version ? refused : { ok: true, credentials: now, refreshed: false }
  }

  async #keepAgain(before: Opened, used: StoredCredentials, grant: Grant, first: unknown): Promise<RefreshOutcome> {
    const { connectionId } = before.row
    let last = first
    for (let attempt = 0; attempt < KEEP_TRIES_MAX; attempt += 1) {
      try {
        return await inTransaction(this.#context.pool, async (client): Promise<RefreshOutcome> => {
          await lockCredentialRow(client, connectionId)
          const opened = await this.#openOr(client, before)
          // Either it was kept and only the answer was lost, or somebody has one that is later still.
          if (opened.credentials.version !== used.version)
            return { ok: true, credentials: opened.credentials, refreshed: false }
          return { ok: true, refreshed: true, credentials: await this.#keep(client, opened, grant) }
        })
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  /** What is there now; where the store is away, what was there before, unless the row knows of something later. */
  async #openOr(client: PoolClient, before: Opened): Promise<Opened> {
    try {
      return await this.#open(client, before.row.connectionId)
    } catch (error) {
      if (!isRowhouseError(error) || !isStoreAway(error)) throw error
      const row = await readCredentialRow(client, before.row.connectionId)
      if (row.version !== before.row.version || row.store !== before.row.store) throw error
      return { ...before, row }
    }
  }

  async #keep(client: PoolClient, { row, held, credentials }: Opened, grant: Grant): Promise<StoredCredentials> {
    const { envelope, stores } = this.#context
    const { connectionId, organizationId } = row
    const sealer = await envelope.sealer(client, organizationId, connectionId)
    const fresh = { ...credentials, ...grant, refreshToken: grant.refreshToken ?? credentials.refreshToken }
    const bundle = await this.#reseal(client, row, held.bundle, sealer)
    const version = held.bundle.version + 1
    await keepBundle(
      client,
      stores,
      { connectionId, organizationId, keyId: sealer.keyId },
      {
        ...bundle,
        version,
        accessToken: sealer.seal('accessToken', fresh.accessToken),
        refreshToken: fresh.refreshToken === null ? null : sealer.seal('refreshToken', fresh.refreshToken),
        expiresAtMs: fresh.expiresAtMs,
      },
      { row, held },
      { orInRow: true },
    )
    return { ...fresh, version }
  }

  /**
   * Seals a connection's bundle with the current key, also into the store that is written to now. The version stays: the
   * tokens are the same, and whoever uses them is not disturbed.
   *
   * @throws RowhouseError credentials_unreadable, and what the store throws
   */
  async reseal(client: PoolClient, connectionId: string): Promise<void> {
    const { envelope, stores } = this.#context
    await lockCredentialRow(client, connectionId)
    const row = await findCredentialRow(client, connectionId)
    if (row === undefined) return
    const held = await readHeld(client, stores, row)
    const sealer = await envelope.sealer(client, row.organizationId, connectionId)
    const bundle = await this.#reseal(client, row, held.bundle, sealer)
    await keepBundle(client, stores, { ...row, keyId: sealer.keyId }, bundle, { row, held })
  }

  /** Values that are sealed with the current key stay as they are: a rotation that was cut off has been here. */
  async #reseal(
    client: PoolClient,
    row: CredentialRow,
    bundle: SealedBundle,
    sealer: { readonly keyId: string; seal(field: string, value: string): string },
  ): Promise<SealedBundle> {
    const { envelope } = this.#context
    const names = ['accessToken', 'refreshToken', 'clientId', 'clientSecret'] as const
    if (names.every((name) => bundle[name]?.startsWith(`v2.${sealer.keyId}.`) ?? true)) return bundle
    const values = await envelope.openAll(
      client,
      row,
      names.map((name) => [name, bundle[name]] as const),
    )
    const [accessToken, refreshToken, clientId, clientSecret] = names.map((name, index) => {
      const value = values[index] ?? null
      return value === null ? null : sealer.seal(name, value)
    })
    return {
      ...bundle,
      accessToken: accessToken as string,
      refreshToken: refreshToken as string | null,
      clientId: clientId as string | null,
      clientSecret: clientSecret as string | null,
    }
  }

  async #open(database: Pool | PoolClient, connectionId: string): Promise<Opened> {
    const { envelope, findApp, stores } = this.#context
    const row = await readCredentialRow(database, connectionId)
    const held = await readHeld(database, stores, row)
    const { bundle } = held
    const [accessToken, refreshToken, clientId, clientSecret] = (await envelope.openAll(database, row, [
      ['accessToken', bundle.accessToken],
      ['refreshToken', bundle.refreshToken],
      ['clientId', bundle.clientId],
      ['clientSecret', bundle.clientSecret],
    ])) as [string, string | null, string | null, string | null]
    const own = clientId === null || clientSecret === null ? null : { clientId, clientSecret }
    // The product's secret goes nowhere but to the provider: never to an address that a connection was made with.
    // Asked on the connection at hand: with every other one waiting for this row's lock, the pool would have none left.
    const app = own ?? (row.atProvider ? await findApp(row.connector, database) : null)
    const credentials = {
      version: bundle.version,
      accessToken,
      refreshToken,
      expiresAtMs: bundle.expiresAtMs,
      instanceUrl: null,
      scopes: null,
      app: app === null ? null : { clientId: app.clientId, clientSecret: app.clientSecret, redirectUri: '' },
    }
    return { row, held, credentials }
  }

  /** New credentials may take the place of ones that nobody can read any more, or of ones in a store that was left. */
  async #heldIfReadable(client: PoolClient, row: CredentialRow): Promise<Held | null> {
    const { stores } = this.#context
    try {
      return await stores.of(row.store).read(client, row)
    } catch (error) {
      if (!isRowhouseError(error)) throw error
      if (error.code === 'credentials_unreadable' || (isStoreAway(error) && row.store !== stores.writes.kind))
        return null
      throw error
    }
  }
}

const RETRY_MS = 1000
const KEEP_TRIES_MAX = 3
const NO_APP =
  'The CRM refused the access token, and there is no OAuth app to refresh it with: connect the account again on the CRM’s own page, or with a client id and its secret.'
const NO_REFRESH_TOKEN = 'The CRM refused the access token, and there is no refresh token.'
