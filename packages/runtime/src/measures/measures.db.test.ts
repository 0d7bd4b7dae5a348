// What the runtime counts of real statements, in every model of isolation, and that counting is nobody's trouble.
import { describeInEveryModel, startWireTap, useHomes, withClient } from '@rowhouse/testkit'
import type { Homes } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'

import type { Organization, Rowhouse } from '../index.ts'

interface Measured {
  readonly id: string
  readonly text: string
  readonly calls: number
  readonly errors: number
  readonly rows: number
  readonly bytes: number
  readonly ms: number
}

const read = (homes: Homes, organizationId: string): Promise<Measured[]> =>
  withClient(homes.database.controlUrl, async (control) => {
    const { rows } = await control.query<Measured>(
      `select m.organization_id as id, s.text, sum(m.calls)::int as calls, sum(m.errors)::int as errors, sum(m.rows)::int as rows,
         sum(m.bytes)::int as bytes, sum(m.time_ms)::float8 as ms
       from rowhouse.statement_measures m join rowhouse.statement_shapes s using (fingerprint)
       where m.organization_id = $1 group by 1, 2 order by 2`,
      [organizationId],
    )
    return rows
  })
const forget = (homes: Homes): Promise<unknown> =>
  withClient(homes.database.adminUrl, (admin) =>
    admin.query('truncate rowhouse.organization_measures, rowhouse.statement_measures, rowhouse.statement_shapes'),
  )
const owner = (rowhouse: Rowhouse, homes: Homes, which: 'a' | 'b'): Organization =>
  rowhouse.as({ organizationId: homes[which].organizationId, userId: homes[which].ownerId })
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code: string }).code,
  )

describeInEveryModel('what is counted', (homes) => {
  it('is each statement of each organization, with its rows, bytes, time and errors', async () => {
    await forget(homes())
    const rowhouse = homes().open()
    const a = owner(rowhouse, homes(), 'a')
    const b = owner(rowhouse, homes(), 'b')
    await a.query('select id from notes where body <> $1', ['nothing'])
    await a.query('SELECT id FROM notes WHERE body <> $1 -- again', ['nothing'])
    await b.query('select id from notes where body <> $1', ['nothing'])
    await a.transaction(async (tx) => {
      await tx.query("insert into notes (body) values ('one'), ('two')")
    })
    expect(await codeOf(a.query('select 1 / 0'))).toBe('query_failed')
    expect(await codeOf(a.query('insert into folders (name) values (null)'))).toBe('check_violation')
    await rowhouse.flushMeasures()
    const found = await read(homes(), homes().a.organizationId)
    expect(found.map(({ text, calls, errors, rows }) => [text, calls, errors, rows])).toEqual([
      ['insert into folders (name) values (null)', 1, 1, 0],
      ['insert into notes (body) values (?)', 1, 0, 2],
      ['select ? / ?', 1, 1, 0],
      ['select id from notes where body <> $1', 2, 0, 6],
    ])
    expect(found.every(({ bytes, ms }) => bytes > 0 && ms > 0)).toBe(true)
    expect(await read(homes(), homes().b.organizationId)).toMatchObject([{ calls: 1, errors: 0, rows: 3 }])
    expect(rowhouse.measured).toEqual({ dropped: 0, failedFlushes: 0 })
  })

  it('is nothing of who was refused at the door', async () => {
    await forget(homes())
    const rowhouse = homes().open()
    const stranger = rowhouse.as({ organizationId: homes().b.organizationId, userId: homes().a.ownerId })
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await codeOf(stranger.query('select id from notes'))).toBe('not_a_member')
      expect(await codeOf(stranger.transaction((tx) => tx.query('select id from notes')))).toBe('not_a_member')
    }
    await stranger
      .inCatalogue()
      .query('select 1')
      .catch(() => {})
    await rowhouse.flushMeasures()
    expect(await read(homes(), homes().b.organizationId)).toEqual([])
  })

  it('holds no value, whatever way it came', async () => {
    await forget(homes())
    const rowhouse = homes().open()
    const a = owner(rowhouse, homes(), 'a')
    const secret = 'alice.secret.4711'
    await a.query('insert into notes (body) values ($1)', [secret])
    await a.query(`insert into notes (body) values ('${secret}')`)
    await a.query(`select E'\\\\${secret}' as "${secret}" /* ${secret} */`)
    await a.query(`select $x$${secret}$x$, 4711::int -- ${secret}`)
    await codeOf(a.query(`select cast('${secret}' as uuid)`))
    await a.transaction((tx) => tx.query('select id from notes where body = $1', [secret]))
    await rowhouse.flushMeasures()
    const kept = await withClient(homes().database.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ kept: string }>(
        `select string_agg(t::text, ' ') as kept from (
           select to_jsonb(s) t from rowhouse.statement_shapes s union all select to_jsonb(m) from rowhouse.statement_measures m
         ) x`,
      )
      return rows[0]?.kept ?? ''
    })
    expect(kept).toContain('insert into notes')
    expect(kept).not.toContain('alice')
    expect(kept).not.toContain('secret')
  })
})

