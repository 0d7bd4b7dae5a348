// One expiry, one refresh, in every store: a hundred workers, each with a pool and a memory of its own, in several processes,
// against a CRM that rotates refresh tokens and voids the whole grant when one comes twice; and a refresh whose lock is lost
// on the way.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { connectors } from '@rowhouse/connectors'
import type { Connector, ConnectorHttp, Credentials } from '@rowhouse/connectors'
import type { CreatedAccount } from '@rowhouse/sandbox'
import { Envelope } from '@rowhouse/database'
import { withClient } from '@rowhouse/testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encryptionKey, useHouse } from '../fixtures/house.ts'
import type { House, Household } from '../fixtures/house.ts'
import { storeKinds, useStore } from '../fixtures/stores.ts'
import type { StoreOptions } from './store/open-stores.ts'
import { Stores } from './store/stores.ts'
import { Vault } from './vault.ts'

const house = useHouse()
const PROCESSES = 4
const REFRESHERS = 25
const app = {
  clientId: 'rotating-app',
  clientSecret: 'secret',
  redirectUris: ['http://127.0.0.1:9/callback'],
  rotateRefreshTokens: true,
  reuseRevokesGrant: true,
}
const children: ChildProcess[] = []
async function stopRefreshers(): Promise<void> {
  await Promise.all(
    children.splice(0).map(async (child) => {
      const gone = new Promise((resolve) => {
        child.once('exit', resolve)
      })
      child.kill('SIGKILL')
      if (child.exitCode === null) await gone
    }),
  )
}

interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly error?: string
}

