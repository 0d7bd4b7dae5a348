// `rowhouse key`, on a real database.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { startVault } from '@rowhouse/sandbox'
import { openKeys } from '@rowhouse/sync'
import { beforeAll, expect, it } from 'vitest'

import { runHere } from './test-command.ts'
import type { Ended } from './test-command.ts'

const database = useTestDatabase()
const oldKey = 'o'.repeat(32)
const newKey = 'n'.repeat(32)
let worlds: TwoWorlds

const rowhouse = (words: readonly string[], keys: Record<string, string>, noun = 'key'): Promise<Ended> => {
  const { adminUrl, signingKey } = database()
  return runHere([noun, ...words], { env: { ROWHOUSE_URL: adminUrl, ROWHOUSE_SIGNING_KEY: signingKey, ...keys } })
}

const before = { ROWHOUSE_ENCRYPTION_KEY: oldKey }
const during = { ROWHOUSE_ENCRYPTION_KEY: newKey, ROWHOUSE_ENCRYPTION_KEY_PREVIOUS: oldKey }
const after = { ROWHOUSE_ENCRYPTION_KEY: newKey }

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  const keys = openKeys({ controlUrl: database().controlUrl, encryptionKey: oldKey })
  for (const id of [null, worlds.a.organizationId, worlds.b.organizationId]) await keys.rotate(id)
  await keys.close()
})

it('lists, changes the encryption key, and rotates data keys, without ever showing a key', async () => {
  const listed = await rowhouse(['list', '--json'], before)
  expect(listed.code).toBe(0)
  const { dataKeys } = JSON.parse(listed.stdout) as { dataKeys: { id: string; organization: string | null }[] }
  expect(dataKeys.map(({ organization }) => organization)).toEqual([null, ...[worlds.a.slug, worlds.b.slug].toSorted()])
  expect((await rowhouse(['list'], after)).code).toBe(1)
  expect(await rowhouse(['rotate'], after)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('is wrapped by a key that is not set'),
  })
  const rotated = await rowhouse(['rotate', '--json'], during)
  expect([rotated.code, JSON.parse(rotated.stdout)]).toEqual([0, { rewrapped: 3, unknown: [] }])
  const again = await rowhouse(['list'], after)
  expect(again.code).toBe(0)
  const one = await rowhouse(['rotate', '--organization', worlds.a.slug, '--json'], after)
  expect(JSON.parse(one.stdout)).toEqual([
    expect.objectContaining({ organizationId: worlds.a.organizationId, unreadable: [] }),
  ])
  const all = await rowhouse(['rotate', '--all-organizations', '--product'], after)
  expect(all.code).toBe(0)
  expect(all.stdout.trim().split('\n')).toHaveLength(3)
  const { rows } = await withClient(database().adminUrl, (admin) =>
    admin.query<{ id: string; wrapped: string }>('select id, wrapped from rowhouse.data_keys'),
  )
  expect(rows).toHaveLength(3)
  expect(rows.some(({ id }) => dataKeys.some((key) => key.id === id))).toBe(false)
  for (const { stdout, stderr } of [listed, rotated, again, one, all])
    for (const secret of [oldKey, newKey, database().signingKey, ...rows.map(({ wrapped }) => wrapped)])
      expect(stdout + stderr).not.toContain(secret)
})

it('refuses what makes no sense, with a code', async () => {
  for (const [words, keys, code] of [
    [['list'], {}, 'encryption_key_missing'],
    [['rotate'], { ...after, ROWHOUSE_ENCRYPTION_KEY_PREVIOUS: newKey }, 'invalid_option'],
    [['rotate', '--organization', 'nobody'], after, 'organization_not_found'],
  ] as const) {
    const ended = await rowhouse([...words, '--json'], { ROWHOUSE_ENCRYPTION_KEY: '', ...keys })
    expect(ended.code).not.toBe(0)
    expect(ended.stdout + ended.stderr).toContain(code)
  }
})

it('moves credentials to a vault and back, and doctor looks at both', async () => {
  const vault = await startVault()
  try {
    vault.setPolicy('rowhouse', 'path "secret/data/rowhouse/*" { capabilities = ["create", "read", "update"] }')
    const { roleId, secretId } = vault.createRole('rowhouse', { policies: ['rowhouse'], ttlMs: 3_600_000 })
    const login = { VAULT_ADDR: vault.url, VAULT_ROLE_ID: roleId, VAULT_SECRET_ID: secretId }
    const toVault = { ...after, ...login, ROWHOUSE_CREDENTIAL_STORE: 'hashicorp_vault' }
    const doctor = async (
      env: Record<string, string>,
    ): Promise<{ check: string; status: string; message: string }[]> => {
      const { stdout } = await rowhouse(['--json'], env, 'doctor')
      return (JSON.parse(stdout) as { check: string; status: string; message: string }[]).filter(({ check }) =>
        check.startsWith('credential_store'),
      )
    }
    expect(await doctor(toVault)).toEqual([
      expect.objectContaining({
        status: 'error',
        message: expect.stringContaining('delete on secret/metadata/rowhouse'),
      }),
    ])
    vault.setPolicy('rowhouse', 'path "secret/*" { capabilities = ["create", "read", "update", "delete"] }')
    const moved = await rowhouse(['move-store', '--json'], toVault)
    expect([moved.code, JSON.parse(moved.stdout)]).toEqual([
      0,
      { to: 'hashicorp_vault', moved: 0, unreadable: [], toErase: 0 },
    ])
    expect(await doctor(toVault)).toEqual([expect.objectContaining({ status: 'ok' })])
    expect((await rowhouse(['list'], toVault)).stdout).toContain('store hashicorp_vault: 0 connections, written to')
    vault.seal()
    expect(await doctor(toVault)).toEqual([
      expect.objectContaining({ status: 'error', message: expect.stringContaining('is sealed') }),
    ])
    const told = await rowhouse(['move-store'], { ...toVault, VAULT_SKIP_VERIFY: '1' })
    expect([told.code, told.stderr]).toEqual([2, expect.stringContaining('VAULT_CACERT')])
    for (const { stdout, stderr } of [moved, told])
      for (const secret of [secretId, roleId]) expect(stdout + stderr).not.toContain(secret)
  } finally {
    await vault.close()
  }
})
