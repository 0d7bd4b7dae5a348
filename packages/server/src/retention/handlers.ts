// How long an organization's lines are kept. Who may change it, the contract says; in which bounds, the database.
import { RETENTION_DAYS_MAX, RETENTION_DAYS_MIN, RowhouseError } from '@rowhouse/contracts'
import type { Retention } from '@rowhouse/contracts'
import { organizationNotFound } from '../auth/access.ts'
import type { Handlers, Services } from '../context.ts'

/** Counting goes on for as long as there are lines: nobody needs to know how many more than this. */
const COUNTED_MAX = 100_000

// By position, which falls with age: the count stops at its bound instead of sorting a log by time. Months that are younger are
// not looked into.
const tooOld = `
with boundary as (
  select clock_timestamp() - pg_catalog.make_interval(days => $1) as before
), old as (
  select l.at
  from rowhouse.change_log l
  where l.organization_id = (select rowhouse.organization_id()) and l.at < (select b.before from boundary b)
  order by l.seq
  limit $2 + 1
)
select (select b.before from boundary b) as before, count(*)::int as lines, min(o.at) as "oldestAt"
from old o`

export const retentionHandlers: Pick<Handlers, 'getRetention' | 'previewRetention' | 'setRetention'> = {
  getRetention: ({ services, params }) => readRetention(services, params.organizationId),

  async previewRetention({ organization, query: { days } }) {
    if (days === undefined) return { before: null, lines: 0, hasMore: false, oldestAt: null }
    if (days < RETENTION_DAYS_MIN || days > RETENTION_DAYS_MAX)
      throw new RowhouseError('retention_out_of_bounds', `Lines of the change log cannot be kept for ${days} days.`)
    const { rows } = await organization().query<{ before: Date; lines: number; oldestAt: Date | null }>(tooOld, [
      days,
      COUNTED_MAX,
    ])
    const { before, lines = 0, oldestAt = null } = rows[0] ?? {}
    return {
      before: before?.toISOString() ?? null,
      lines: Math.min(lines, COUNTED_MAX),
      hasMore: lines > COUNTED_MAX,
      oldestAt: oldestAt?.toISOString() ?? null,
    }
  },

  async setRetention({ services, params, body }) {
    await services.catalogue.query('select rowhouse.set_log_retention($1, $2, $3)', [
      params.organizationId,
      body.days ?? null,
      body.followPlan === true,
    ])
    return readRetention(services, params.organizationId)
  },
}

async function readRetention({ catalogue }: Pick<Services, 'catalogue'>, organizationId: string): Promise<Retention> {
  const rows = await catalogue.query<Retention>(
    `select r.days, r.source, p.log_retention_days as "planDays"
     from rowhouse.log_retention_of($1) r, rowhouse.organizations o join rowhouse.plans p on p.id = o.plan
     where o.id = $1`,
    [organizationId],
  )
  if (rows[0] === undefined) throw organizationNotFound(organizationId)
  return rows[0]
}
