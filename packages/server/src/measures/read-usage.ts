// Who loads the databases: the organizations whose statements took the most time lately. Ids, names and amounts; no statement
// and no value.
import type { Usage } from '@rowhouse/contracts'
import type { Catalogue } from '../catalogue/catalogue.ts'

export interface UsageAsked {
  /** How far back, at most 60. */
  readonly minutes: number
  readonly limit: number
}

type Used = Usage['items'][number]

const amounts = `coalesce(sum(m.calls), 0)::float8 as calls, coalesce(sum(m.errors), 0)::float8 as errors,
    coalesce(sum(m.time_ms), 0) as "timeMs", coalesce(sum(m.rows), 0)::float8 as rows, coalesce(sum(m.bytes), 0)::float8 as bytes`

const busiest = `
select o.id as "organizationId", o.slug, o.name, m.calls, m.errors, m."timeMs", m.rows, m.bytes, m."backgroundTimeMs",
  rowhouse.histogram_quantile(h.buckets, 0.95, m.max_ms) as "p95Ms"
from (
  select m.organization_id, ${amounts}, coalesce(sum(m.time_ms) filter (where m.background), 0) as "backgroundTimeMs",
    max(m.max_ms) filter (where not m.background) as max_ms
  from rowhouse.organization_measures m
  where m.window_start > now() - make_interval(mins => $1)
  group by m.organization_id
  order by sum(m.time_ms) desc, m.organization_id
  limit $2
) m
join rowhouse.organizations o on o.id = m.organization_id
cross join lateral (
  select array(
    select sum(b.count)::bigint
    from rowhouse.organization_measures q cross join lateral unnest(q.buckets) with ordinality b (count, n)
    where q.organization_id = m.organization_id and q.window_start > now() - make_interval(mins => $1) and not q.background
    group by b.n order by b.n
  ) as buckets
) h
order by m."timeMs" desc, o.id`

const together = `
select count(distinct m.organization_id)::float8 as organizations, ${amounts}
from rowhouse.organization_measures m
where m.window_start > now() - make_interval(mins => $1)`

/** The most first, at most `limit`. */
export const readBusiest = (catalogue: Pick<Catalogue, 'query'>, { minutes, limit }: UsageAsked): Promise<Used[]> =>
  catalogue.query<Used & Record<string, unknown>>(busiest, [minutes, limit])

export async function readUsage(catalogue: Pick<Catalogue, 'query'>, asked: UsageAsked): Promise<Usage> {
  const [items, [total]] = await Promise.all([
    readBusiest(catalogue, asked),
    catalogue.query<Usage['total'] & Record<string, unknown>>(together, [asked.minutes]),
  ])
  return { minutes: asked.minutes, total: total as Usage['total'], items }
}
