// Data keys on a real database: made, rotated under load and killed half way, rewrapped, destroyed.
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import {
  CredentialSeal,
  Envelope,
  KeyCache,
  MasterKeys,
  findDataKey,
  inTransaction,
  toDataKey,
} from '@rowhouse/database'
import type { DataKeyRow } from '@rowhouse/database'
import { withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Pool } from 'pg'
import { encryptionKey, useHouse } from '../fixtures/house.ts'
import { openKeys } from './keys.ts'
import type { Keys, ListedKey } from './keys.ts'
import { Stores } from './store/stores.ts'
import { Vault } from './vault.ts'

const house = useHouse()
const newKey = 'n'.repeat(32)
const opened: { close(): Promise<void> }[] = []
let pool: Pool

beforeAll(() => {
  pool = new Pool({ connectionString: house().database.controlUrl, max: 4 })
})
afterAll(async () => {
  await pool?.end()
  for (const keys of opened) await keys.close()
})

const organization = (index: number): string => house().owners[index]?.organizationId as string

function keysWith(key = encryptionKey, previous: string | null = null): Keys {
  const keys = openKeys({
    controlUrl: house().database.controlUrl,
    encryptionKey: key,
    previousEncryptionKey: previous,
  })
  opened.push(keys)
  return keys
}

function vaultWith(key = encryptionKey, previous: string | null = null): Vault {
  const envelope = new Envelope({ encryptionKey: key, previousEncryptionKey: previous })
  return new Vault({ pool, envelope, stores: new Stores(), findApp: () => Promise.resolve(null) })
}

/** Connections with credentials, without a CRM: keys ask none. */
async function stored(organizationId: string, count: number): Promise<string[]> {
  const vault = vaultWith()
  const ids: string[] = []
  for (let n = 0; n < count; n += 1)
    ids.push(
      await inTransaction(pool, async (client) => {
        const id = randomUUID()
        await client.query(
          `insert into rowhouse.connections (id, organization_id, connector, account, state)
           values ($1, $2, 'hubspot', $3, 'paused')`,
          [id, organizationId, `account ${id}`],
        )
        await vault.store(client, organizationId, id, {
          accessToken: `access ${id}`,
          refreshToken: `refresh ${id}`,
          clientId: null,
          clientSecret: null,
        })
        return id
      }),
    )
  return ids
}

const dataKeysOf = async (keys: Keys, organizationId: string): Promise<ListedKey[]> =>
  (await keys.list()).dataKeys.filter((key) => key.organizationId === organizationId)

/** How many listed keys open each access token, whatever key it names. */
async function openers(masters: MasterKeys, organizationId: string): Promise<Map<string, number>> {
  const { rows: keys } = await pool.query<DataKeyRow>('select * from rowhouse.data_keys where wrapped is not null')
  const { rows: values } = await pool.query<{ id: string; token: string }>(
    `select connection_id as id, sealed ->> 'accessToken' as token from rowhouse.sync_credentials
     where organization_id = $1`,
    [organizationId],
  )
  const seal = new CredentialSeal(masters, new KeyCache())
  return new Map(
    values.map(({ id, token }) => [
      id,
      keys.filter((row) => {
        try {
          const place = { organizationId, connectionId: id, field: 'accessToken' }
          return seal.open(toDataKey(row), place, token) === `access ${id}`
        } catch {
          return false
        }
      }).length,
    ]),
  )
}

