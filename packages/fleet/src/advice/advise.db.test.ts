// Advice by real numbers: in each model, with statistics and without, with a policy that is slow, and where nothing answers.
import { createTwoWorlds, describeInEveryModel, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { Homes, Tenant } from '@rowhouse/testkit'
import type { Advice, AdviceSignal } from '@rowhouse/contracts'
import { createRowhouse } from 'rowhouse'
import { describe, expect, it } from 'vitest'

import { openFleet } from '../provision/open-fleet.ts'
import { COUNTED_MAX } from './count-rows.ts'

const signal = (advice: Advice, name: AdviceSignal['signal']): AdviceSignal =>
  advice.signals.find((each) => each.signal === name) as AdviceSignal

async function adviseIn(
  database: { readonly adminUrl: string; readonly appUrl: string; readonly signingKey: string },
  organizationId: string,
): Promise<Advice> {
  const fleet = openFleet({ catalogueUrl: database.adminUrl, signingKey: database.signingKey })
  const rowhouse = createRowhouse({ url: database.appUrl, signingKey: database.signingKey })
  try {
    return await fleet.advise(rowhouse, organizationId)
  } finally {
    await rowhouse.close()
    await fleet.close()
  }
}
const adviseOn = (homes: Homes, tenant: Tenant): Promise<Advice> => adviseIn(homes.database, tenant.organizationId)

describeInEveryModel('advice', (homes) => {
  it('counts what was never analyzed up to a bound, and reads statistics of the rest', async () => {
    const { a, b, model, database } = homes()
    const before = await adviseOn(homes(), a)
    expect(signal(before, 'rows')).toMatchObject({ value: 4, threshold: 10_000_000, isExceeded: false, problem: null })
    expect(signal(before, 'rows').method).toContain('2 tables never analyzed')
    const adminUrl = a.home?.adminUrl ?? database.adminUrl
    await withClient(adminUrl, async (admin) => {
      const { rows } = await admin.query<{ name: string }>(
        `select c.oid::regclass::text as name from pg_class c where c.relkind = 'r' and rowhouse.is_protected(c.oid)`,
      )
      for (const { name } of rows) await admin.query(`analyze ${name}`)
    })
    const after = await adviseOn(homes(), a)
    expect(signal(after, 'rows')).toMatchObject({ value: 4, problem: null })
    expect(signal(after, 'rows').method).not.toContain('never analyzed')
    expect(after).toMatchObject({
      organizationId: a.organizationId,
      isolation: model,
      cluster: 'main',
      region: 'default',
    })
    // The other's rows are nobody else's.
    expect(signal(await adviseOn(homes(), b), 'rows').value).toBe(4)
  })

  it('measures policies and connections, and says how', async () => {
    const advice = await adviseOn(homes(), homes().a)
    const policies = signal(advice, 'policy_time')
    expect(policies).toMatchObject({ threshold: 5, unit: 'ms', problem: null })
    expect(policies.method).toMatch(/^Measured now at 2 tables, worst at \S+: /)
    const connections = signal(advice, 'connections')
    expect(connections).toMatchObject({ threshold: 80, unit: 'percent', problem: null })
    expect(connections.value).toBeGreaterThan(0)
    expect(connections.value).toBeLessThanOrEqual(100)
  })
})

describe('advice', () => {
  const database = useTestDatabase()

  it('tells a large organization from a small one in the same tables, without a scan', async () => {
    const { a, b } = await createTwoWorlds(database())
    await withClient(database().migratorUrl, async (migrator) => {
      await migrator.query('set row_security = off')
      await migrator.query(`insert into notes (organization_id, body) select $1, 'x' from generate_series(1, 20000)`, [
        a.organizationId,
      ])
      await migrator.query(`insert into notes (organization_id, body) select $1, 'x' from generate_series(1, 200)`, [
        b.organizationId,
      ])
    })
    const counted = await adviseIn(database(), a.organizationId)
    expect(signal(counted, 'rows').value).toBe(COUNTED_MAX + 1)
    expect(signal(counted, 'rows').method).toContain('there are more')
    await withClient(database().adminUrl, (admin) => admin.query('analyze notes, folders'))
    const [large, small] = [await adviseIn(database(), a.organizationId), await adviseIn(database(), b.organizationId)]
    expect(signal(large, 'rows').value).toBeGreaterThan(18_000)
    expect(signal(large, 'rows').value).toBeLessThan(22_000)
    expect(signal(small, 'rows').value).toBeGreaterThan(50)
    expect(signal(small, 'rows').value).toBeLessThan(600)
    // As Postgres would say of a table with as many.
    await withClient(database().adminUrl, (admin) =>
      admin.query(`update pg_class set reltuples = 20000000 where oid = 'notes'::regclass`),
    )
    const huge = await adviseIn(database(), a.organizationId)
    expect(signal(huge, 'rows').isExceeded).toBe(true)
    expect(huge.advises).toMatchObject({ change: 'move', isolation: 'schema' })
    expect(huge.advises.why.join(' ')).toContain('so many rows')
  })

  it('finds a policy that takes its time, and stops one that would not end', async () => {
    const { a } = await createTwoWorlds(database())
    await withClient(database().adminUrl, async (admin) => {
      await admin.query(
        'create policy slow on folders as restrictive to rowhouse_app using (pg_sleep(0.02) is not null)',
      )
    })
    const slow = signal(await adviseIn(database(), a.organizationId), 'policy_time')
    expect(slow.isExceeded).toBe(true)
    expect(slow.value).toBeGreaterThan(15)
    expect(slow.method).toContain('public.folders')
    await withClient(database().adminUrl, (admin) =>
      admin.query('alter policy slow on folders using (pg_sleep(30) is not null)'),
    )
    const endless = signal(await adviseIn(database(), a.organizationId), 'policy_time')
    expect(endless.method).toContain('It was stopped after 500 ms.')
    expect(endless.isExceeded).toBe(true)
    await withClient(database().adminUrl, (admin) => admin.query('drop policy slow on folders'))
  })

  it('knows region, key and schemas of plan and placement', async () => {
    const { a } = await createTwoWorlds(database())
    await withClient(database().adminUrl, async (admin) => {
      await admin.query(
        `insert into rowhouse.plans (id, name, region, own_key) values ('sovereign', 'Sovereign', 'eu', true)`,
      )
      await admin.query(`update rowhouse.organizations set plan = 'sovereign' where id = $1`, [a.organizationId])
      await admin.query(
        `insert into rowhouse.homes (cluster, schema_name, login, isolation, state)
         select 'main', 'h_' || lpad(to_hex(n), 16, '0'), 'rowhouse_h_' || lpad(to_hex(n), 16, '0'), 'schema', 'spare' from generate_series(1, 50) n`,
      )
    })
    const advice = await adviseIn(database(), a.organizationId)
    expect(signal(advice, 'residency')).toMatchObject({ value: 'default', threshold: 'eu', isExceeded: true })
    expect(signal(advice, 'own_key')).toMatchObject({ value: false, threshold: true, isExceeded: true })
    expect(signal(advice, 'schemas')).toMatchObject({ value: 50, threshold: 50, isExceeded: true })
    expect(advice.advises).toMatchObject({ change: 'move', isolation: 'database', region: 'eu', otherCluster: true })
    await withClient(database().adminUrl, (admin) => admin.query(`delete from rowhouse.homes where login is not null`))
  })

  it('answers without what it cannot find out, and says why', async () => {
    const { a } = await createTwoWorlds(database())
    await withClient(database().adminUrl, async (admin) => {
      await admin.query(`insert into rowhouse.clusters (id, host, port, tls) values ('gone', '127.0.0.1', 1, 'off')`)
      await admin.query(`update rowhouse.placements set cluster = 'gone' where organization_id = $1`, [
        a.organizationId,
      ])
    })
    const advice = await adviseIn(database(), a.organizationId)
    for (const name of ['rows', 'policy_time', 'connections'] as const) {
      expect(signal(advice, name)).toMatchObject({
        value: null,
        isExceeded: false,
        problem: 'cluster_credentials_missing',
      })
    }
    expect(signal(advice, 'schemas')).toMatchObject({ value: 0, problem: null })
    await expect(adviseIn(database(), '00000000-0000-4000-8000-000000000000')).rejects.toMatchObject({
      code: 'organization_not_found',
    })
  })
})
