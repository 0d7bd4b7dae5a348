// Who may append what was counted, what becomes of it, and what holds each: taken away once to see what it held.
import { randomUUID } from 'node:crypto'
import { mintToken, useHomes, withClient } from '@rowhouse/testkit'
import type { Homes } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import { attempt, without } from './test-doors.ts'

const RECORD = 'select rowhouse.record_measures($1, $2)'
const buckets = (at: number, count: number): number[] =>
  Array.from({ length: 40 }, (_, bucket) => (bucket === at ? count : 0))

interface Line {
  readonly o: string
  readonly f?: string
  readonly k?: boolean
  readonly c?: number
  readonly h?: readonly number[]
}

const batchOf = (sequence: number, lines: readonly Line[], ageMs = 0): string =>
  JSON.stringify({
    sequence,
    ageMs,
    shapes: { '00000000000000aa': 'select * from notes where id = $1', '00000000000000bb': 'select ?' },
    cells: lines.map(({ o, k = false, f = '00000000000000aa', c = 1, h = buckets(10, c) }) => ({
      o,
      k,
      f,
      c,
      e: 0,
      t: 4 * c,
      r: 2 * c,
      b: 100 * c,
      m: 4,
      h,
    })),
  })
const runtime = (homes: Homes, changes: Record<string, unknown> = {}): string =>
  mintToken(homes.database, { kind: 'service', service: 'rowhouse runtime', request: randomUUID(), ...changes })