describe('rotating', () => {
  it('killed at any moment, every credential is opened by exactly one listed key, and the next run goes on', async () => {
    const ids = await stored(organization(0), 60)
    const both = { encryptionKey: newKey, previousEncryptionKey: encryptionKey }
    const masters = new MasterKeys(newKey, encryptionKey)
    const options = { controlUrl: house().database.controlUrl, organizationId: organization(0), ...both }
    const script = join(import.meta.dirname, '../fixtures/keys-process.ts')
    const first = (await dataKeysOf(keysWith(), organization(0)))[0] as ListedKey
    let killedHalfWay = 0
    for (const share of [0, Math.random(), Math.random(), Math.random()]) {
      const child = spawn(process.execPath, [script, JSON.stringify(options)], { stdio: 'inherit' })
      const gone = new Promise((resolve) => {
        child.once('exit', resolve)
      })
      const threshold = Math.floor(share * ids.length)
      await expect
        .poll(
          async () => {
            const { rows } = await pool.query<{ n: number }>(
              `select count(*)::int as n from rowhouse.sync_credentials s
               where s.organization_id = $1 and s.key_id <> $2`,
              [organization(0), first.id],
            )
            return child.exitCode !== null || (rows[0]?.n ?? 0) > threshold
          },
          { timeout: 60_000, interval: 1 },
        )
        .toBe(true)
      child.kill('SIGKILL')
      await gone
      const found = await openers(masters, organization(0))
      expect([...found.values()]).toEqual(ids.map(() => 1))
      const listed = await dataKeysOf(keysWith(newKey, encryptionKey), organization(0))
      if (listed.length === 2) killedHalfWay += 1
    }
    expect(killedHalfWay).toBeGreaterThan(0)
    const keys = keysWith(newKey, encryptionKey)
    await keys.rewrap()
    await keys.rotate(organization(0))
    const left = await dataKeysOf(keys, organization(0))
    expect(left).toEqual([expect.objectContaining({ state: 'current', values: 60, usable: true })])
    expect(left[0]?.id).not.toBe(first.id)
    expect([...(await openers(new MasterKeys(newKey), organization(0))).values()]).toEqual(ids.map(() => 1))
    await keysWith(encryptionKey, newKey).rewrap()
  })

  it('under workers that read and write: none of them is disturbed, nothing is lost', async () => {
    const ids = await stored(organization(1), 10)
    const vault = vaultWith()
    const rounds = { reads: 0, writes: 0 }
    const until = { done: false }
    const worker = async (id: string): Promise<void> => {
      while (!until.done) {
        const { version } = await vault.read(id)
        rounds.reads += 1
        await inTransaction(pool, (client) =>
          vault.store(client, organization(1), id, {
            accessToken: `access ${id}`,
            refreshToken: `refresh ${version + 1}`,
            clientId: null,
            clientSecret: null,
          }),
        )
        rounds.writes += 1
      }
    }
    const working = Promise.all(ids.map(worker))
    const keys = keysWith()
    for (let n = 0; n < 5; n += 1) await Promise.all([keys.rotate(organization(1)), keys.rotate(organization(1))])
    until.done = true
    await working
    expect(Math.min(rounds.reads, rounds.writes)).toBeGreaterThan(ids.length)
    for (const id of ids) {
      const { refreshToken, version } = await vault.read(id)
      expect(refreshToken).toBe(`refresh ${version}`)
    }
    await keys.rotate(organization(1))
    expect(await dataKeysOf(keys, organization(1))).toHaveLength(1)
  })

  it('a key that something is sealed with cannot be deleted; nor can a row name another than its value does', async () => {
    const [id] = await stored(organization(0), 1)
    await expect(pool.query('delete from rowhouse.data_keys')).rejects.toMatchObject({ code: '23503' })
    await expect(
      pool.query(
        `update rowhouse.sync_credentials set key_id = (select id from rowhouse.data_keys where organization_id = $2)
         where connection_id = $1`,
        [id, organization(1)],
      ),
    ).rejects.toMatchObject({ constraint: 'sealed_values_name_their_key' })
  })

  it('would lose what a late writer sealed, if the writer did not hold the key', async () => {
    const keys = keysWith()
    const [id] = await stored(organization(1), 1)
    const envelope = new Envelope({ encryptionKey })
    const [before] = await dataKeysOf(keys, organization(1))
    const key = await findDataKey(pool, before?.id as string)
    await keys.rotate(organization(1))
    const late = new CredentialSeal(envelope.masters, new KeyCache()).seal(
      key as NonNullable<typeof key>,
      { organizationId: organization(1), connectionId: id as string, field: 'accessToken' },
      'late',
    )
    await pool.query(
      `update rowhouse.sync_credentials set key_id = null, sealed = sealed || jsonb_build_object('accessToken', $2::text)
       where connection_id = $1`,
      [id, late],
    )
    await expect(vaultWith().read(id as string)).rejects.toMatchObject({ code: 'credentials_unreadable' })
    expect(await keys.rotate(organization(1))).toMatchObject({ unreadable: [id] })
    await pool.query('delete from rowhouse.connections where id = $1', [id])
  })
})

