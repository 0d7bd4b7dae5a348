// What an organization's statements cost, from what was counted: nothing is asked of its home.
import type { Measures } from '@rowhouse/contracts'
import type { Catalogue } from '../catalogue/catalogue.ts'

const STATEMENTS_MAX = 20
/** As rowhouse.judge_measures() says. */
const OPENS_AT = 3
const FLOOR_MS = 20

interface Amounts {
  readonly calls: number
  readonly errors: number
  readonly timeMs: number
  readonly rows: number
  readonly bytes: number
}
type Window = Amounts & { readonly at: Date; readonly p50Ms: number; readonly p95Ms: number }
type Minute = Window & { readonly maxMs: number }
type Statement = Amounts & {
  readonly fingerprint: string
  readonly text: string
  readonly isBackground: boolean
  readonly p50Ms: number
  readonly p95Ms: number
}

const amounts = `m.calls::float8 as calls, m.errors::float8 as errors, m.time_ms as "timeMs", m.rows::float8 as rows, m.bytes::float8 as bytes`

export async function readMeasures(catalogue: Pick<Catalogue, 'query'>, organizationId: string): Promise<Measures> {
  const [[baseline], minutes, history, statements] = await Promise.all([
    catalogue.query<{ usual: number | null }>('select rowhouse.baseline_of($1, now()) as usual', [organizationId]),
    catalogue.query<Minute & Record<string, unknown>>(
      `select m.window_start as at, ${amounts}, m.max_ms as "maxMs",
        rowhouse.histogram_quantile(m.buckets, 0.5, m.max_ms) as "p50Ms",
        rowhouse.histogram_quantile(m.buckets, 0.95, m.max_ms) as "p95Ms"
      from rowhouse.organization_measures m
      where m.organization_id = $1 and m.window_start > now() - interval '1 hour' and m.calls > 0 and not m.background
      order by m.window_start`,
      [organizationId],
    ),
    catalogue.query<Window & Record<string, unknown>>(
      `select m.window_start as at, ${amounts}, m.p50_ms as "p50Ms", m.p95_ms as "p95Ms"
      from rowhouse.measure_history m
      where m.organization_id = $1 and m.window_start > now() - interval '24 hours'
      order by m.window_start`,
      [organizationId],
    ),
    catalogue.query<Statement & Record<string, unknown>>(
      `select m.fingerprint, m.background as "isBackground", coalesce(s.text, '(forgotten)') as text, ${amounts},
        rowhouse.histogram_quantile(h.buckets, 0.5, m.max_ms) as "p50Ms",
        rowhouse.histogram_quantile(h.buckets, 0.95, m.max_ms) as "p95Ms"
      from (
        select m.fingerprint, m.background, sum(m.calls) as calls, sum(m.errors) as errors, sum(m.time_ms) as time_ms, sum(m.rows) as rows,
          sum(m.bytes) as bytes, max(m.max_ms) as max_ms
        from rowhouse.statement_measures m
        where m.organization_id = $1 and m.window_start > now() - interval '1 hour' and m.calls > 0
        group by m.fingerprint, m.background
        order by sum(m.time_ms) desc, m.fingerprint
        limit $2
      ) m
      left join rowhouse.statement_shapes s on s.fingerprint = m.fingerprint
      cross join lateral (
        select array(
          select sum(b.count)::bigint
          from rowhouse.statement_measures q cross join lateral unnest(q.buckets) with ordinality b (count, n)
          where q.organization_id = $1 and q.window_start > now() - interval '1 hour' and q.fingerprint = m.fingerprint
            and q.background = m.background
          group by b.n order by b.n
        ) as buckets
      ) h
      order by m.time_ms desc, m.fingerprint`,
      [organizationId, STATEMENTS_MAX],
    ),
  ])
  const usual = baseline?.usual ?? null
  const said = <Row extends { readonly at: Date }>(row: Row) => ({ ...row, at: row.at.toISOString() })
  return {
    organizationId,
    baselineMs: usual,
    opensAtMs: usual === null ? null : Math.max(FLOOR_MS, OPENS_AT * usual),
    minutes: minutes.map(said),
    history: history.map(said),
    statements: [...statements],
  }
}