async function token(account: CreatedAccount, form: Record<string, string>): Promise<Tokens> {
  const answer = await fetch(`${account.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: app.clientId, client_secret: app.clientSecret, ...form }),
  })
  return (await answer.json()) as Tokens
}

async function granted(house: House, name: string): Promise<{ account: CreatedAccount; tokens: Tokens }> {
  const account = house.createAccount({ connector: 'salesforce', name, apps: [app] })
  const [redirectUri] = app.redirectUris as [string]
  const consent = await fetch(`${account.url}/services/oauth2/authorize`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      client_id: app.clientId,
      redirect_uri: redirectUri,
      scope: 'api refresh_token openid',
      account: account.id,
      decision: 'approve',
    }),
  })
  const code = new URL(consent.headers.get('location') ?? 'http://none/').searchParams.get('code') ?? ''
  const tokens = await token(account, { grant_type: 'authorization_code', redirect_uri: redirectUri, code })
  return { account, tokens }
}

async function connected(house: House, index: number, name: string): Promise<Household> {
  const { account, tokens } = await granted(house, name)
  return house.connect(index, account, {
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    clientId: app.clientId,
    clientSecret: app.clientSecret,
  })
}

const tokenRequests = async (house: House, account: CreatedAccount): Promise<number[]> =>
  (await house.requests(account))
    .filter(({ method, path }) => method === 'POST' && path.endsWith('/oauth2/token'))
    .map(({ status }) => status)

/** A process of refreshers; `use` makes each of them use every connection at once. */
async function startRefreshers(
  house: House,
  credentialStore: StoreOptions,
): Promise<{ use(connections: object[]): Promise<string[]> }> {
  const { appUrl, controlUrl, signingKey } = house.database
  const options = { appUrl, controlUrl, signingKey, encryptionKey, credentialStore, refreshers: REFRESHERS }
  const script = join(import.meta.dirname, '../fixtures/refreshers-process.ts')
  const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value as string) as unknown
  expect(await next()).toBe('ready')
  return {
    async use(connections) {
      child.stdin.write(`${JSON.stringify(connections)}\n`)
      return (await next()) as string[]
    },
  }
}

describe.each(storeKinds)('a hundred refreshers of credentials in %s', (kind) => {
  const bench = useStore(kind)
  const house = useHouse(() => ({ credentialStore: bench.options() }), '', bench.database)
  afterAll(stopRefreshers)

  it('of several processes, with rotation on and every token expired at once: one refresh a connection, no grant lost', async () => {
    const households = [await connected(house(), 0, 'Alder'), await connected(house(), 1, 'Birch')]
    const connections = households.map(({ organizationId, connection }) => ({ organizationId, id: connection.id }))
    const processes = await Promise.all(
      Array.from({ length: PROCESSES }, () => startRefreshers(house(), bench.options())),
    )
    const before = await Promise.all(
      households.map(async ({ account }) => (await tokenRequests(house(), account)).length),
    )
    const rounds = 3
    for (let round = 1; round <= rounds; round += 1) {
      for (const { account } of households) await house().control('chaos', { account: account.id, revokeTokens: true })
      const outcomes = (await Promise.all(processes.map((process) => process.use(connections)))).flat()
      expect(outcomes).toHaveLength(PROCESSES * REFRESHERS * connections.length)
      expect(new Set(outcomes)).toEqual(new Set(['used']))
      for (const [index, { account }] of households.entries()) {
        const statuses = await tokenRequests(house(), account)
        expect(statuses.slice(before[index])).toEqual(Array.from({ length: round }, () => 200))
      }
    }
  })
})

describe('a grant', () => {
  it('would be lost if two of them asked', async () => {
    const { account, tokens } = await granted(house(), 'Cedar')
    const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token }
    const [first, second] = [await token(account, form), await token(account, form)]
    expect([first.error, second.error]).toEqual([undefined, 'invalid_grant'])
    expect(await token(account, { ...form, refresh_token: first.refresh_token })).toMatchObject({
      error: 'invalid_grant',
    })
  })
})

describe('a refresh whose lock is lost while the provider is asked', () => {
  let pool: Pool
  beforeAll(() => {
    pool = new Pool({ connectionString: house().database.controlUrl, max: 4, application_name: 'refresher' })
    pool.on('error', () => {})
  })
  afterAll(() => pool.end())

  const vault = (): Vault =>
    new Vault({
      pool,
      envelope: new Envelope({ encryptionKey }),
      stores: new Stores(),
      findApp: () => Promise.resolve(null),
    })
  const lockLost = (): Promise<void> =>
    withClient(house().database.adminUrl, async (admin) => {
      await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'refresher'")
    })
  const http = {} as ConnectorHttp
  /** Salesforce, but for what a refresh does. */
  const answering = (refresh: () => Promise<Awaited<ReturnType<Connector['oauth']['refresh']>>>): Connector => {
    const salesforce = connectors.get('salesforce') as Connector
    return { ...salesforce, oauth: { ...salesforce.oauth, refresh } }
  }
  const fresh = (name: string): Credentials => ({
    accessToken: `access of ${name}`,
    refreshToken: `refresh of ${name}`,
    expiresAtMs: null,
    instanceUrl: null,
    scopes: null,
  })

  it('keeps what the provider gave', async () => {
    const { connection } = await connected(house(), 0, 'Elm')
    const mine = vault()
    const used = await mine.read(connection.id)
    const outcome = await mine.refresh(
      answering(async () => {
        await lockLost()
        return { ok: true, value: fresh('Elm') }
      }),
      http,
      connection.id,
      used,
    )
    expect(outcome).toMatchObject({ ok: true, refreshed: true })
    expect(await vault().read(connection.id)).toMatchObject({
      accessToken: 'access of Elm',
      refreshToken: 'refresh of Elm',
    })
  })

  it('reads again when it is refused: another one was there first, and nothing is dead', async () => {
    const { connection } = await connected(house(), 0, 'Fir')
    const mine = vault()
    const used = await mine.read(connection.id)
    const outcome = await mine.refresh(
      answering(async () => {
        await lockLost()
        const other = vault()
        const granted = answering(() => Promise.resolve({ ok: true, value: fresh('Fir') }))
        expect(await other.refresh(granted, http, connection.id, await other.read(connection.id))).toMatchObject({
          refreshed: true,
        })
        return { ok: false, failure: { action: 'pause', reason: 'invalid_grant', advice: 'Connect again.' } }
      }),
      http,
      connection.id,
      used,
    )
    expect(outcome).toMatchObject({ ok: true, refreshed: false, credentials: { accessToken: 'access of Fir' } })
  })
})
