// When an organization counts as slow, and when no longer: judged at moments that the test names.
import { randomUUID } from 'node:crypto'
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TwoWorlds } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { without } from './test-doors.ts'

const database = useTestDatabase()
let worlds: TwoWorlds
let admin: Client
let control: Client
const START_MS = Date.parse('2026-03-10T12:00:00Z')
const MINUTE_MS = 60_000
const usual = '00000000000000aa'
const slow = '00000000000000bb'

beforeAll(async () => {
  worlds = await createTwoWorlds(database())
  admin = new Client({ connectionString: database().adminUrl })
  control = new Client({ connectionString: database().controlUrl })
  await admin.connect()
  await control.connect()
})
afterAll(async () => {
  await admin?.end()
  await control?.end()
})
beforeEach(async () => {
  await admin.query(
    'truncate rowhouse.organization_measures, rowhouse.statement_measures, rowhouse.measure_history, rowhouse.measure_baselines, rowhouse.alerts',
  )
  await admin.query(
    `update rowhouse.measure_state set judged_at = '-infinity', history_until = '-infinity', pruned_at = '-infinity'`,
  )
  await admin.query(
    `insert into rowhouse.statement_shapes (fingerprint, text, seen_at)
     values ($1, 'select usual', 'infinity'), ($2, 'select slow', 'infinity') on conflict do nothing`,
    [usual, slow],
  )
})

const at = (minutes: number): string => new Date(START_MS + minutes * MINUTE_MS).toISOString()

/** What was usual over the day before: windows of ten minutes with this p95. */
async function history(organizationId: string, p95Ms: number, windows = 100, calls = 200): Promise<void> {
  await admin.query(
    `insert into rowhouse.measure_history
     select $1, $2::timestamptz - (n * 10 + 30) * interval '1 minute', $5, 0, 100, 100, 100, $3::float8 / 2, $3
     from generate_series(0, $4::int - 1) n`,
    [organizationId, at(0), p95Ms, windows, calls],
  )
}

/** One minute: so many statements of a shape that each took so long. */
async function minute(
  organizationId: string,
  minutes: number,
  calls: number,
  ms: number,
  shape = usual,
  background = false,
): Promise<void> {
  const bucket = Math.max(0, Math.ceil(2 * Math.log2(ms / 0.125)))
  const buckets = Array.from({ length: 40 }, (_, index) => (index === bucket ? calls : 0))
  const values = [organizationId, at(minutes), calls, calls * ms, ms, buckets, background]
  await admin.query(
    `insert into rowhouse.organization_measures as m values ($1, $2, $7, $3, 0, $4, $3, $3, $5, $6)
     on conflict (organization_id, window_start, background) do update set calls = m.calls + excluded.calls, time_ms = m.time_ms + excluded.time_ms,
       max_ms = greatest(m.max_ms, excluded.max_ms),
       buckets = array(select x + y from unnest(m.buckets, excluded.buckets) with ordinality b (x, y, n) order by n)`,
    values,
  )
  await admin.query('insert into rowhouse.statement_measures values ($1, $2, $7, $8, $3, 0, $4, $3, $3, $5, $6)', [
    ...values,
    shape,
  ])
}

interface Change {
  readonly organization_id: string
  readonly change: string
  readonly fingerprint: string
}
const judge = async (minutes: number): Promise<Change[]> =>
  (await control.query<Change>('select * from rowhouse.judge_measures($1)', [at(minutes)])).rows
const alerts = async (): Promise<Record<string, unknown>[]> =>
  (await control.query<Record<string, unknown>>('select * from rowhouse.alerts order by opened_at')).rows

/** Five minutes before a moment in which a tenth of the statements took so long. */
async function slowMinutes(organizationId: string, until: number, ms: number, slowCalls = 10): Promise<void> {
  for (let back = 1; back <= 4; back += 1) {
    await minute(organizationId, until - back, 90, 8)
    await minute(organizationId, until - back, slowCalls, ms, slow)
  }
}

