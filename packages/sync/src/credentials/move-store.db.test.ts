// Moving credentials from each store to each other one: killed at any moment, under workers that refresh, and where something
// cannot be read. Afterwards each connection has its credentials in exactly one place, the one that its row names.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { Envelope, inTransaction } from '@rowhouse/database'
import { createTwoWorlds, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useVault, useVaultedDatabase } from '../fixtures/stores.ts'
import { openKeys } from './keys.ts'
import type { Keys } from './keys.ts'
import { openStores } from './store/open-stores.ts'
import type { StoreOptions } from './store/open-stores.ts'
import type { StoreKind } from './store/store.ts'
import { Vault } from './vault.ts'

const encryptionKey = 'e'.repeat(32)
const database = useVaultedDatabase()
const { options, vault } = useVault()
const opened: { close(): Promise<void> }[] = []
let worlds: TwoWorlds
let pool: Pool
beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  pool = new Pool({ connectionString: database().controlUrl, max: 8 })
  pool.on('error', () => {})
})
afterAll(async () => {
  for (const one of opened) await one.close()
  await pool?.end()
})

const to = (store: StoreKind): StoreOptions => ({ ...options(), store })
const keyOptions = (store: StoreKind) => ({
  controlUrl: database().controlUrl,
  encryptionKey,
  credentialStore: to(store),
})
function keys(store: StoreKind): Keys {
  const made = openKeys(keyOptions(store))
  opened.push(made)
  return made
}
function credentials(store: StoreKind): Vault {
  const stores = openStores(to(store), database().controlUrl)
  opened.push(stores)
  return new Vault({ pool, envelope: new Envelope({ encryptionKey }), stores, findApp: () => Promise.resolve(null) })
}

async function store(mine: Vault, id: string, refreshToken: string): Promise<void> {
  await inTransaction(pool, (client) =>
    mine.store(client, worlds.a.organizationId, id, {
      accessToken: `access ${id}`,
      refreshToken,
      clientId: null,
      clientSecret: null,
    }),
  )
}

async function connected(kind: StoreKind, count: number): Promise<string[]> {
  const mine = credentials(kind)
  const ids = Array.from({ length: count }, () => randomUUID())
  for (const id of ids) {
    await pool.query(
      `insert into rowhouse.connections (id, organization_id, connector, account) values ($1, $2, 'hubspot', $3)`,
      [id, worlds.a.organizationId, id],
    )
    await store(mine, id, `refresh ${id}`)
  }
  return ids
}

/** Where something of each connection rests, and where its row says that it does. */
async function places(): Promise<Map<string, { named: string; found: string[] }>> {
  return withClient(database().adminUrl, async (admin) => {
    const { rows } = await admin.query<{ id: string; store: string; sealed: boolean }>(
      'select connection_id as id, store, sealed is not null as sealed from rowhouse.sync_credentials',
    )
    const secrets = await admin.query<{ name: string }>('select name from vault.secrets')
    const remote = [...vault().engine('secret').current().keys()]
    return new Map(
      rows.map(({ id, sealed, store: named }) => [
        id,
        {
          named,
          found: [
            ...(sealed ? ['database'] : []),
            ...(secrets.rows.some(({ name }) => name.endsWith(id)) ? ['supabase_vault'] : []),
            ...(remote.some((path) => path.endsWith(id)) ? ['hashicorp_vault'] : []),
          ],
        },
      ]),
    )
  })
}

const steps = [
  ['database', 'hashicorp_vault'],
  ['hashicorp_vault', 'supabase_vault'],
  ['supabase_vault', 'hashicorp_vault'],
  ['hashicorp_vault', 'database'],
] as const

