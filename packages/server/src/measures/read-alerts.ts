// Alerts as the API shows them. Which organizations may be read is the caller's decision, made before; the text of a query
// is the application's SQL, so only operators are shown it.
import type { Alert } from '@rowhouse/contracts'
import type { Catalogue } from '../catalogue/catalogue.ts'

interface Row {
  readonly id: string
  readonly organizationId: string
  readonly slug: string
  readonly name: string
  readonly kind: Alert['kind']
  readonly beganAt: Date
  readonly openedAt: Date
  readonly closedAt: Date | null
  readonly closedBecause: Alert['closedBecause']
  readonly p95Ms: number
  readonly baselineMs: number
  readonly factor: number
  readonly peakFactor: number
  readonly reopened: number
  readonly fingerprint: string
  readonly query: string
  readonly queryP95Ms: number
  readonly openedAtUs: string
  readonly updatedAtMs: number
}

const columns = `
select a.id, a.organization_id as "organizationId", o.slug, o.name, a.kind, a.began_at as "beganAt", a.opened_at as "openedAt",
  a.closed_at as "closedAt", a.closed_because as "closedBecause", a.p95_ms as "p95Ms", a.baseline_ms as "baselineMs",
  a.factor, a.peak_factor as "peakFactor", a.reopened, a.fingerprint, a.query, a.query_p95_ms as "queryP95Ms",
  (extract(epoch from a.opened_at) * 1000000)::int8::text as "openedAtUs",
  (extract(epoch from a.updated_at) * 1000)::float8 as "updatedAtMs"
from rowhouse.alerts a
join rowhouse.organizations o on o.id = a.organization_id`

function toAlert(row: Row): Alert {
  const {
    beganAt,
    openedAt,
    closedAt,
    fingerprint,
    query,
    queryP95Ms,
    openedAtUs: _us,
    updatedAtMs: _ms,
    ...same
  } = row
  return {
    ...same,
    beganAt: beganAt.toISOString(),
    openedAt: openedAt.toISOString(),
    closedAt: closedAt?.toISOString() ?? null,
    query: { fingerprint, text: query, p95Ms: queryP95Ms },
  }
}

/** For who is no operator. */
export const withoutText = (alert: Alert): Alert => ({ ...alert, query: { ...alert.query, text: null } })

export interface AlertPage {
  /** Null: of every organization; else only of these. */
  readonly among: readonly string[] | null
  readonly state: 'open' | 'closed' | 'all'
  /** The `next` of the page before. */
  readonly cursor?: string | undefined
  readonly limit: number
}

/** Newest first. */
export async function pageAlerts(
  catalogue: Pick<Catalogue, 'query'>,
  { among, state, cursor, limit }: AlertPage,
): Promise<{ items: Alert[]; next: string | null }> {
  const [us = null, id = null] = cursor?.split('_') ?? []
  const rows = await catalogue.query<Row & Record<string, unknown>>(
    `${columns}
    where ($1::uuid[] is null or a.organization_id = any ($1))
      and ($2 = 'all' or (a.closed_at is null) = ($2 = 'open'))
      and ($3::int8 is null or (a.opened_at, a.id) < ('epoch'::timestamptz + $3::int8 * interval '1 microsecond', $4::uuid))
    order by a.opened_at desc, a.id desc
    limit $5`,
    [among, state, us, id, limit + 1],
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(toAlert),
    next: rows.length > limit && last !== undefined ? `${last.openedAtUs}_${last.id}` : null,
  }
}

/** Those that changed in the last `withinMs`, with when they did; oldest change first. */
export async function changedAlerts(
  catalogue: Pick<Catalogue, 'query'>,
  withinMs: number,
  max: number,
): Promise<{ readonly alert: Alert; readonly updatedAtMs: number }[]> {
  const rows = await catalogue.query<Row & Record<string, unknown>>(
    `${columns}
    where a.updated_at > clock_timestamp() - $1 * interval '1 millisecond'
    order by a.updated_at, a.id
    limit $2`,
    [withinMs, max],
  )
  return rows.map((row) => ({ alert: toAlert(row), updatedAtMs: row.updatedAtMs }))
}
