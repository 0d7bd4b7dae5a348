// A HashiCorp Vault that is sealed, cut off or behind while the engine works: connections wait and say why, no token is lost,
// and everything goes on by itself.
import { connectors } from '@rowhouse/connectors'
import type { Connector, ConnectorHttp, Credentials } from '@rowhouse/connectors'
import { Envelope } from '@rowhouse/database'
import { withClient } from '@rowhouse/testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encryptionKey, useHouse } from '../../fixtures/house.ts'
import { useVault } from '../../fixtures/stores.ts'
import { Vault } from '../vault.ts'
import { eraseLeftovers } from './leftovers.ts'
import { openStores } from './open-stores.ts'
import type { Stores } from './stores.ts'

const { options, vault } = useVault()
const house = useHouse(() => ({ credentialStore: options() }))
const soon = { timeout: 60_000, interval: 20 }
let pool: Pool
let stores: Stores
beforeAll(() => {
  pool = new Pool({ connectionString: house().database.controlUrl, max: 4 })
  pool.on('error', () => {})
  stores = openStores(options(), house().database.controlUrl)
})
afterAll(async () => {
  await stores?.close()
  await pool?.end()
})

const credentials = (): Vault =>
  new Vault({ pool, envelope: new Envelope({ encryptionKey }), stores, findApp: () => Promise.resolve(null) })
const engine = () => vault().engine('secret')
const pathOf = (id: string): string => [...engine().current().keys()].find((path) => path.endsWith(id)) as string
const rowOf = async (id: string): Promise<{ store: string; place: string | null; version: number }> => {
  const { rows } = await pool.query<{ store: string; place: string | null; version: number }>(
    'select store, place, version::float8 as version from rowhouse.sync_credentials where connection_id = $1',
    [id],
  )
  return rows[0] as { store: string; place: string | null; version: number }
}
const connect = async (name: string): Promise<string> => {
  const account = house().createAccount({ connector: 'hubspot', name })
  return (await house().connect(0, account, { refreshToken: `refresh of ${name}` })).connection.id
}
const http = {} as ConnectorHttp
/** HubSpot, but for what a refresh does. */
const refreshing = (refresh: () => Promise<void>, name: string): Connector => {
  const hubspot = connectors.get('hubspot') as Connector
  const value: Credentials = {
    accessToken: `new access of ${name}`,
    refreshToken: `new refresh of ${name}`,
    expiresAtMs: null,
    instanceUrl: null,
    scopes: null,
  }
  return {
    ...hubspot,
    oauth: { ...hubspot.oauth, refresh: () => refresh().then(() => ({ ok: true, value })) },
  }
}

describe('a vault that is sealed', () => {
  it('makes the connection wait and say why; unsealed it goes on, and nothing was lost', async () => {
    const household = await house().connect(1, house().createAccount({ connector: 'hubspot', name: 'Alder' }))
    const { account, connection, organizationId, person } = household
    house().sync.worker.start()
    await house().live(household)
    vault().seal()
    await person.query("insert into contacts (email) values ('while@sealed.example')")
    const state = async () => house().sync.connections.get(organizationId, connection.id)
    await expect.poll(async () => (await state()).lastError?.code, soon).toBe('credential_store_sealed')
    await expect.poll(async () => (await state()).state, soon).toBe('degraded')
    // What nobody can send is not begun: no delivery is left whose end would have to be asked for.
    expect((await person.query('select from rowhouse_home.sync_deliveries')).rowCount).toBe(0)
    await expect(house().sync.connections.test(organizationId, connection.id)).rejects.toMatchObject({
      code: 'credential_store_sealed',
      status: 503,
      retryable: true,
    })
    vault().unseal()
    const emails = async (): Promise<unknown[]> =>
      (await house().records(account, 'contacts')).map((record) => JSON.stringify(record))
    await expect.poll(async () => (await emails()).join(' '), soon).toContain('while@sealed.example')
    await expect.poll(async () => (await state()).state, soon).toBe('live')
    await house().sync.worker.stop()
  })

  it('between the provider’s answer and the write loses no grant: it rests in the row, and goes back', async () => {
    const id = await connect('Birch')
    const mine = credentials()
    const outcome = await mine.refresh(
      refreshing(() => Promise.resolve(vault().seal()), 'Birch'),
      http,
      id,
      await mine.read(id),
    )
    expect(outcome).toMatchObject({ ok: true, refreshed: true, credentials: { refreshToken: 'new refresh of Birch' } })
    expect(await rowOf(id)).toEqual({ store: 'database', place: null, version: 2 })
    const { rows } = await pool.query<{ row: string }>(
      'select s::text as row from rowhouse.sync_credentials s where connection_id = $1',
      [id],
    )
    expect(rows[0]?.row).not.toContain('Birch')
    expect(await credentials().read(id)).toMatchObject({ version: 2, accessToken: 'new access of Birch' })
    // The old one in the vault is to be erased, and is not yet.
    expect(await eraseLeftovers(pool, stores)).toMatchObject({ erased: 0, waiting: 1 })
    vault().unseal()
    const used = await mine.read(id)
    expect(
      await mine.refresh(
        refreshing(() => Promise.resolve(), 'Birch'),
        http,
        id,
        used,
      ),
    ).toMatchObject({ ok: true })
    expect(await rowOf(id)).toMatchObject({ store: 'hashicorp_vault', version: 3 })
    await pool.query('update rowhouse.sync_store_leftovers set due_at = now()')
    await eraseLeftovers(pool, stores)
    // What is named again is not erased.
    expect(await credentials().read(id)).toMatchObject({ version: 3 })
  })

  it('would lose the grant if it could rest nowhere else', async () => {
    const id = await connect('Cedar')
    const held = await stores.of('hashicorp_vault').read(pool, {
      connectionId: id,
      organizationId: '',
      place: (await rowOf(id)).place,
      sealed: null,
    })
    vault().seal()
    const client = await pool.connect()
    try {
      await expect(
        stores.writes.write(
          client,
          { connectionId: id, organizationId: '', place: (await rowOf(id)).place },
          { ...held.bundle, version: 2 },
          held,
        ),
      ).rejects.toMatchObject({ code: 'credential_store_sealed' })
    } finally {
      client.release()
      vault().unseal()
    }
  })
})

