// How a statement finds the home of its organization, and what happens when it is not where it was: moved, gone, not told
// yet, its catalogue down. Round trips are counted on the wire.
import { createHomes, startHoldingProxy, startWireTap, useHomes, withClient } from '@rowhouse/testkit'
import type { Homes, Tenant } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Organization, Rowhouse, RowhouseOptions } from '../index.ts'
import { codeOf, eventually, ownerOf, placeOnOtherCluster } from './test-routing.ts'

/** A catalogue that can be cut off, with homes that cannot. */
async function withCatalogueBehindTap(
  homes: Homes,
  options: RowhouseOptions,
  use: (rowhouse: Rowhouse, cut: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const tap = await startWireTap(homes.database.appUrl)
  let isCut = false
  const cut = async (): Promise<void> => {
    isCut = true
    await tap.close()
  }
  const rowhouse = homes.open({ url: tap.url, ...options })
  try {
    await use(rowhouse, cut)
  } finally {
    await rowhouse.close()
    if (!isCut) await tap.close()
  }
}

describe('an organization that shares tables', () => {
  const homes = useHomes('shared')

  it('costs one exchange a query, and is never looked up', async () => {
    const tap = await startWireTap(homes().database.appUrl)
    const rowhouse = homes().open({ url: tap.url })
    const acme = ownerOf(rowhouse, homes().a)
    await acme.query('select 1')
    const before = tap.exchanges.length
    for (let turn = 0; turn < 3; turn += 1) await acme.query('select 1')
    // What the client said, and what the server answered.
    expect(tap.exchanges.length - before).toBe(6)
    await rowhouse.close()
    await tap.close()
  })
})

describe('an organization in another database', () => {
  const homes = useHomes('database')

  it('is looked up once, and then costs one exchange a query', async () => {
    const tap = await startWireTap(homes().database.appUrl)
    const rowhouse = homes().open({ url: tap.url, placement: { pollMs: 60_000 } })
    const acme = ownerOf(rowhouse, homes().a)
    await acme.query('select 1')
    const before = tap.exchanges.length
    for (let turn = 0; turn < 3; turn += 1) await acme.query('select 1')
    // What the client said, and what the server answered.
    expect(tap.exchanges.length - before).toBe(6)
    await rowhouse.close()
    await tap.close()
  })

  it('is asked for once by many queries at the same time', async () => {
    const rowhouse = homes().open({ pool: { max: 4 } })
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        codeOf(ownerOf(rowhouse, index % 2 === 0 ? homes().a : homes().b).query('select * from notes')),
      ),
    )
    expect(results).toEqual(Array(40).fill('done'))
    expect(rowhouse.connections.idle).toBeLessThanOrEqual(4)
  })

  it('is found behind a pooler that carries no named statements: what goes before enter is not the statement', async () => {
    const { a } = homes()
    const rowhouse = homes().open({ preparedStatements: false })
    expect((await ownerOf(rowhouse, a).query('select * from notes')).rowCount).toBe(3)
    expect(await codeOf(ownerOf(rowhouse, a).transaction((tx) => tx.query('select * from notes')))).toBe('done')
    // What is refused after enter is the statement's own, and not tried again.
    expect(await codeOf(ownerOf(rowhouse, a).query('select 1 / 0'))).toBe('query_failed')
  })

  it('waits for a copy that is on its way, and says so where it does not come', async () => {
    const { a } = homes()
    const patient = homes().open({ placement: { copyWaitMs: 10_000 } })
    const hasty = homes().open({ placement: { copyWaitMs: 60 } })
    const person = '22222222-2222-4222-8222-222222222222'
    await homes().changeCatalogue(
      `insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member')`,
      [a.organizationId, person],
    )
    const as = (rowhouse: Rowhouse): Organization => rowhouse.as({ organizationId: a.organizationId, userId: person })
    // Both learn of the version that the home does not know yet.
    expect(await codeOf(as(hasty).query('select 1'))).toBe('copy_outdated')
    expect(await codeOf(as(hasty).transaction((tx) => tx.query('select 1')))).toBe('copy_outdated')
    const waiting = codeOf(as(patient).query('select 1'))
    await homes().carry(a)
    expect(await waiting).toBe('done')
  })

  it('lets a removed member out within a poll, also where nobody carried the copy', async () => {
    const { a } = homes()
    const rowhouse = homes().open({ placement: { pollMs: 20, copyWaitMs: 20 } })
    const viewer = rowhouse.as({ organizationId: a.organizationId, userId: a.viewerId })
    expect(await codeOf(viewer.query('select 1'))).toBe('done')
    await homes().changeCatalogue('delete from rowhouse.members where organization_id = $1 and user_id = $2', [
      a.organizationId,
      a.viewerId,
    ])
    await eventually(async () => (await codeOf(viewer.query('select 1'))) === 'copy_outdated')
    await homes().carry(a)
    expect(await codeOf(viewer.query('select 1'))).toBe('not_a_member')
  })

  it('is looked up again where it changed while the answer was on its way; else whoever was removed then would stay', async () => {
    const { a, database } = homes()
    const person = '44444444-4444-4444-8444-444444444444'
    await homes().change(a, `insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, 'member')`, [
      a.organizationId,
      person,
    ])
    const proxy = await startHoldingProxy(database.appUrl)
    // Without names each statement travels with its text, so that the proxy knows them.
    const rowhouse = homes().open({
      url: proxy.url,
      preparedStatements: false,
      placement: { pollMs: 20, copyWaitMs: 20 },
    })
    try {
      const removed = rowhouse.as({ organizationId: a.organizationId, userId: person })
      const answer = proxy.hold('answer', 'rowhouse.placement($1)')
      const first = codeOf(removed.query('select 1'))
      await answer.isHeld
      // The answer of before is on its way; the home is not told, only the runtime could know.
      await homes().changeCatalogue('delete from rowhouse.members where organization_id = $1 and user_id = $2', [
        a.organizationId,
        person,
      ])
      const asked = proxy.count('rowhouse.placement_changes')
      await eventually(() => Promise.resolve(proxy.count('rowhouse.placement_changes') > asked + 2))
      answer.release()
      expect([await first, await codeOf(removed.query('select 1'))]).toEqual(['copy_outdated', 'copy_outdated'])
    } finally {
      await rowhouse.close()
      await proxy.close()
    }
    await homes().carry(a)
  })

  it('goes on while the catalogue is down, for the stated time, and then says so', async () => {
    const { a, b } = homes()
    await placeOnOtherCluster(homes(), [a, b])
    let nowMs = Date.now()
    const offsetMs = (): number => nowMs - Date.now()
    const options = {
      now: () => nowMs,
      placement: { pollMs: 50, staleMaxMs: 20_000 },
    }
    await withCatalogueBehindTap(homes(), options, async (rowhouse, cut) => {
      expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('done')
      nowMs = Date.now()
      await cut()
      expect(await codeOf(ownerOf(rowhouse, a).query('select * from notes'))).toBe('done')
      expect(await codeOf(ownerOf(rowhouse, a).transaction((tx) => tx.query('select 1')))).toBe('done')
      // Nobody knows where this one lives.
      expect(['database_unreachable', 'connection_lost']).toContain(
        await codeOf(ownerOf(rowhouse, b).query('select 1')),
      )
      nowMs += 21_000
      expect(offsetMs()).toBeGreaterThan(0)
      expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('catalogue_unreachable')
    })
  })

  it('is refused over a wire without verified TLS, whatever the placement says', async () => {
    const { targetOf } = await import('./placement.ts')
    const placement = {
      state: 'active',
      isolation: 'database',
      cluster: 'far',
      port: 5432,
      tls_ca: null,
      cluster_connections_max: null,
      database_name: 'h_0123456789abcdef',
      schema_name: 'public',
      login: 'rowhouse_h_0123456789abcdef',
      epoch: 1,
      version: 1,
      limits: null,
    } as const
    const { appUrl, signingKey } = homes().database
    const target = (host: string, tls: 'off' | 'verify-full') =>
      targetOf({ ...placement, host, tls }, appUrl, signingKey)
    expect(() => target('10.0.0.1', 'off')).toThrow(expect.objectContaining({ code: 'tls_required' }) as Error)
    expect(() => target('db.example.com', 'off')).toThrow(expect.objectContaining({ code: 'tls_required' }) as Error)
    expect(target('10.0.0.1', 'verify-full')).toMatchObject({ ssl: { rejectUnauthorized: true, host: '10.0.0.1' } })
    expect(target('127.0.0.1', 'off')).toMatchObject({ ssl: false })
    // Nobody can write such a row either.
    await expect(
      homes().changeCatalogue(`insert into rowhouse.clusters (id, host, tls) values ('far', '10.0.0.1', 'off')`),
    ).rejects.toMatchObject({ code: '23514' })
  })

  it('does not speak to a server that has no TLS where its cluster asks for it', async () => {
    const { a } = homes()
    await homes().changeCatalogue(`update rowhouse.clusters set tls = 'verify-full' where id = 'near'`)
    expect(await codeOf(ownerOf(homes().open(), a).query('select 1'))).toBe('home_unreachable')
    await homes().changeCatalogue(`update rowhouse.clusters set tls = 'off' where id = 'near'`)
    expect(await codeOf(ownerOf(homes().open(), a).query('select 1'))).toBe('done')
  })
})