describe('moving credentials', () => {
  it.each(steps)(
    'from %s to %s, killed at any moment: each is where its row says, and the next run goes on',
    async (from, target) => {
      const ids = await connected(from, 40)
      const script = join(import.meta.dirname, '../fixtures/move-process.ts')
      const movedNow = async (): Promise<number> =>
        [...(await places())].filter(([id, { named }]) => ids.includes(id) && named === target).length
      let halfWay = 0
      for (const share of [0, Math.random()]) {
        const child = spawn(process.execPath, [script, JSON.stringify(keyOptions(target))], { stdio: 'inherit' })
        const gone = new Promise((resolve) => {
          child.once('exit', resolve)
        })
        const threshold = Math.floor(share * ids.length)
        await expect
          .poll(async () => child.exitCode !== null || (await movedNow()) > threshold, { timeout: 60_000, interval: 1 })
          .toBe(true)
        child.kill('SIGKILL')
        await gone
        const now = await places()
        for (const id of ids) expect(now.get(id)?.found).toContain(now.get(id)?.named)
        const reader = credentials(target)
        for (const id of ids) expect(await reader.read(id)).toMatchObject({ refreshToken: `refresh ${id}`, version: 1 })
        const moved = await movedNow()
        if (moved > 0 && moved < ids.length) halfWay += 1
      }
      expect(halfWay).toBeGreaterThan(0)
      const done = await keys(target).moveStore()
      expect(done).toMatchObject({ to: target, unreadable: [] })
      // What a killed process had made and not committed is kept ten minutes, for one that is only slow.
      await pool.query('update rowhouse.sync_store_leftovers set due_at = now()')
      expect(await keys(target).moveStore()).toMatchObject({ moved: 0, toErase: 0 })
      const end = await places()
      for (const id of ids) expect(end.get(id)).toEqual({ named: target, found: [target] })
      await pool.query('delete from rowhouse.connections')
    },
  )

  it('under workers that write: none is disturbed, and the last one written is there', async () => {
    const ids = await connected('database', 6)
    const until = { done: false }
    const worker = async (id: string, kind: StoreKind): Promise<string> => {
      const mine = credentials(kind)
      let last = ''
      for (let n = 0; !until.done; n += 1) {
        last = `refresh ${n} by ${kind}`
        await store(mine, id, last)
      }
      return last
    }
    // Half of the processes have not heard of the new store yet.
    const working = Promise.all(ids.map((id, n) => worker(id, n % 2 === 0 ? 'database' : 'hashicorp_vault')))
    for (let n = 0; n < 3; n += 1) await keys('hashicorp_vault').moveStore()
    until.done = true
    const last = await working
    await keys('hashicorp_vault').moveStore()
    const reader = credentials('hashicorp_vault')
    for (const [n, id] of ids.entries()) expect((await reader.read(id)).refreshToken).toBe(last[n])
    await pool.query('delete from rowhouse.connections')
  })

  it('names what cannot be read and leaves it, and stops where the vault is sealed', async () => {
    const [bad, good] = (await connected('database', 2)) as [string, string]
    await pool.query(`update rowhouse.sync_credentials set sealed = '{}' where connection_id = $1`, [bad])
    vault().seal()
    await expect(keys('hashicorp_vault').moveStore()).rejects.toMatchObject({ code: 'credential_store_sealed' })
    vault().unseal()
    expect(await keys('hashicorp_vault').moveStore()).toMatchObject({ moved: 1, unreadable: [bad] })
    const now = await places()
    expect([now.get(bad)?.named, now.get(good)?.named]).toEqual(['database', 'hashicorp_vault'])
    const { stores } = await keys('hashicorp_vault').list()
    expect(stores).toEqual([
      { store: 'database', connections: 1, current: false, toErase: 0 },
      { store: 'hashicorp_vault', connections: 1, current: true, toErase: 0 },
    ])
    await pool.query('delete from rowhouse.connections')
  })

  it('away from a vault that is lost for good: connecting again needs nothing of it', async () => {
    const [id] = (await connected('hashicorp_vault', 1)) as [string]
    vault().seal()
    const without = openStores({ store: 'database' }, database().controlUrl)
    opened.push(without)
    const mine = new Vault({
      pool,
      envelope: new Envelope({ encryptionKey }),
      stores: without,
      findApp: () => Promise.resolve(null),
    })
    await expect(mine.read(id)).rejects.toMatchObject({ code: 'credential_store_refused' })
    await store(mine, id, 'of a new consent')
    expect(await mine.read(id)).toMatchObject({ refreshToken: 'of a new consent', version: 2 })
    vault().unseal()
  })
})