describe('counting', () => {
  const homes = useHomes('database')

  it('sends nothing where nothing is asked, and leaves with what it has when it closes', async () => {
    await forget(homes())
    const idle = homes().open()
    await idle.connect()
    await idle.close()
    const busy = homes().open()
    await owner(busy, homes(), 'a').query('select id from notes')
    await busy.close()
    expect(await read(homes(), homes().a.organizationId)).toMatchObject([{ calls: 1 }])
    expect(await read(homes(), homes().b.organizationId)).toEqual([])
  })

  it('can be left out', async () => {
    await forget(homes())
    const rowhouse = homes().open({ measures: { flushMs: 0 } })
    await owner(rowhouse, homes(), 'a').query('select id from notes')
    await rowhouse.flushMeasures()
    await rowhouse.close()
    expect(await read(homes(), homes().a.organizationId)).toEqual([])
    expect(() => homes().open({ measures: { flushMs: 61_000 } })).toThrow(
      expect.objectContaining({ code: 'invalid_option' }),
    )
  })

  it('does not touch a query while the catalogue is down', async () => {
    await forget(homes())
    const { hostname, port } = new URL(homes().database.adminUrl)
    await homes().changeCatalogue(
      `insert into rowhouse.clusters (id, region, host, port, tls) values ('near', 'near', $1, $2, 'off')`,
      [hostname, Number(port)],
    )
    const { a } = homes()
    await homes().change(a, `update rowhouse.placements set cluster = 'near' where organization_id = $1`, [
      a.organizationId,
    ])
    const tap = await startWireTap(homes().database.appUrl)
    const rowhouse = homes().open({ url: tap.url, measures: { flushMs: 10 } })
    const handle = owner(rowhouse, homes(), 'a')
    await handle.query('select id from notes')
    await tap.close()
    for (let turn = 0; rowhouse.measured.failedFlushes < 3; turn += 1) {
      expect(turn).toBeLessThan(100_000)
      expect((await handle.query('select id from notes')).rowCount).toBe(3)
    }
    expect(rowhouse.measured.dropped).toBe(0)
    await rowhouse.close()
  })

  it('does not touch a query while the catalogue refuses what is carried there', async () => {
    await forget(homes())
    const { database, b } = homes()
    const grants = (verb: string): Promise<unknown> =>
      withClient(database.adminUrl, (admin) =>
        admin.query(
          `${verb} execute on function rowhouse.record_measures(text, jsonb) ${verb === 'grant' ? 'to' : 'from'} rowhouse_app`,
        ),
      )
    await grants('revoke')
    const rowhouse = homes().open()
    const handle = owner(rowhouse, homes(), 'b')
    expect((await handle.query('select id from notes')).rowCount).toBe(3)
    await rowhouse.flushMeasures()
    expect(rowhouse.measured.failedFlushes).toBe(1)
    expect((await handle.query('select id from notes')).rowCount).toBe(3)
    await grants('grant')
    await rowhouse.flushMeasures()
    const calls = (await read(homes(), b.organizationId)).reduce((sum, each) => sum + each.calls, 0)
    expect(calls).toBe(2)
  })
})
