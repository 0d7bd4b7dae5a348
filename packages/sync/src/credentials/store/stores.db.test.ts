// What holds for every store: what rests there is ciphertext of its own connection, the later of two writers never loses,
// nothing is left behind by a connection that goes, and nothing that was lost is taken for something that is there.
import { randomUUID } from 'node:crypto'
import { Envelope, inTransaction } from '@rowhouse/database'
import { createTwoWorlds, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { storeKinds, useStore } from '../../fixtures/stores.ts'
import { Vault } from '../vault.ts'
import { eraseLeftovers } from './leftovers.ts'
import { openStores } from './open-stores.ts'
import type { Stores } from './stores.ts'

const encryptionKey = 'e'.repeat(32)

describe.each(storeKinds)('the store %s', (kind) => {
  const bench = useStore(kind)
  let worlds: TwoWorlds
  let pool: Pool
  let stores: Stores
  beforeAll(async () => {
    worlds = await createTwoWorlds(bench.database())
    pool = new Pool({ connectionString: bench.database().controlUrl, max: 6 })
    pool.on('error', () => {})
    stores = openStores(bench.options(), bench.database().controlUrl)
  })
  afterAll(async () => {
    await stores?.close()
    await pool?.end()
  })

  const vault = (key = encryptionKey): Vault =>
    new Vault({
      pool,
      envelope: new Envelope({ encryptionKey: key }),
      stores,
      findApp: () => Promise.resolve(null),
    })

  async function connected(organizationId = worlds.a.organizationId): Promise<string> {
    const id = randomUUID()
    await inTransaction(pool, async (client) => {
      await client.query(
        `insert into rowhouse.connections (id, organization_id, connector, account, state)
         values ($1, $2, 'hubspot', $3, 'paused')`,
        [id, organizationId, `account ${id}`],
      )
      await vault().store(client, organizationId, id, fresh(id, organizationId))
    })
    return id
  }
  const fresh = (id: string, organizationId: string) => ({
    accessToken: `access ${id} of ${organizationId}`,
    refreshToken: `refresh ${id}`,
    clientId: 'client',
    clientSecret: `secret ${id}`,
  })
  const restingOf = async (id: string): Promise<string[]> => (await bench.resting()).filter((text) => text.includes(id))
  const admin = (text: string, values: unknown[] = []): Promise<unknown> =>
    withClient(bench.database().adminUrl, (client) => client.query(text, values))

  it('holds ciphertext, opened by whoever has the key and by nobody else', async () => {
    const id = await connected()
    expect(await vault().read(id)).toMatchObject({
      version: 1,
      accessToken: `access ${id} of ${worlds.a.organizationId}`,
    })
    const resting = await restingOf(id)
    expect(resting.length).toBeGreaterThan(0)
    for (const text of resting) {
      expect(text).toMatch(/v2\.[0-9a-f-]{36}\./)
      expect(text).not.toMatch(/access |refresh |secret |client"/)
    }
    await expect(vault('x'.repeat(32)).read(id)).rejects.toMatchObject({ code: 'credentials_unreadable' })
  })

  it('keeps the version of each write, whoever writes', async () => {
    const id = await connected()
    const again = (token: string): Promise<void> =>
      inTransaction(pool, (client) =>
        vault().store(client, worlds.a.organizationId, id, {
          ...fresh(id, worlds.a.organizationId),
          accessToken: token,
        }),
      )
    await Promise.all(Array.from({ length: 8 }, (_, n) => again(`token ${n}`)))
    const { accessToken, version } = await vault().read(id)
    expect(version).toBe(9)
    expect(accessToken).toMatch(/^token \d$/)
  })

  it('erases what a connection had when it goes, and when its organization goes', async () => {
    const [one, two] = [await connected(), await connected(worlds.b.organizationId)]
    await pool.query('delete from rowhouse.connections where id = $1', [one])
    await eraseLeftovers(pool, stores)
    expect(await restingOf(one)).toEqual([])
    expect(await restingOf(two)).not.toEqual([])
    const id = await withClient(bench.database().controlUrl, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        "select rowhouse.create_organization('Gone', $1, gen_random_uuid()) as id",
        [`gone-${kind.replaceAll('_', '-')}`],
      )
      return (rows[0] as { id: string }).id
    })
    const three = await connected(id)
    expect(await restingOf(three)).not.toEqual([])
    await pool.query('delete from rowhouse.organizations where id = $1', [id])
    await eraseLeftovers(pool, stores)
    expect(await restingOf(three)).toEqual([])
  })

  it('says that what is gone from it is unreadable, and takes new credentials in its place', async () => {
    const id = await connected()
    if (kind === 'hashicorp_vault') {
      const path = [...bench.vault().engine('secret').current().keys()].find((one) => one.endsWith(id))
      bench
        .vault()
        .engine('secret')
        .delete(path as string, null)
    } else if (kind === 'supabase_vault') await admin('delete from vault.secrets where name like $1', [`%${id}`])
    else await admin("update rowhouse.sync_credentials set sealed = '{}' where connection_id = $1", [id])
    await expect(vault().read(id)).rejects.toMatchObject({ code: 'credentials_unreadable' })
    await inTransaction(pool, (client) =>
      vault().store(client, worlds.a.organizationId, id, fresh(id, worlds.a.organizationId)),
    )
    // Above the version that somebody may have used before.
    expect(await vault().read(id)).toMatchObject({ version: 2, refreshToken: `refresh ${id}` })
  })
})

describe('ciphertext that is moved', () => {
  const bench = useStore('hashicorp_vault')
  const supabase = useStore('supabase_vault')
  it.each([
    ['hashicorp_vault', bench],
    ['supabase_vault', supabase],
  ] as const)('to another connection of %s does not open there', async (kind, { database, options, vault }) => {
    const worlds = await createTwoWorlds(database())
    const pool = new Pool({ connectionString: database().controlUrl, max: 3 })
    pool.on('error', () => {})
    const stores = openStores(options(), database().controlUrl)
    const mine = new Vault({
      pool,
      envelope: new Envelope({ encryptionKey }),
      stores,
      findApp: () => Promise.resolve(null),
    })
    try {
      const [a, b] = [randomUUID(), randomUUID()]
      for (const [id, { organizationId }] of [
        [a, worlds.a],
        [b, worlds.b],
      ] as const)
        await inTransaction(pool, async (client) => {
          await client.query(
            `insert into rowhouse.connections (id, organization_id, connector, account) values ($1, $2, 'hubspot', 'x')`,
            [id, organizationId],
          )
          await mine.store(client, organizationId, id, {
            accessToken: `of ${id}`,
            refreshToken: null,
            clientId: null,
            clientSecret: null,
          })
        })
      if (kind === 'hashicorp_vault') {
        const engine = vault().engine('secret')
        const paths = [...engine.current().keys()]
        const from = paths.find((path) => path.endsWith(b)) as string
        engine.write(paths.find((path) => path.endsWith(a)) as string, { data: engine.current().get(from) })
      } else
        await withClient(database().adminUrl, (admin) =>
          admin.query(
            `select vault.update_secret(
               (select id from vault.secrets where name like '%' || $1),
               (select decrypted_secret from vault.decrypted_secrets where name like '%' || $2))`,
            [a, b],
          ),
        )
      await expect(mine.read(a)).rejects.toMatchObject({ code: 'credentials_unreadable' })
      expect(await mine.read(b)).toMatchObject({ accessToken: `of ${b}` })
    } finally {
      await stores.close()
      await pool.end()
    }
  })
})