describe('the encryption key', () => {
  it('changed: the old one reads until the data keys are wrapped anew, then the new one alone', async () => {
    const [id] = (await stored(organization(0), 1)) as [string]
    const long = vaultWith()
    expect((await long.read(id)).accessToken).toBe(`access ${id}`)
    await expect(vaultWith(newKey).read(id)).rejects.toMatchObject({ code: 'credentials_unreadable' })
    const refused = await keysWith(newKey).rewrap()
    expect(refused).toMatchObject({ rewrapped: 0, unknown: expect.arrayContaining([expect.any(String)]) })
    await expect(keysWith(newKey).rotate(organization(0))).rejects.toMatchObject({ code: 'data_key_unknown' })
    const keys = keysWith(newKey, encryptionKey)
    expect((await keys.rewrap()).unknown).toEqual([])
    expect(await keys.rewrap()).toEqual({ rewrapped: 0, unknown: [] })
    expect((await vaultWith(newKey).read(id)).accessToken).toBe(`access ${id}`)
    expect((await vaultWith(newKey, encryptionKey).read(id)).accessToken).toBe(`access ${id}`)
    // A process that has not heard of the new one goes on with what it has in memory.
    expect((await long.read(id)).accessToken).toBe(`access ${id}`)
    await expect(vaultWith().read(id)).rejects.toMatchObject({ code: 'credentials_unreadable' })
    await keysWith(encryptionKey, newKey).rewrap()
  })
})

describe('an organization whose key is destroyed', () => {
  it('has no readable credential any more, anywhere, and gets none by whoever is late', async () => {
    const [id] = (await stored(organization(1), 1)) as [string]
    const vault = vaultWith()
    expect((await vault.read(id)).accessToken).toBe(`access ${id}`)
    const { rows: backup } = await pool.query('select * from rowhouse.sync_credentials where connection_id = $1', [id])
    const keys = keysWith()
    expect(await keys.destroy(organization(1))).toBe(1)
    expect(await keys.destroy(organization(1))).toBe(0)
    await expect(vault.read(id)).rejects.toMatchObject({ code: 'credentials_unreadable' })
    await expect(stored(organization(1), 1)).rejects.toMatchObject({ code: 'organization_key_destroyed' })
    await expect(keys.rotate(organization(1))).rejects.toMatchObject({ code: 'organization_key_destroyed' })
    expect((await openers(new MasterKeys(encryptionKey), organization(1))).get(id)).toBe(0)
    expect(JSON.stringify(backup)).not.toContain(`access ${id}`)
    expect(await dataKeysOf(keys, organization(1))).toEqual([
      expect.objectContaining({ state: 'destroyed', usable: false }),
    ])
  })

  it('what was sealed before there were data keys is unreadable, and no crash', async () => {
    const [id] = (await stored(organization(0), 1)) as [string]
    for (const sealed of [{ version: 1, accessToken: 'v1.AAAA', refreshToken: null }, { access_token: 'v1.AAAA' }, 7]) {
      await withClient(house().database.adminUrl, (admin) =>
        admin.query('update rowhouse.sync_credentials set key_id = null, sealed = $2 where connection_id = $1', [
          id,
          JSON.stringify(sealed),
        ]),
      )
      await expect(vaultWith().read(id)).rejects.toMatchObject({ code: 'credentials_unreadable' })
    }
  })
})