describe('an organization whose p95 leaves its own baseline', () => {
  it('raises one alert, which names the query, the factor and when it began; others raise none', async () => {
    const { a, b } = worlds
    await history(a.organizationId, 10)
    await history(b.organizationId, 200)
    await slowMinutes(a.organizationId, 0, 180)
    await slowMinutes(b.organizationId, 0, 180)
    expect(await judge(0)).toMatchObject([{ organization_id: a.organizationId, change: 'opened', fingerprint: slow }])
    expect(await judge(0.1)).toEqual([])
    const [alert, ...more] = await alerts()
    expect(more).toEqual([])
    expect(alert).toMatchObject({ query: 'select slow', fingerprint: slow, baseline_ms: 10, closed_at: null })
    expect(alert?.['began_at']).toEqual(new Date(at(-4)))
    expect(alert?.['factor']).toBeGreaterThan(12)
    expect(alert?.['factor']).toBeLessThan(19)
    expect(alert?.['query_p95_ms']).toBeGreaterThan(120)
  })

  it('not without a baseline: with less than two hours known nobody knows what is usual', async () => {
    const { a } = worlds
    await history(a.organizationId, 10, 11)
    await slowMinutes(a.organizationId, 0, 5_000)
    expect(await judge(0)).toEqual([])
    const unguarded = await without(
      database().adminUrl,
      'baseline_of',
      'case when windows >= windows_min then usual end',
      'coalesce(usual, 1)',
      () => judge(0.1),
    )
    expect(unguarded).toHaveLength(1)
  })

  it('not by windows with too few statements to say', async () => {
    const { a } = worlds
    await history(a.organizationId, 10, 100, 9)
    await slowMinutes(a.organizationId, 0, 5_000)
    expect(await judge(0)).toEqual([])
  })

  it('not by a few statements, nor below what a person notices', async () => {
    const { a, b } = worlds
    await history(a.organizationId, 10)
    await history(b.organizationId, 0.5)
    await minute(a.organizationId, -2, 19, 5_000, slow)
    await slowMinutes(b.organizationId, 0, 15)
    expect(await judge(0)).toEqual([])
    const unguarded = await without(
      database().adminUrl,
      'judge_measures',
      'floor_ms constant float8 := 20',
      'floor_ms constant float8 := 0',
      () => judge(0.1),
    )
    expect(unguarded).toMatchObject([{ organization_id: b.organizationId }])
  })

  it('not by what nobody there waits for: sync, reports, the control plane', async () => {
    const { a } = worlds
    await history(a.organizationId, 10)
    for (let back = 1; back <= 4; back += 1) {
      await minute(a.organizationId, -back, 90, 8)
      await minute(a.organizationId, -back, 90, 5_000, slow, true)
    }
    expect(await judge(0)).toEqual([])
    const unguarded = await without(database().adminUrl, 'judge_measures', 'and not m.background', '', () => judge(0.1))
    expect(unguarded).toMatchObject([{ organization_id: a.organizationId }])
  })

  it('keeps its baseline over an hour that was slow', async () => {
    const { a } = worlds
    await history(a.organizationId, 10)
    await admin.query('update rowhouse.measure_history set p95_ms = 5000 where window_start > $1', [at(-90)])
    const { rows } = await control.query<{ usual: number }>('select rowhouse.baseline_of($1, $2) as usual', [
      a.organizationId,
      at(0),
    ])
    expect(rows).toEqual([{ usual: 10 }])
  })
})

