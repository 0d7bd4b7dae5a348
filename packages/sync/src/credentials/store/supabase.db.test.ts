// Supabase Vault: who reaches what of it, and what is said where it is not there or was not granted.
import { randomUUID } from 'node:crypto'
import { Envelope, inTransaction } from '@rowhouse/database'
import { createTwoWorlds, sqlstateOf, useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examineStore } from '../examine-store.ts'
import { Vault } from '../vault.ts'
import { eraseLeftovers } from './leftovers.ts'
import { openStores } from './open-stores.ts'
import { vaultGrants } from './supabase-store.ts'

const bare = useSupabaseDatabase()
const project = useSupabaseDatabase({ vault: true })
const options = { store: 'supabase_vault' } as const
let worlds: TwoWorlds
let pool: Pool
beforeAll(async () => {
  worlds = await createTwoWorlds(project())
  pool = new Pool({ connectionString: project().controlUrl, max: 3 })
  pool.on('error', () => {})
})
afterAll(() => pool?.end())

const grant = (): Promise<unknown> => withClient(project().postgresUrl, (postgres) => postgres.query(vaultGrants))
const revoke = (): Promise<unknown> =>
  withClient(project().postgresUrl, (postgres) =>
    postgres.query('revoke all on vault.secrets, vault.decrypted_secrets from rowhouse_owner'),
  )
const secrets = async (): Promise<string[]> =>
  withClient(project().adminUrl, async (admin) => {
    const { rows } = await admin.query<{ name: string }>('select name from vault.secrets order by 1')
    return rows.map(({ name }) => name)
  })

async function store(id = randomUUID(), rollback = false): Promise<string> {
  const stores = openStores(options, project().controlUrl)
  const vault = new Vault({
    pool,
    envelope: new Envelope({ encryptionKey: 'e'.repeat(32) }),
    stores,
    findApp: () => Promise.resolve(null),
  })
  await inTransaction(pool, async (client) => {
    await client.query(
      `insert into rowhouse.connections (id, organization_id, connector, account) values ($1, $2, 'hubspot', $3)`,
      [id, worlds.a.organizationId, id],
    )
    await vault.store(client, worlds.a.organizationId, id, {
      accessToken: 'access',
      refreshToken: null,
      clientId: null,
      clientSecret: null,
    })
    if (rollback) throw new Error('on the way')
  })
  return id
}

describe('Supabase Vault', () => {
  it('is missing, not granted, or ready: doctor says which and what to run', async () => {
    expect(await examineStore(options, bare().controlUrl)).toMatchObject({
      ok: false,
      message: expect.stringContaining('not in this database'),
    })
    const refused = await examineStore(options, project().controlUrl)
    expect(refused).toMatchObject({ ok: false, fix: expect.stringContaining('grant usage on schema vault') })
    await expect(store()).rejects.toMatchObject({ code: 'credential_store_refused', hint: refused.fix })
    await grant()
    expect(await examineStore(options, project().controlUrl)).toMatchObject({ ok: true, fix: null })
  })

  it('has the secret of a connection exactly when its transaction commits', async () => {
    await grant()
    const id = await store()
    expect(await secrets()).toEqual([`rowhouse/connection/${id}`])
    const lost = randomUUID()
    await expect(store(lost, true)).rejects.toThrow('on the way')
    expect(await secrets()).toEqual([`rowhouse/connection/${id}`])
  })

  it('shows no other secret of the project to Rowhouse, and none to a tenant', async () => {
    const id = await store()
    const other = await withClient(project().adminUrl, async (admin) => {
      const { rows } = await admin.query<{ id: string }>(
        "select vault.create_secret('the project’s own', 'stripe') as id",
      )
      return (rows[0] as { id: string }).id
    })
    await withClient(project().controlUrl, async (control) => {
      const { rows } = await control.query('select rowhouse.vault_get($1, $2) as secret', [id, other])
      expect(rows).toEqual([{ secret: null }])
      await control.query('select rowhouse.vault_erase($1, $2)', [id, other])
      expect(await sqlstateOf(control.query('select * from vault.decrypted_secrets'))).toBe('42501')
    })
    expect(await secrets()).toContain('stripe')
    await withClient(project().appUrl, async (app) => {
      for (const text of [
        `select rowhouse.vault_get('${id}', '${other}')`,
        `select rowhouse.vault_put('${id}', 'x')`,
        `select rowhouse.vault_erase('${id}', '${other}')`,
        'select * from vault.decrypted_secrets',
      ])
        expect(await sqlstateOf(app.query(text))).toBe('42501')
    })
  })

  it('that refuses holds up no removal; its secret is erased when it answers again', async () => {
    const id = await store()
    await revoke()
    const stores = openStores(options, project().controlUrl)
    await pool.query('delete from rowhouse.connections where id = $1', [id])
    expect(await eraseLeftovers(pool, stores)).toEqual({ erased: 0, waiting: 1 })
    expect(await secrets()).toContain(`rowhouse/connection/${id}`)
    await grant()
    await pool.query('update rowhouse.sync_store_leftovers set due_at = now()')
    expect(await eraseLeftovers(pool, stores)).toEqual({ erased: 1, waiting: 0 })
    expect(await secrets()).not.toContain(`rowhouse/connection/${id}`)
  })

  it('would keep the secret of every connection that goes, without the trigger', async () => {
    const id = await store()
    await withClient(project().adminUrl, (admin) =>
      admin.query('alter table rowhouse.sync_credentials disable trigger leave_credential_store'),
    )
    await pool.query('delete from rowhouse.connections where id = $1', [id])
    expect(await secrets()).toContain(`rowhouse/connection/${id}`)
    await withClient(project().adminUrl, (admin) =>
      admin.query('alter table rowhouse.sync_credentials enable trigger leave_credential_store'),
    )
  })
})
