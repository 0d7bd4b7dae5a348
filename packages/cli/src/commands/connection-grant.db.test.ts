// Roles, grants and removal on the command line: a real server, a real database.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { beforeAll, expect, it } from 'vitest'

import { useServed } from './test-served.ts'

const database = useTestDatabase()
const { rowhouse } = useServed(database)
let worlds: TwoWorlds
let connection = ''

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  connection = await withClient(database().controlUrl, async (control) => {
    const { rows } = await control.query<{ id: string }>(
      `insert into rowhouse.connections (organization_id, connector, account, base_url, state)
       values ($1, 'hubspot', 'x', 'https://api.hubapi.com', 'paused') returning id`,
      [worlds.a.organizationId],
    )
    return rows[0]?.id ?? ''
  })
})

it('makes a role, grants it one connection, shows who has it, takes it back, and removes the connection', async () => {
  const { slug } = worlds.a
  const made = await rowhouse('role', 'set', slug, 'seller', 'organization.read', 'data.read')
  expect(made).toMatchObject({ code: 0, stdout: 'seller may: data.read organization.read\n' })
  expect((await rowhouse('role', 'list', slug)).stdout).toMatch(/owner \(built in\) +1 +\*/)
  const granted = await rowhouse('connection', 'grant', slug, connection, '--role', 'seller', '--json')
  expect(granted).toMatchObject({ code: 0, stderr: '' })
  const { id, permission } = JSON.parse(granted.stdout) as { id: string; permission: string }
  expect(permission).toBe('connections.manage')
  const shown = await rowhouse('connection', 'grants', slug, connection)
  expect(shown.stdout).toContain('role seller')
  expect(await rowhouse('connection', 'grant', slug, connection)).toMatchObject({ code: 2 })
  const unknown = await rowhouse('connection', 'grant', slug, connection, '--role', 'nobody')
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('role_unknown')])
  expect((await rowhouse('connection', 'revoke-grant', slug, connection, id)).code).toBe(0)
  expect((await rowhouse('connection', 'grants', slug, connection)).stdout).toContain('Nobody alone')
  expect((await rowhouse('role', 'remove', slug, 'seller')).code).toBe(0)
  expect((await rowhouse('connection', 'remove', slug, connection)).code).toBe(0)
  const gone = await rowhouse('connection', 'remove', slug, connection)
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining('connection_not_found')])
})
