// When a unit that is given back is due again.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { claimUnits, releaseUnit, tick } from './units.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let pool: Pool

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  pool = new Pool({ connectionString: database().controlUrl, max: 2 })
})
afterAll(() => pool.end())

/** Seconds until an outbound unit that has nothing more to do is due, from before and from after it was let go; null for never. */
async function restOf(organizationId: string): Promise<{ before: number | null; after: number | null }> {
  const clock = async (): Promise<string> =>
    (await pool.query<{ now: string }>('select clock_timestamp()::text as now')).rows[0]?.now ?? ''
  await pool.query(
    `with connection as (insert into rowhouse.connections (organization_id, state) values ($1, 'live') returning id)
     insert into rowhouse.sync_units (connection_id, lane, organization_id, enabled)
     select id, 'outbound', $1, true from connection`,
    [organizationId],
  )
  const [unit] = await claimUnits(pool, { worker: 'test', leaseMs: 60_000, limit: 1, lanes: ['outbound'] })
  expect(unit?.organizationId).toBe(organizationId)
  const before = await clock()
  if (unit !== undefined) await releaseUnit(pool, unit, { nextMs: null, notBeforeMs: 0, failed: false })
  const after = await clock()
  const { rows } = await pool.query<{ before: number | null; after: number | null }>(
    `select case when isfinite(due_at) then extract(epoch from due_at - $2::timestamptz)::float8 end as before,
       case when isfinite(due_at) then extract(epoch from due_at - $3::timestamptz)::float8 end as after
     from rowhouse.sync_units where organization_id = $1`,
    [organizationId, before, after],
  )
  return rows[0] ?? { before: null, after: null }
}

it('waits for a change where the change log is here, and looks by itself where it is in another database', async () => {
  expect(await restOf(worlds.a.organizationId)).toEqual({ before: null, after: null })
  await withClient(database().adminUrl, (admin) =>
    admin.query(
      `update rowhouse.placements set database_name = 'elsewhere', login = 'rowhouse_h_0123456789abcdef', isolation = 'database'
       where organization_id = $1`,
      [worlds.b.organizationId],
    ),
  )
  const { before, after } = await restOf(worlds.b.organizationId)
  expect(before).toBeGreaterThan(0)
  expect(after).toBeLessThan(3)
})

it('tells a worker when the next unit is due, and nothing where none is: it would ask without a pause', async () => {
  const claim = { worker: 'test', leaseMs: 60_000, limit: 0, lanes: ['outbound'] } as const
  await pool.query(`update rowhouse.sync_units set due_at = 'infinity', leased_until = null`)
  const { nextMs, snapshot } = await tick(pool, null, claim, 60_000)
  // One that begins makes every lane due.
  expect(nextMs).toBeLessThanOrEqual(0)
  await pool.query(`update rowhouse.sync_units set due_at = now() + interval '1 hour'`)
  expect((await tick(pool, snapshot, claim, 60_000)).nextMs).toBeNull()
  expect((await tick(pool, snapshot, claim, 7_200_000)).nextMs).toBeGreaterThan(0)
})
