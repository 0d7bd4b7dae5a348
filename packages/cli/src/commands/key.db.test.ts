// `rowhouse key` as people and programs run it: a process of its own, on a real database.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { openKeys } from '@rowhouse/sync'
import { beforeAll, expect, it } from 'vitest'

const database = useTestDatabase()
const main = join(import.meta.dirname, '..', 'main.ts')
const oldKey = 'o'.repeat(32)
const newKey = 'n'.repeat(32)
let worlds: TwoWorlds

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const rowhouse = (words: readonly string[], keys: Record<string, string>): Promise<Ended> =>
  new Promise((resolve) => {
    const { adminUrl, signingKey } = database()
    const env = { ...process.env, ROWHOUSE_URL: adminUrl, ROWHOUSE_SIGNING_KEY: signingKey, ...keys }
    const child = execFile(process.execPath, [main, 'key', ...words], { env }, (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })

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