describe('appending what was counted', () => {
  const homes = useHomes('schema')

  it('takes a token of a runtime that names its process, and no other', async () => {
    const { a, database } = homes()
    const append = (token: string | null): Promise<string> =>
      attempt(database.appUrl, [RECORD, token, batchOf(1, [{ o: a.organizationId }])])
    expect(await append(runtime(homes()))).toBe('done')
    expect(await append(null)).toBe('RH001')
    expect(await append(runtime(homes()).replace('runtime', 'runtame'))).toBe('RH003')
    expect(await append(runtime(homes(), { exp: 1 }))).toBe('RH004')
    const others = [
      runtime(homes(), { request: null }),
      runtime(homes(), { request: 'mine' }),
      runtime(homes(), { service: 'billing' }),
      runtime(homes(), { org: a.organizationId }),
      mintToken(database, { org: a.organizationId, user: a.ownerId, request: randomUUID() }),
    ]
    for (const token of others) expect(await append(token)).toBe('RH002')
    const guard = `(claims ->> 'service') is distinct from 'rowhouse runtime'`
    const open = await without(database.adminUrl, 'token_process', guard, 'false', () =>
      append(runtime(homes(), { service: 'billing' })),
    )
    expect(open).toBe('done')
  })

  it('is not for a tenant: neither inside its transaction without a token, nor by the login of a home, nor as a table', async () => {
    const { a, b, database } = homes()
    const line = batchOf(1, [{ o: b.organizationId }])
    expect(await attempt(a.url, ['select rowhouse.enter_home($1)', a.token()], [RECORD, a.token(), line])).toBe('RH012')
    await withClient(database.adminUrl, (admin) =>
      admin.query(`grant execute on function rowhouse.record_measures(text, jsonb) to ${a.home?.login}`),
    )
    const asHome = (): Promise<string> => attempt(a.url, [RECORD, runtime(homes()), line])
    expect(await asHome()).toBe('RH012')
    const guard = "starts_with(session_user::text, 'rowhouse_h_')"
    expect(await without(database.adminUrl, 'refuse_home_login', guard, 'false', asHome)).toBe('done')
    const tables = [
      'organization_measures',
      'statement_measures',
      'statement_shapes',
      'measure_history',
      'measuring_processes',
      'alerts',
      'measure_state',
    ]
    for (const table of tables) {
      expect(await attempt(database.appUrl, [`select * from rowhouse.${table}`])).toBe('42501')
      expect(await attempt(a.url, [`select * from rowhouse.${table}`])).toBe('42501')
      expect(await attempt(database.appUrl, [`delete from rowhouse.${table}`])).toBe('42501')
    }
    expect(await attempt(database.appUrl, ['select * from rowhouse.judge_measures()'])).toBe('42501')
    // The control plane reads and lets go, and writes nothing: what it says was measured was.
    expect(
      await attempt(database.controlUrl, [`insert into rowhouse.statement_shapes values ('00000000000000aa', 'x')`]),
    ).toBe('42501')
  })

  it('adds up windows of a minute over processes, counts a batch once, and leaves out who is gone', async () => {
    const { a, b, database } = homes()
    const [one, two] = [randomUUID(), randomUUID()]
    await withClient(database.adminUrl, async (admin) => {
      await admin.query(
        'truncate rowhouse.organization_measures, rowhouse.statement_measures, rowhouse.measuring_processes',
      )
    })
    const append = (request: string, batch: string): Promise<boolean> =>
      withClient(database.appUrl, async (app) => {
        const { rows } = await app.query<{ record_measures: boolean }>(RECORD, [runtime(homes(), { request }), batch])
        return rows[0]?.record_measures as boolean
      })
    const lines: Line[] = [
      { o: a.organizationId, c: 3 },
      { o: a.organizationId, f: '00000000000000bb', c: 2, h: buckets(20, 2) },
      { o: b.organizationId },
      { o: b.organizationId, k: true, c: 50 },
      { o: randomUUID() },
    ]
    expect(await append(one, batchOf(1, lines, 120_000))).toBe(true)
    expect(await append(one, batchOf(1, lines, 120_000))).toBe(false)
    expect(await append(two, batchOf(1, lines, 120_000))).toBe(true)
    expect(await append(one, batchOf(3, [{ o: b.organizationId }], 120_000))).toBe(true)
    expect(await append(one, batchOf(2, [{ o: b.organizationId }], 120_000))).toBe(false)
    const rows = await withClient(database.controlUrl, async (control) => {
      const { rows } = await control.query<Record<string, unknown>>(
        `select organization_id as id, sum(calls)::int as calls, sum(time_ms)::int as ms, sum(rows)::int as rows, sum(bytes)::int as bytes,
           sum(buckets[11])::int as usual, sum(buckets[21])::int as slow
         from rowhouse.organization_measures where not background group by 1 order by 2 desc`,
      )
      return rows
    })
    expect(rows).toEqual([
      { id: a.organizationId, calls: 10, ms: 40, rows: 20, bytes: 1000, usual: 6, slow: 4 },
      { id: b.organizationId, calls: 3, ms: 12, rows: 6, bytes: 300, usual: 3, slow: 0 },
    ])
    const shapes = await withClient(database.controlUrl, async (control) => {
      const { rows } = await control.query<Record<string, unknown>>(
        `select fingerprint, sum(calls)::int as calls from rowhouse.statement_measures where organization_id = $1 group by 1 order by 1`,
        [a.organizationId],
      )
      return rows
    })
    expect(shapes).toEqual([
      { fingerprint: '00000000000000aa', calls: 6 },
      { fingerprint: '00000000000000bb', calls: 4 },
    ])
  })

  it('refuses what is no batch, whole', async () => {
    const { a, database } = homes()
    const append = (batch: string): Promise<string> => attempt(database.appUrl, [RECORD, runtime(homes()), batch])
    expect(await append('{}')).toBe('23502')
    expect(await append(batchOf(1, [{ o: a.organizationId, h: [1, 2] }]))).toBe('23514')
    expect(await append(batchOf(1, [{ o: 'nobody' }]))).toBe('22P02')
    expect(await append(batchOf(1, [{ o: a.organizationId, f: 'select 1' }]))).toBe('23514')
    expect(
      await append(
        batchOf(
          1,
          Array.from({ length: 10_001 }, () => ({ o: a.organizationId })),
        ),
      ),
    ).toBe('54000')
  })

  it('reads percentiles from a histogram, between the bounds of a bucket and never above the longest', async () => {
    const { database } = homes()
    const quantile = (counts: readonly number[], share: number, max: number): Promise<number | null> =>
      withClient(database.controlUrl, async (control) => {
        const { rows } = await control.query<{ ms: number | null }>(
          'select rowhouse.histogram_quantile($1, $2, $3) as ms',
          [counts, share, max],
        )
        return rows[0]?.ms ?? null
      })
    expect(await quantile(buckets(0, 0), 0.95, 0)).toBeNull()
    // The eleventh bucket ends at 4 ms and begins at 2.83.
    const inside = await quantile(buckets(10, 100), 0.5, 4)
    expect(inside).toBeGreaterThan(2.82)
    expect(inside).toBeLessThan(4)
    expect(await quantile(buckets(10, 100), 0.95, 3)).toBe(3)
    const mixed = buckets(10, 94)
    mixed[30] = 6
    expect(await quantile(mixed, 0.5, 4096)).toBeLessThan(4)
    expect(await quantile(mixed, 0.95, 4096)).toBeGreaterThan(2800)
    expect(await quantile(buckets(39, 1), 0.95, 100_000)).toBe(65_536)
  })
})
