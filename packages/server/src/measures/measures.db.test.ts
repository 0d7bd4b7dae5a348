// An organization that was made slow, from its statements to the API, the live stream and the metrics, over real HTTP.
import { createClient } from '@rowhouse/client'
import { serverEvent } from '@rowhouse/contracts'
import type { ServerEvent } from '@rowhouse/contracts'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse } from 'rowhouse'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { operatorKey, startTestServer } from '../test-server.ts'
import type { TestServer } from '../test-server.ts'
import { keepMeasures } from './keep-measures.ts'

const database = useTestDatabase()
const soon = { timeout: 60_000, interval: 50 }
const secret = 'alice.secret.4711'
const slowText = `select pg_sleep(0.4), body from notes where body <> '${secret}' limit 1`
const slowShape = 'select pg_sleep(?), body from notes where body <> ? limit ?'
let server: TestServer
let rowhouse: Rowhouse
const controllers: AbortController[] = []

const admin = <Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(text, values)).rows)
const judge = (): Promise<unknown[]> =>
  withClient(database().controlUrl, async (control) => {
    const { rows } = await control.query('select * from rowhouse.judge_measures()')
    return rows as unknown[]
  })

/** A day in which each window's p95 was this. */
const usually = (organizationId: string, p95Ms: number): Promise<unknown> =>
  admin(
    `insert into rowhouse.measure_history
     select $1, now() - (n * 10 + 20) * interval '1 minute', 500, 0, 1000, 500, 50000, $2::float8 / 2, $2 from generate_series(1, 100) n`,
    [organizationId, p95Ms],
  )

function listen(bearer: string, organizationId?: string): ServerEvent[] {
  const controller = new AbortController()
  controllers.push(controller)
  const events: ServerEvent[] = []
  createClient({ baseUrl: server.url, headers: { authorization: `Bearer ${bearer}` } })
    .events({ organizationId, signal: controller.signal }, (event) => events.push(serverEvent.parse(event)))
    .catch(() => {})
  return events
}

beforeAll(async () => {
  server = await startTestServer(database())
  rowhouse = createRowhouse({ url: database().appUrl, signingKey: database().signingKey })
})
afterAll(async () => {
  for (const controller of controllers) controller.abort()
  await rowhouse?.close()
  await server?.stop()
})

