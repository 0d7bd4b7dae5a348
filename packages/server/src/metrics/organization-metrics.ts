// What the organizations that load the database most cost, for operators: the ten that took the most time in the last five
// minutes, whatever their number, so that labels stay bounded. Ids and slugs; no statement and no value.
import { Gauge, Registry } from 'prom-client'
import type { Catalogue } from '../catalogue/catalogue.ts'

const SHOWN_MAX = 10

interface Row {
  readonly organization: string
  readonly slug: string
  readonly calls: number
  readonly errors: number
  readonly seconds: number
  readonly rows: number
  readonly bytes: number
  readonly p95: number
}

const busiest = `
select o.id as organization, o.slug, m.calls::float8 as calls, m.errors::float8 as errors, m.time_ms / 1000 as seconds,
  m.rows::float8 as rows, m.bytes::float8 as bytes, coalesce(rowhouse.histogram_quantile(h.buckets, 0.95, m.max_ms), 0) / 1000 as p95
from (
  select m.organization_id, sum(m.calls) as calls, sum(m.errors) as errors, sum(m.time_ms) as time_ms, sum(m.rows) as rows,
    sum(m.bytes) as bytes, max(m.max_ms) filter (where not m.background) as max_ms
  from rowhouse.organization_measures m
  where m.window_start > now() - interval '5 minutes'
  group by m.organization_id
  order by sum(m.time_ms) desc, m.organization_id
  limit $1
) m
join rowhouse.organizations o on o.id = m.organization_id
cross join lateral (
  select array(
    select sum(b.count)::bigint
    from rowhouse.organization_measures q cross join lateral unnest(q.buckets) with ordinality b (count, n)
    where q.organization_id = m.organization_id and q.window_start > now() - interval '5 minutes' and not q.background
    group by b.n order by b.n
  ) as buckets
) h`

const values = {
  calls: ['rowhouse_organization_statements', 'Statements'],
  errors: ['rowhouse_organization_statement_errors', 'Statements that failed'],
  seconds: ['rowhouse_organization_statement_seconds', 'Time of statements'],
  rows: ['rowhouse_organization_rows', 'Rows of statements'],
  bytes: ['rowhouse_organization_bytes', 'Bytes of statements on the wire, both ways'],
  p95: ['rowhouse_organization_statement_p95_seconds', 'p95 of statements that are not in the background'],
} as const

export interface OrganizationMetrics {
  readonly registry: Registry
  /** Brings the registry to the present; it is empty where the catalogue does not answer. */
  read(): Promise<void>
}

export function createOrganizationMetrics(catalogue: Pick<Catalogue, 'query'>): OrganizationMetrics {
  const registry = new Registry()
  const gauges = (Object.keys(values) as (keyof typeof values)[]).map((value) => {
    const [name, what] = values[value]
    const help = `${what} in the last five minutes, of the ${SHOWN_MAX} organizations that took the most time.`
    return { value, gauge: new Gauge({ name, help, labelNames: ['organization', 'slug'], registers: [registry] }) }
  })
  return {
    registry,
    async read() {
      const rows = await catalogue.query<Row & Record<string, unknown>>(busiest, [SHOWN_MAX]).catch(() => [])
      registry.resetMetrics()
      for (const row of rows) {
        for (const { value, gauge } of gauges) gauge.set({ organization: row.organization, slug: row.slug }, row[value])
      }
    },
  }
}
