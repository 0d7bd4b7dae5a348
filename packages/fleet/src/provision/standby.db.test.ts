// What is open before an organization comes: the runtime's connection to the home it will have, and the fleet's to its database.
import { randomUUID } from 'node:crypto'
import { withClient } from '@rowhouse/testkit'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse, RowhouseOptions } from 'rowhouse'
import { afterEach, describe, expect, it, vi } from 'vitest'

import { useFleet } from './test-fleet.ts'

const test = useFleet()
const opened: Rowhouse[] = []
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close()
})
const open = (options: RowhouseOptions = {}): Rowhouse => {
  const rowhouse = createRowhouse({
    url: test().database.appUrl,
    signingKey: test().database.signingKey,
    ...options,
  })
  opened.push(rowhouse)
  return rowhouse
}
type Model = 'schema' | 'database'
const create = async (isolation: Model): Promise<string> =>
  test().fleet.createOrganization({
    name: 'Acme',
    slug: `acme-${randomUUID()}`,
    ownerId: randomUUID(),
    plan: await test().plan(isolation),
  })
/** Backends of a login, over all databases of the server. */
const backends = async (login: string): Promise<number[]> =>
  withClient(test().database.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ pid: number }>('select pid from pg_stat_activity where usename = $1', [login])
    return rows.map(({ pid }) => pid)
  })
const pidOf = async (rowhouse: Rowhouse, organizationId: string): Promise<unknown> => {
  const { rows } = await rowhouse
    .as({ organizationId, service: 'test' })
    .query<{ pid: number; organization: string }>(
      'select pg_backend_pid() as pid, rowhouse.organization_id() as organization, (select count(*) from contacts)',
    )
  expect(rows[0]?.organization).toBe(organizationId)
  return rows[0]?.pid
}

describe.each(['schema', 'database'] as const)('the %s home that is handed out next', (isolation) => {
  it('has a connection that is open before its organization comes, and is that one’s alone', async () => {
    const { fleet } = test()
    const rowhouse = open({ placement: { standby: 1 } })
    const [first, second] = [
      await fleet.createHome({ cluster: 'main', isolation }),
      await fleet.createHome({ cluster: 'main', isolation }),
    ]
    expect(await backends(first.login)).toEqual([])
    expect(await create(isolation)).toBe(first.id)
    await pidOf(rowhouse, first.id)
    await vi.waitFor(async () => expect(await backends(second.login)).toHaveLength(1), { timeout: 60_000 })
    const [early] = await backends(second.login)
    expect(await create(isolation)).toBe(second.id)
    expect(await pidOf(rowhouse, second.id)).toBe(early)
    expect(await backends(second.login)).toEqual([early])
    expect(await pidOf(rowhouse, first.id)).not.toBe(early)
  })

  it('has none in a process that shall open none, or has no room', async () => {
    const { fleet } = test()
    const [first, second] = [
      await fleet.createHome({ cluster: 'main', isolation }),
      await fleet.createHome({ cluster: 'main', isolation }),
    ]
    expect(await create(isolation)).toBe(first.id)
    for (const rowhouse of [open(), open({ placement: { standby: 1 }, pool: { max: 2 } })]) {
      await pidOf(rowhouse, first.id)
      await pidOf(rowhouse, first.id)
      expect(rowhouse.connections.opening).toBe(0)
      expect(await backends(second.login)).toEqual([])
    }
    await fleet.dropHome(second.id)
  })
})

it('a database that is handed out next is connected to before its first copy, which arrives also where that breaks', async () => {
  const { fleet, admin } = test()
  const homes = [
    await fleet.createHome({ cluster: 'main', isolation: 'database' }),
    await fleet.createHome({ cluster: 'main', isolation: 'database' }),
    await fleet.createHome({ cluster: 'main', isolation: 'database' }),
  ] as const
  const early = (name: string | null) =>
    admin(`select pid from pg_stat_activity where datname = $1 and application_name = 'rowhouse copies'`, [name])
  expect(await create('database')).toBe(homes[0].id)
  await vi.waitFor(async () => expect(await early(homes[1].databaseName)).toHaveLength(1), { timeout: 60_000 })
  expect(await create('database')).toBe(homes[1].id)
  await vi.waitFor(async () => expect(await early(homes[2].databaseName)).toHaveLength(1), { timeout: 60_000 })
  await admin(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [homes[2].databaseName])
  expect(await create('database')).toBe(homes[2].id)
  const rowhouse = open()
  for (const { id } of homes) expect(await pidOf(rowhouse, id)).toEqual(expect.any(Number))
  // What was rehearsed there is nobody's.
  const { rows } = await withClient(
    Object.assign(new URL(test().database.adminUrl), { pathname: `/${homes[1].databaseName}` }).href,
    (client) => client.query('select id from rowhouse.organizations'),
  )
  expect(rows).toEqual([{ id: homes[1].id }])
})
