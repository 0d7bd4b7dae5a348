// `rowhouse org alerts`, `measures` and `advice`, on a server.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { beforeAll, expect, it } from 'vitest'

import { useServed } from './test-served.ts'

const database = useTestDatabase()
const { rowhouse } = useServed(database)
let worlds: TwoWorlds

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
})

it('says that no organization is slow, and what would be listed', async () => {
  const { code, stdout } = await rowhouse('org', 'alerts')
  expect(code).toBe(0)
  expect(stdout).toMatch(/^No organization is slower than it usually is\. One whose p95 .* with the query\.\n$/)
  expect(JSON.parse((await rowhouse('org', 'alerts', worlds.a.slug, '--json')).stdout)).toEqual([])
})

it('lists the slow one with its query, and ends with 1', async () => {
  await withClient(database().adminUrl, (admin) =>
    admin.query(
      `insert into rowhouse.alerts (organization_id, began_at, opened_at, fingerprint, query, query_p95_ms, baseline_ms, p95_ms, factor, peak_factor, calls, updated_at)
       values ($1, now() - interval '12 minutes', now() - interval '10 minutes', '00000000000000aa', 'select * from notes where body = ?', 400, 90, 378, 4.2, 6.1, 200, now())`,
      [worlds.a.organizationId],
    ),
  )
  const listed = await rowhouse('org', 'alerts')
  expect(listed.code).toBe(1)
  expect(listed.stdout).toMatch(
    new RegExp(
      `^${worlds.a.slug}\\s+378 ms\\s+90 ms\\s+4\\.2×\\s+12 min ago\\s+open\\s+select \\* from notes where body = \\?$`,
      'm',
    ),
  )
  expect((await rowhouse('org', 'alerts', worlds.b.slug)).code).toBe(0)
  const [alert] = JSON.parse((await rowhouse('org', 'alerts', worlds.a.slug, '--json')).stdout) as unknown[]
  expect(alert).toMatchObject({ slug: worlds.a.slug, factor: 4.2, closedAt: null })
  expect((await rowhouse('org', 'alerts', 'nobody')).stderr).toContain('organization_not_found')
  expect((await rowhouse('org', 'alerts', '--state', 'odd')).code).toBe(2)
})

it('says what statements cost, and that nothing was asked', async () => {
  const { stdout } = await rowhouse('org', 'measures', worlds.b.slug)
  expect(stdout).toMatch(/asked nothing in the last hour\.\nWhat is usual for it is not known yet/)
  await withClient(database().adminUrl, async (admin) => {
    await admin.query(`insert into rowhouse.statement_shapes values ('00000000000000bb', 'select body from notes')`)
    await admin.query(
      `insert into rowhouse.statement_measures
       select $1, date_trunc('minute', now()), true, '00000000000000bb', 7, 1, 28, 21, 700, 4, array(select case n when 11 then 7 else 0 end::bigint from generate_series(1, 40) n)`,
      [worlds.b.organizationId],
    )
  })
  const counted = await rowhouse('org', 'measures', worlds.b.slug)
  expect(counted.stdout).toMatch(
    /^7\s+1\s+3\.\d ms\s+(3\.\d|4\.0) ms\s+28 ms\s+21\s+700\s+\(background\) select body from notes$/m,
  )
})

it('advises, with a number, a threshold and a method for each signal', async () => {
  const { code, stdout } = await rowhouse('org', 'advice', worlds.a.slug)
  expect(code).toBe(0)
  expect(stdout).toContain(`${worlds.a.slug} is well where it is: shared, on main (default).`)
  expect(stdout).toMatch(/^rows\s+4\s+10,000,000\s+\S/m)
  expect(stdout).toMatch(/^policy time\s+[\d.]+ ms\s+5 ms\s+Measured now/m)
  const changed = await rowhouse('plan', 'set', 'standard', '--own-key')
  expect(changed.stdout).toContain('a key of its own')
  const json = JSON.parse((await rowhouse('org', 'advice', worlds.a.slug, '--json')).stdout) as Record<string, unknown>
  expect(json).toMatchObject({ advises: { change: 'move', isolation: 'database' } })
  expect((await rowhouse('plan', 'set', 'standard', '--no-own-key')).stdout).not.toContain('a key of its own')
})