describe('an alert', () => {
  const open = async (): Promise<string> => {
    const { a } = worlds
    await history(a.organizationId, 10)
    await slowMinutes(a.organizationId, 0, 180)
    expect(await judge(0)).toHaveLength(1)
    return a.organizationId
  }

  it('stays while it is between opening and closing, and keeps the most it was', async () => {
    const id = await open()
    // Twice the usual: it would open nothing, and closes nothing.
    for (let now = 5; now <= 30; now += 5) {
      await slowMinutes(id, now, 22)
      expect(await judge(now)).toEqual([])
    }
    const [alert, ...more] = await alerts()
    expect(more).toEqual([])
    expect(alert).toMatchObject({ closed_at: null, calm_since: null })
    expect(alert?.['factor']).toBeLessThan(3)
    expect(alert?.['peak_factor']).toBeGreaterThan(12)
  })

  it('closes by itself when it was as quick as usual for two minutes', async () => {
    const id = await open()
    for (let now = 1; now <= 8; now += 1) await minute(id, now, 100, 8)
    expect(await judge(6.5)).toEqual([])
    expect(await judge(7)).toEqual([])
    expect(await judge(8.6)).toMatchObject([{ organization_id: id, change: 'closed' }])
    expect(await alerts()).toMatchObject([{ closed_because: 'recovered' }])
    expect(await judge(9)).toEqual([])
  })

  it('that comes back within ten minutes is the same again: no storm', async () => {
    const id = await open()
    for (let round = 0; round < 5; round += 1) {
      const begin = 20 * round
      for (let now = 1; now <= 9; now += 1) await minute(id, begin + now, 100, 8)
      await judge(begin + 6.5)
      await judge(begin + 9)
      await slowMinutes(id, begin + 20, 180)
      await judge(begin + 18)
      await judge(begin + 20)
    }
    expect(await alerts()).toMatchObject([{ reopened: 5, closed_at: null }])
  })

  it('would be another one each time without that', async () => {
    const id = await open()
    for (let now = 1; now <= 9; now += 1) await minute(id, now, 100, 8)
    await judge(6.5)
    await judge(9)
    await slowMinutes(id, 14, 180)
    await without(
      database().adminUrl,
      'judge_measures',
      `same_again constant interval := '10 minutes'`,
      `same_again constant interval := '0'`,
      () => judge(14),
    )
    expect(await alerts()).toHaveLength(2)
  })

  it('closes when too little is asked to say, after a quarter of an hour', async () => {
    const id = await open()
    expect(await judge(10)).toEqual([])
    expect(await judge(20)).toEqual([])
    expect(await judge(25.5)).toMatchObject([{ organization_id: id, change: 'closed' }])
    expect(await alerts()).toMatchObject([{ closed_because: 'quiet' }])
  })

  it('closes when what was slow has become what is usual', async () => {
    const id = await open()
    await admin.query('update rowhouse.measure_history set p95_ms = 180 where organization_id = $1', [id])
    for (let now = 1; now <= 9; now += 1) await slowMinutes(id, 10 * now, 180)
    await judge(10)
    expect(await judge(20)).toMatchObject([{ change: 'closed' }])
    expect(await alerts()).toMatchObject([{ closed_because: 'usual' }])
  })

  it('goes with its organization', async () => {
    const gone = await withClient(database().controlUrl, async (client) => {
      const { rows } = await client.query<{ id: string }>('select rowhouse.create_organization($1, $2, $3) as id', [
        'Gone',
        `gone-${randomUUID().slice(0, 8)}`,
        randomUUID(),
      ])
      return (rows[0] as { id: string }).id
    })
    await history(gone, 10)
    await slowMinutes(gone, 0, 180)
    expect(await judge(0)).toHaveLength(1)
    await admin.query('delete from rowhouse.organizations where id = $1', [gone])
    expect(await alerts()).toEqual([])
    expect(
      (await admin.query('select from rowhouse.organization_measures where organization_id = $1', [gone])).rowCount,
    ).toBe(0)
  })
})

