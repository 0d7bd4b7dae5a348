// Warm homes: kept at their number, by one worker at a time.
import { expect, it } from 'vitest'

import { useFleet } from './test-fleet.ts'

const test = useFleet()
const spares = async (): Promise<Record<string, unknown>[]> =>
  test().admin(
    "select isolation, count(*)::int as count from rowhouse.homes where state = 'spare' group by 1 order by 1",
  )
const keep = (schemas: number, databases: number) =>
  test().admin("update rowhouse.clusters set spare_schemas = $1, spare_databases = $2 where id = 'main'", [
    schemas,
    databases,
  ])

it('are filled up to their number, and no further', async () => {
  await keep(2, 1)
  expect(await test().fleet.keepSpares()).toEqual({ made: 3, dropped: 0 })
  expect(await spares()).toEqual([
    { isolation: 'database', count: 1 },
    { isolation: 'schema', count: 2 },
  ])
  expect(await test().fleet.keepSpares()).toEqual({ made: 0, dropped: 0 })
})

it('are filled again when an organization has moved in', async () => {
  const { fleet, plan } = test()
  await fleet.createOrganization({ name: 'Acme', slug: 'acme', ownerId: null, plan: await plan('schema') })
  expect(await fleet.keepSpares()).toEqual({ made: 1, dropped: 0 })
})

it('are not filled twice by two workers', async () => {
  await keep(4, 1)
  const passes = await Promise.all([test().fleet.keepSpares(), test().open().keepSpares()])
  expect(passes.map(({ made }) => made).toSorted((a, b) => a - b)).toEqual([0, 2])
})

it('never take more than a cluster has room for', async () => {
  const { fleet, admin } = test()
  await keep(10, 1)
  await admin("update rowhouse.clusters set schemas_max = 6 where id = 'main'")
  expect(await fleet.keepSpares()).toEqual({ made: 1, dropped: 0 })
  await admin("update rowhouse.clusters set schemas_max = null where id = 'main'")
})

it('go when fewer are wanted', async () => {
  await keep(1, 0)
  expect(await test().fleet.keepSpares()).toEqual({ made: 0, dropped: 5 })
  expect(await spares()).toEqual([{ isolation: 'schema', count: 1 }])
  expect(await test().leftovers()).toEqual([])
})

it('that cannot be made are said, stay with their error, and do not stop the others', async () => {
  await keep(0, 1)
  const { open, admin, fleet } = test()
  const failing = open({
    beforeStep: (home, step) =>
      home.isolation === 'database' && step === 'migrated' ? Promise.reject(new Error('disk full')) : Promise.resolve(),
  })
  expect(await failing.keepSpares()).toMatchObject({ made: 0 })
  expect(await admin("select error from rowhouse.homes where state = 'building'")).toEqual([{ error: 'disk full' }])
  expect(await fleet.reconcile()).toMatchObject({ finished: 1, failed: 0 })
  expect(await spares()).toEqual([{ isolation: 'database', count: 1 }])
})