describe('a refresh', () => {
  it('whose lock is lost on the way writes nothing over the newer token', async () => {
    const id = await connect('Elm')
    const slow = credentials()
    const used = await slow.read(id)
    const outcome = await slow.refresh(
      refreshing(async () => {
        // Another process, to which the lock came, writes first.
        const path = pathOf(id)
        const other = credentials()
        await withClient(house().database.adminUrl, (admin) =>
          admin.query(
            `select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and usename = 'rowhouse_control' and state = 'idle in transaction'`,
          ),
        )
        expect(
          await other.refresh(
            refreshing(() => Promise.resolve(), 'Elm first'),
            http,
            id,
            await other.read(id),
          ),
        ).toMatchObject({ refreshed: true })
        expect(engine().current().get(path)).toMatchObject({ version: 2 })
      }, 'Elm late'),
      http,
      id,
      used,
    )
    expect(outcome).toMatchObject({
      ok: true,
      refreshed: false,
      credentials: { accessToken: 'new access of Elm first' },
    })
    expect(await credentials().read(id)).toMatchObject({ version: 2, refreshToken: 'new refresh of Elm first' })
  })

  it('whose write is not answered has written once', async () => {
    const id = await connect('Fir')
    const mine = credentials()
    const used = await mine.read(id)
    let left = 1
    vault().trouble = ({ method, path }) => (method === 'POST' && path.includes(id) && left-- > 0 ? 'drop after' : null)
    await mine.refresh(
      refreshing(() => Promise.resolve(), 'Fir'),
      http,
      id,
      used,
    )
    vault().trouble = null
    expect(await rowOf(id)).toMatchObject({ store: 'hashicorp_vault', version: 2 })
    expect(await credentials().read(id)).toMatchObject({ version: 2, accessToken: 'new access of Fir' })
  })

  it('does not begin with what a standby that is behind still shows', async () => {
    const id = await connect('Gorse')
    const mine = credentials()
    await mine.refresh(
      refreshing(() => Promise.resolve(), 'Gorse'),
      http,
      id,
      await mine.read(id),
    )
    engine().staleReads = 1
    await expect(mine.read(id)).rejects.toMatchObject({ code: 'credential_store_unavailable', retryable: true })
    expect(await mine.read(id)).toMatchObject({ version: 2 })
  })

  it('would begin with a refresh token that was used, if the row kept no version', async () => {
    const id = await connect('Hazel')
    const mine = credentials()
    await mine.refresh(
      refreshing(() => Promise.resolve(), 'Hazel'),
      http,
      id,
      await mine.read(id),
    )
    await pool.query('update rowhouse.sync_credentials set version = 0 where connection_id = $1', [id])
    engine().staleReads = 1
    expect(await mine.read(id)).toMatchObject({ version: 1, refreshToken: 'refresh of Hazel' })
  })
})

describe('a process that dies', () => {
  it('between making a secret and committing the row leaves none behind', async () => {
    const id = await connect('Ivy')
    const path = pathOf(id).replace(id, '00000000-0000-4000-8000-00000000dead')
    const client = await pool.connect()
    try {
      await client.query('begin')
      const made = {
        connectionId: '00000000-0000-4000-8000-00000000dead',
        organizationId: pathOf(id).split('/')[1] ?? '',
      }
      const { bundle } = await stores.of('hashicorp_vault').read(pool, {
        ...made,
        place: (await rowOf(id)).place,
        sealed: null,
      })
      await stores.writes.write(client, { ...made, place: null }, bundle, null)
      expect(engine().has(path)).toBe(true)
      await client.query('rollback')
    } finally {
      client.release()
    }
    // Not at once: who makes one has time to commit.
    await eraseLeftovers(pool, stores)
    expect(engine().has(path)).toBe(true)
    await pool.query('update rowhouse.sync_store_leftovers set due_at = now()')
    await eraseLeftovers(pool, stores)
    expect(engine().has(path)).toBe(false)
    expect(engine().has(pathOf(id))).toBe(true)
  })
})