describe('judging many organizations', () => {
  /** How often judging asks what is usual, and so reads a day of somebody's history. */
  async function lookups(minutes: number): Promise<number> {
    await admin.query(`select set_config('test.lookups', '', false)`)
    const text = (
      await admin.query<{ text: string }>(`select pg_get_functiondef('rowhouse.baseline_of'::regproc) as text`)
    ).rows[0]?.text as string
    await admin.query(
      text.replace(
        'begin\n',
        `begin\n  perform set_config('test.lookups', current_setting('test.lookups') || 'x', false);\n`,
      ),
    )
    await admin.query('select from rowhouse.judge_measures($1)', [at(minutes)])
    await admin.query(text)
    const { rows } = await admin.query<{ all: string }>(`select current_setting('test.lookups') as all`)
    return rows[0]?.all.length ?? -1
  }
  const many = 40
  const others = async (): Promise<string[]> => {
    const { rows } = await admin.query<{ id: string }>(
      `insert into rowhouse.organizations (slug, name)
       select 'many-' || n || '-' || gen_random_uuid(), 'Many' from generate_series(1, $1::int) n returning id`,
      [many],
    )
    return rows.map(({ id }) => id)
  }

  it('reads the history of none that is quick, although each had a statement that was not', async () => {
    for (const id of await others()) {
      await history(id, 8)
      await minute(id, -2, 99, 8)
      await minute(id, -1, 1, 5_000, slow)
    }
    expect(await lookups(0)).toBe(0)
  })

  it('reads it once in ten minutes of those that are slow', async () => {
    const ids = await others()
    for (const id of ids) {
      await history(id, 100)
      for (let now = -2; now < 22; now += 1) await minute(id, now, 100, 100)
    }
    expect(await lookups(0)).toBe(many)
    expect([await lookups(0.25), await lookups(0.5), await lookups(5.5)]).toEqual([0, 0, 0])
    // A window has become history since: what is usual may be something else now.
    expect(await lookups(10)).toBe(many)
  })
})

describe('judging', () => {
  it('is done by one at a time; who comes meanwhile waits for nothing and does nothing', async () => {
    const { a } = worlds
    await history(a.organizationId, 10)
    await slowMinutes(a.organizationId, 0, 180)
    await withClient(database().adminUrl, async (holder) => {
      await holder.query('begin')
      await holder.query('select from rowhouse.measure_state for update')
      expect(await judge(0)).toEqual([])
      await holder.query('rollback')
    })
    expect(await judge(0)).toHaveLength(1)
  })

  it('turns minutes into history, once, when nothing comes late any more', async () => {
    const { a } = worlds
    for (let now = -20; now < 0; now += 1) await minute(a.organizationId, now, 100, 8)
    await judge(0)
    const read = async (): Promise<unknown[]> =>
      (
        await control.query(
          'select window_start, calls::int from rowhouse.measure_history where organization_id = $1 order by 1',
          [a.organizationId],
        )
      ).rows
    // That of ten minutes ago ended a moment ago; a process may still carry a part of it.
    expect(await read()).toEqual([{ window_start: new Date(at(-20)), calls: 1000 }])
    await judge(7)
    await judge(8)
    expect(await read()).toHaveLength(2)
  })

  it('keeps everything for a bounded time', async () => {
    const { a } = worlds
    await history(a.organizationId, 10)
    await slowMinutes(a.organizationId, 0, 180)
    await judge(0)
    await judge(20)
    await judge(60)
    const counts = async (): Promise<unknown> =>
      (
        await control.query(
          `select (select count(*)::int from rowhouse.organization_measures) as minutes,
             (select count(*)::int from rowhouse.statement_measures) as statements,
             (select count(*)::int from rowhouse.measure_history) as history,
             (select count(*)::int from rowhouse.alerts) as alerts`,
        )
      ).rows[0]
    await judge(95)
    expect(await counts()).toMatchObject({ minutes: 4, statements: 0, alerts: 1 })
    await judge(190)
    expect(await counts()).toMatchObject({ minutes: 0 })
    await judge(5 * 24 * 60)
    expect(await counts()).toMatchObject({ history: 0, alerts: 1 })
    await judge(32 * 24 * 60)
    expect(await counts()).toEqual({ minutes: 0, statements: 0, history: 0, alerts: 0 })
  })
})