describe('an organization that is made slow', () => {
  let heard: Record<'operator' | 'owner' | 'other', ServerEvent[]>
  const alertsIn = (events: readonly ServerEvent[]) =>
    events.flatMap((event) => (event.type === 'alert' ? [event.alert] : []))

  beforeAll(async () => {
    const { a, b } = server.worlds
    await usually(a.organizationId, 10)
    await usually(b.organizationId, 2_000)
    heard = {
      operator: listen(operatorKey),
      owner: listen(await server.token(a.ownerId)),
      other: listen(await server.token(b.ownerId)),
    }
    for (const { organizationId, ownerId } of [a, b]) {
      const handle = rowhouse.as({ organizationId, userId: ownerId })
      for (let turn = 0; turn < 40; turn += 1) await handle.query('select id from notes where body <> $1', [secret])
    }
    const slow = rowhouse.as({ organizationId: a.organizationId, userId: a.ownerId })
    await Promise.all(Array.from({ length: 8 }, () => slow.query(slowText)))
    await rowhouse.flushMeasures()
    for (let turn = 0; turn < 3; turn += 1) await judge()
  })

  it('raises exactly one alert, which names the query; the other raises none', async () => {
    const { a } = server.worlds
    const { body } = await server.call('GET', '/v1/alerts', { bearer: operatorKey })
    expect(body.items).toHaveLength(1)
    expect(body.items[0]).toMatchObject({
      organizationId: a.organizationId,
      slug: a.slug,
      kind: 'slow',
      baselineMs: 10,
      closedAt: null,
      query: { text: slowShape },
    })
    expect(body.items[0].factor).toBeGreaterThan(20)
    expect(Date.parse(body.items[0].beganAt)).toBeLessThanOrEqual(Date.now())
    const all = await server.call('GET', '/v1/alerts?state=all&limit=1', { bearer: operatorKey })
    expect(all.body).toMatchObject({ items: [{ id: body.items[0].id }], next: null })
    const closed = await server.call('GET', '/v1/alerts?state=closed', { bearer: operatorKey })
    expect(closed.body.items).toEqual([])
  })

  it('is shown to its members without the application’s SQL, and to a member of another organization not at all', async () => {
    const { a, b } = server.worlds
    const path = `/v1/organizations/${a.organizationId}`
    for (const bearer of [await server.token(a.viewerId), await server.token(a.ownerId)]) {
      const own = await server.call('GET', `${path}/alerts`, { bearer })
      expect(own.body.items).toMatchObject([
        { query: { text: null, fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) } },
      ])
      const listed = await server.call('GET', '/v1/alerts', { bearer })
      expect(listed.body.items).toEqual(own.body.items)
    }
    const bearer = await server.token(b.ownerId)
    expect((await server.call('GET', '/v1/alerts?state=all', { bearer })).body.items).toEqual([])
    const codeOf = async (organizationId: string, part: string): Promise<string | undefined> =>
      (await server.call('GET', `/v1/organizations/${organizationId}/${part}`, { bearer })).body.code
    for (const part of ['alerts', 'measures', 'advice'])
      expect(await codeOf(a.organizationId, part)).toBe('organization_not_found')
    // Of their own they learn when it was slow; what statements cost is the application's, and for operators.
    const own = await server.call('GET', `/v1/organizations/${b.organizationId}/alerts`, { bearer })
    expect(own.body.items).toEqual([])
    for (const part of ['measures', 'advice']) expect(await codeOf(b.organizationId, part)).toBe('permission_denied')
  })

  it('is told in the live stream, to who may see it', async () => {
    await vi.waitFor(() => expect(alertsIn(heard.operator)).not.toEqual([]), soon)
    await vi.waitFor(() => expect(alertsIn(heard.owner)).not.toEqual([]), soon)
    expect(alertsIn(heard.operator)[0]?.query.text).toBe(slowShape)
    expect(alertsIn(heard.owner)[0]?.query.text).toBeNull()
    expect(new Set(alertsIn(heard.owner).map(({ id }) => id)).size).toBe(1)
    expect(alertsIn(heard.other)).toEqual([])
  })

  it('is measured by minute and by shape, for operators', async () => {
    const { a } = server.worlds
    const { body } = await server.call('GET', `/v1/organizations/${a.organizationId}/measures`, { bearer: operatorKey })
    expect(body).toMatchObject({ organizationId: a.organizationId, baselineMs: 10, opensAtMs: 30 })
    expect(body.history.length).toBeGreaterThan(90)
    const calls = body.minutes.reduce((sum: number, minute: { calls: number }) => sum + minute.calls, 0)
    expect(calls).toBeGreaterThanOrEqual(48)
    expect(body.statements[0]).toMatchObject({ text: slowShape, calls: 8, errors: 0, rows: 8 })
    expect(body.statements[0].p95Ms).toBeGreaterThan(390)
  })

  it('is the one that loads the database most, of all that asked, for operators', async () => {
    const { a, b } = server.worlds
    const { body } = await server.call('GET', '/v1/usage?minutes=60', { bearer: operatorKey })
    expect(body).toMatchObject({ minutes: 60, total: { organizations: 2, errors: 0 } })
    const [first, second] = body.items
    expect(first).toMatchObject({ organizationId: a.organizationId, slug: a.slug, errors: 0, backgroundTimeMs: 0 })
    expect(second).toMatchObject({ organizationId: b.organizationId })
    expect(first.timeMs).toBeGreaterThan(8 * 390)
    expect(first.p95Ms).toBeGreaterThan(390)
    for (const amount of ['calls', 'rows', 'bytes', 'timeMs'])
      expect(first[amount] + second[amount]).toBeCloseTo(body.total[amount], 3)
    const one = await server.call('GET', '/v1/usage?minutes=60&limit=1', { bearer: operatorKey })
    expect([one.body.items.length, one.body.total]).toEqual([1, body.total])
    const person = await server.call('GET', '/v1/usage', { bearer: await server.token(a.ownerId) })
    expect(person.body.code).toBe('permission_denied')
    for (const query of ['minutes=0', 'minutes=61', 'limit=101', 'minutes=soon'])
      expect((await server.call('GET', `/v1/usage?${query}`, { bearer: operatorKey })).body.code).toBe(
        'validation_failed',
      )
  })

  it('is a label of metrics for who shows the operator key, and for nobody else', async () => {
    const { a, b } = server.worlds
    const anonymous = await server.call('GET', '/metrics')
    expect(anonymous.text).toMatch(/rowhouse_alerts_open 1/)
    expect(anonymous.text).toMatch(/rowhouse_measures_dropped_total 0/)
    const person = await server.call('GET', '/metrics', { bearer: await server.token(a.ownerId) })
    for (const { text } of [anonymous, person]) {
      for (const hidden of [a.organizationId, a.slug, b.slug, 'pg_sleep', secret]) expect(text).not.toContain(hidden)
    }
    const { text } = await server.call('GET', '/metrics', { bearer: operatorKey })
    const label = `organization="${a.organizationId}",slug="${a.slug}"`
    const p95 = new RegExp(`^rowhouse_organization_statement_p95_seconds\\{${label}\\} (\\S+)$`, 'm').exec(text)?.[1]
    expect(Number(p95)).toBeGreaterThan(0.39)
    expect(text).toContain('rowhouse_http_request_duration_seconds')
    expect(text).not.toContain('pg_sleep')
    expect((await server.call('GET', '/metrics', { bearer: 'not-the-operator-key' })).body.code).toBe(
      'operator_key_wrong',
    )
  })

  it('shows at most ten organizations in metrics, however many ask', async () => {
    await admin(
      `with made as (
         insert into rowhouse.organizations (slug, name) select 'many-' || n, 'Many ' || n from generate_series(1, 30) n returning id
       )
       insert into rowhouse.organization_measures
       select id, date_trunc('minute', now()), false, 1, 0, 1, 1, 1, 1, array_fill(0::bigint, array[40]) from made`,
    )
    const { text } = await server.call('GET', '/metrics', { bearer: operatorKey })
    expect(text.match(/^rowhouse_organization_bytes\{/gm)).toHaveLength(10)
  })

  it('leaves its values nowhere: no table, no answer, no log, no event', async () => {
    const tables = ['organization_measures', 'statement_measures', 'statement_shapes', 'measure_history', 'alerts']
    const kept = await Promise.all(
      tables.map((table) => admin(`select to_jsonb(t)::text as line from rowhouse.${table} t`)),
    )
    const answers = await Promise.all(
      ['alerts?state=all', `organizations/${server.worlds.a.organizationId}/measures`].map(async (path) =>
        server.call('GET', `/v1/${path}`, { bearer: operatorKey }),
      ),
    )
    const everything = JSON.stringify([kept, answers.map(({ text }) => text), server.log, heard])
    expect(everything).toContain('select pg_sleep(?)')
    expect(everything).not.toContain('alice')
    expect(everything).not.toContain('4711')
  })

  it('refuses a cursor that is none', async () => {
    for (const query of ['cursor=x', 'cursor=1_2', 'state=odd', 'limit=0']) {
      expect((await server.call('GET', `/v1/alerts?${query}`, { bearer: operatorKey })).body.code).toBe(
        'validation_failed',
      )
    }
  })
})