describe('a home that is not where it was', () => {
  let homes: Homes
  beforeAll(async () => {
    homes = await createHomes('schema')
  })
  afterAll(() => homes.drop())

  const place = (tenant: Tenant, login: string | null, isolation: string, database: string | null = null) =>
    homes.changeCatalogue(
      `update rowhouse.placements set login = $2, isolation = $3, database_name = $4, epoch = epoch + 1
       where organization_id = $1`,
      [tenant.organizationId, login, isolation, database],
    )

  it('is found again by the next query, and by a transaction before its first statement', async () => {
    const { a } = homes
    // It hears nothing by itself here: it is sent away, and looks again.
    const rowhouse = homes.open({ placement: { pollMs: 60_000 } })
    const acme = ownerOf(rowhouse, a)
    const where = async (): Promise<unknown> =>
      (await acme.query<{ login: string }>('select session_user::text as login')).rows[0]?.login
    expect(await where()).toBe(a.home?.login)
    await place(a, null, 'shared')
    expect(await where()).toBe('rowhouse_app')
    await place(a, a.home?.login ?? null, 'schema')
    let runs = 0
    const login = await acme.transaction(async (tx) => {
      runs += 1
      return (await tx.query<{ login: string }>('select session_user::text as login')).rows[0]?.login
    })
    expect([login, runs]).toEqual([a.home?.login, 1])
  })

  it('is said to be missing where its database or its login is gone; others go on', async () => {
    const { a, b } = homes
    const rowhouse = homes.open()
    await place(a, a.home?.login ?? null, 'schema', 'rowhouse_never_made')
    expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('home_missing')
    await place(a, 'rowhouse_h_ffffffffffffffff', 'schema')
    const error = await ownerOf(homes.open(), a)
      .query('select 1')
      .catch((failure: unknown) => failure)
    expect(error).toMatchObject({
      code: 'home_missing',
      details: { cluster: 'main', organizationId: a.organizationId },
    })
    expect(JSON.stringify(error)).not.toContain(new URL(a.url).password)
    expect(await codeOf(ownerOf(rowhouse, b).query('select * from notes'))).toBe('done')
    await place(a, a.home?.login ?? null, 'schema')
    expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('done')
  })

  it('that is being moved is said to be busy, and one that has gone nowhere is not asked for without end', async () => {
    const { a } = homes
    const state = (value: string) =>
      homes.changeCatalogue('update rowhouse.placements set state = $2 where organization_id = $1', [
        a.organizationId,
        value,
      ])
    const rowhouse = homes.open()
    await state('moving')
    expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('organization_busy')
    await state('moved')
    expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('organization_moved')
    await state('placing')
    expect(await codeOf(ownerOf(homes.open(), a).query('select 1'))).toBe('organization_busy')
    await state('active')
    expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('done')
  })

  it('of another cluster that does not answer is said to be unreachable', async () => {
    const { b } = homes
    await homes.changeCatalogue(
      `insert into rowhouse.clusters (id, region, host, port, tls) values ('gone', 'far', '127.0.0.1', 1, 'off')`,
    )
    await homes.changeCatalogue(`update rowhouse.placements set cluster = 'gone' where organization_id = $1`, [
      b.organizationId,
    ])
    expect(await codeOf(ownerOf(homes.open(), b).query('select 1'))).toBe('home_unreachable')
    await homes.changeCatalogue(`update rowhouse.placements set cluster = 'main' where organization_id = $1`, [
      b.organizationId,
    ])
  })

  it('has its connections by one bound with the shared tables, and an organization by its plan', async () => {
    const { a, b, database } = homes
    const rowhouse = homes.open({ pool: { max: 2, organizationMax: 2 } })
    const backends = (): Promise<number> =>
      withClient(database.adminUrl, async (admin) => {
        const { rows } = await admin.query<{ count: number }>(
          `select count(*)::int as count from pg_stat_activity where datname = $1 and application_name = 'rowhouse'
             and usename ~ '^rowhouse_(app|h_)'`,
          [database.name],
        )
        return rows[0]?.count ?? -1
      })
    const before = await backends()
    const most = { count: 0 }
    const queries = Array.from({ length: 30 }, (_, index) =>
      ownerOf(rowhouse, index % 2 === 0 ? a : b).query('select pg_sleep(0.01)'),
    )
    for (let turn = 0; turn < 10; turn += 1) most.count = Math.max(most.count, (await backends()) - before)
    await Promise.all(queries)
    expect(most.count).toBeLessThanOrEqual(2)

    await homes.changeCatalogue(
      'insert into rowhouse.organization_limits (organization_id, concurrency_max) values ($1, 1)',
      [a.organizationId],
    )
    const bounded = homes.open({ pool: { max: 4 } })
    await ownerOf(bounded, a).query('select 1')
    const slow = Array.from({ length: 4 }, () => ownerOf(bounded, a).query('select pg_sleep(0.05)'))
    expect(bounded.connections).toMatchObject({ busy: 1, waiting: 3 })
    await Promise.all(slow)
    await homes.changeCatalogue('delete from rowhouse.organization_limits')
  })
})
