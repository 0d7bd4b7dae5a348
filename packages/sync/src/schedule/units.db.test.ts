// When a unit that is given back is due again.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { claimUnits, releaseUnit } from './units.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let pool: Pool

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  pool = new Pool({ connectionString: database().controlUrl, max: 2 })
})
afterAll(() => pool.end())

/** Seconds until an outbound unit that has nothing more to do is due, null for never. */
async function restOf(organizationId: string): Promise<number | null> {
  await pool.query(
    `with connection as (insert into rowhouse.connections (organization_id, state) values ($1, 'live') returning id)
     insert into rowhouse.sync_units (connection_id, lane, organization_id, enabled)
     select id, 'outbound', $1, true from connection`,
    [organizationId],
  )
  const [unit] = await claimUnits(pool, { worker: 'test', leaseMs: 60_000, limit: 1, lanes: ['outbound'] })
  expect(unit?.organizationId).toBe(organizationId)
  if (unit !== undefined) await releaseUnit(pool, unit, { nextMs: null, notBeforeMs: 0, failed: false })
  const { rows } = await pool.query<{ rest: number | null }>(
    `select case when isfinite(due_at) then extract(epoch from due_at - clock_timestamp())::float8 end as rest
     from rowhouse.sync_units where organization_id = $1`,
    [organizationId],
  )
  return rows[0]?.rest ?? null
}

it('waits for a change where the change log is here, and looks by itself where it is in another database', async () => {
  expect(await restOf(worlds.a.organizationId)).toBeNull()
  await withClient(database().adminUrl, (admin) =>
    admin.query(
      `update rowhouse.placements set database_name = 'elsewhere', login = 'rowhouse_h_0123456789abcdef', isolation = 'database'
       where organization_id = $1`,
      [worlds.b.organizationId],
    ),
  )
  const rest = await restOf(worlds.b.organizationId)
  expect(rest).toBeGreaterThan(0)
  expect(rest).toBeLessThan(3)
})