describe('alerts of many organizations', () => {
  it('are paged newest first, each once', async () => {
    await admin(
      `insert into rowhouse.alerts (organization_id, began_at, opened_at, fingerprint, query, query_p95_ms, baseline_ms, p95_ms, factor, peak_factor, calls, updated_at)
       select o.id, now() - interval '1 day', now() - interval '1 day', '00000000000000aa', 'select', 1, 1, 9, 9, 9, 99, now() - interval '1 day'
       from rowhouse.organizations o where o.slug like 'many-%'`,
    )
    const seen: string[] = []
    let cursor: string | null = null
    for (let page = 0; page < 10; page += 1) {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const { body } = await server.call('GET', `/v1/alerts?limit=7${query}`, { bearer: operatorKey })
      seen.push(...body.items.map(({ id }: { id: string }) => id))
      cursor = body.next
      if (cursor === null) break
    }
    expect(seen).toHaveLength(31)
    expect(new Set(seen).size).toBe(31)
  })
})

describe('keeping measures', () => {
  it('judges again and again, says what changed, and is not ended by a database that refuses', async () => {
    const errors: unknown[] = []
    const changes: unknown[] = []
    let answers = 0
    const keeper = keepMeasures(
      {
        query: (async () => {
          answers += 1
          if (answers === 2) return [{ alertId: 'x', change: 'opened' }]
          throw new Error('gone')
        }) as never,
      },
      (change) => changes.push(change),
      (error) => errors.push(error),
      5,
    )
    await vi.waitFor(() => expect(answers).toBeGreaterThan(4), soon)
    await keeper.stop()
    expect(changes).toEqual([{ alertId: 'x', change: 'opened' }])
    expect(errors.length).toBeGreaterThan(2)
  })
})
