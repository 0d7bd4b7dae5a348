// Homes, their servers and the catalogue that are full, mute, away or of another version: whose home it is gets a code that says
// so, and the other organization goes on meanwhile.
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { useHomes, withClient } from '@rowhouse/testkit'
import type { Tenant } from '@rowhouse/testkit'
import { expect, it } from 'vitest'

import type { Organization, Rowhouse } from '../index.ts'

const homes = useHomes('database')

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code: string }).code,
  )
const ownerOf = (rowhouse: Rowhouse, tenant: Tenant): Organization =>
  rowhouse.as({ organizationId: tenant.organizationId, userId: tenant.ownerId })
const ask = (rowhouse: Rowhouse, tenant: Tenant): Promise<string> =>
  codeOf(ownerOf(rowhouse, tenant).query('select * from notes'))
/** As the administrator in a database that nothing is done to. */
const onServer = (text: string): Promise<unknown> =>
  withClient(Object.assign(new URL(homes().database.adminUrl), { pathname: '/postgres' }).href, (admin) =>
    admin.query(text),
  )
const inHome = ({ home }: Tenant, text: string): Promise<unknown> =>
  withClient(home?.adminUrl ?? '', (admin) => admin.query(text))

it('a home whose database takes no more connections is said to be so; the others go on, and so does it afterwards', async () => {
  const { a, b } = homes()
  const rowhouse = homes().open()
  await onServer(`alter database ${a.home?.databaseName} connection limit 0`)
  const refusal = await ownerOf(rowhouse, a)
    .query('select 1')
    .catch((error: unknown) => error)
  expect(refusal).toMatchObject({
    code: 'home_unreachable',
    message: expect.stringContaining('takes no more connections'),
    retryable: true,
  })
  expect(await ask(rowhouse, b)).toBe('done')
  await onServer(`alter database ${a.home?.databaseName} connection limit -1`)
  expect(await ask(rowhouse, a)).toBe('done')
})

it('a home whose database lets nobody in is said to be unreachable, not the query to be wrong', async () => {
  const { a, b } = homes()
  const rowhouse = homes().open()
  await onServer(`alter database ${a.home?.databaseName} allow_connections false`)
  expect([await ask(rowhouse, a), await ask(rowhouse, b)]).toEqual(['home_unreachable', 'done'])
  await onServer(`alter database ${a.home?.databaseName} allow_connections true`)
  expect(await ask(rowhouse, a)).toBe('done')
})

it('a cluster that takes connections and never answers keeps nobody but its own waiting, and those for the time to connect', async () => {
  const { a, b } = homes()
  const sockets: Socket[] = []
  const mute = await new Promise<Server>((resolve) => {
    const server = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1', () => resolve(server))
  })
  try {
    await homes().changeCatalogue(
      `insert into rowhouse.clusters (id, region, host, port, tls) values ('mute', 'mute', '127.0.0.1', $1, 'off')`,
      [(mute.address() as AddressInfo).port],
    )
    await homes().changeCatalogue(`update rowhouse.placements set cluster = 'mute' where organization_id = $1`, [
      a.organizationId,
    ])
    // Long enough for the others to connect on a busy machine.
    const rowhouse = homes().open({ pool: { max: 4, connectTimeoutMs: 2_000 } })
    const stuck = Array.from({ length: 12 }, () => ask(rowhouse, a))
    const fine = Array.from({ length: 12 }, () => ask(rowhouse, b))
    expect(await Promise.race([Promise.all(fine), Promise.all(stuck)])).toEqual(Array(12).fill('done'))
    expect(await Promise.all(stuck)).toEqual(Array(12).fill('home_unreachable'))
    expect(sockets.length).toBeGreaterThan(0)
  } finally {
    await homes().change(a, `update rowhouse.placements set cluster = 'main' where organization_id = $1`, [
      a.organizationId,
    ])
    for (const socket of sockets) socket.destroy()
    mute.close()
  }
  expect(await ask(homes().open(), a)).toBe('done')
})

it('the catalogue away: whoever is known goes on, whoever is not is told so, and all is well when it is back', async () => {
  const { a, b, database } = homes()
  const rowhouse = homes().open({ placement: { pollMs: 50 } })
  expect(await ask(rowhouse, a)).toBe('done')
  await onServer(`alter database ${database.name} allow_connections false`)
  try {
    await onServer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database.name}'`)
    expect([await ask(rowhouse, a), await ask(rowhouse, a)]).toEqual(['done', 'done'])
    expect(['database_unreachable', 'connection_lost']).toContain(await ask(rowhouse, b))
    expect(await ask(rowhouse, b)).toBe('database_unreachable')
    expect(await ask(rowhouse, a)).toBe('done')
  } finally {
    await onServer(`alter database ${database.name} allow_connections true`)
  }
  expect([await ask(rowhouse, b), await ask(rowhouse, a)]).toEqual(['done', 'done'])
})

it('during an upgrade each database is judged for itself, and runtimes of before and after it are alive at once', async () => {
  const { a, b } = homes()
  const before = homes().open()
  expect([await ask(before, a), await ask(before, b)]).toEqual(['done', 'done'])
  // The home is newer than the runtime, and says that such runtimes still work with it.
  await inHome(
    a,
    `insert into rowhouse.migrations
     select (jsonb_populate_record(m, '{"version": 999999}')).* from rowhouse.migrations m limit 1`,
  )
  const after = homes().open()
  expect([await ask(before, a), await ask(after, a), await ask(after, b)]).toEqual(['done', 'done', 'done'])
  await inHome(a, 'delete from rowhouse.migrations where version = 999999')
  // The home is not upgraded yet: those that are connected go on, who comes anew is told so, and only there.
  await inHome(a, 'update rowhouse.migrations set version = -version where version > 700')
  const anew = homes().open()
  expect([await ask(before, a), await ask(anew, a), await ask(anew, b)]).toEqual(['done', 'schema_outdated', 'done'])
  await inHome(a, 'update rowhouse.migrations set version = -version where version < 0')
  expect(await ask(anew, a)).toBe('done')
})
