// Lines of an organization's change log, newest first, by what one may ask for.
import type { AuditLine } from '@rowhouse/contracts'
import type { Organization as OrganizationHandle } from 'rowhouse'

export interface AuditFilter {
  readonly before?: string | undefined
  /** With or without its schema. */
  readonly table?: string | undefined
  readonly recordId?: string | undefined
  readonly actor?: string | undefined
  readonly action?: AuditLine['action'] | undefined
  readonly from?: string | undefined
  /** Without this moment. */
  readonly to?: string | undefined
  /** With this moment. */
  readonly until?: string | undefined
  /** Without reads by reports. @default false */
  readonly changesOnly?: boolean | undefined
  readonly limit: number
}

interface Row extends Omit<AuditLine, 'at' | 'actor'> {
  readonly at: Date
  readonly actorKind: string
  readonly actorId: string | null
}

const auditLines = `
select l.seq::text, l.at, l.actor_kind as "actorKind", l.actor_id as "actorId", l.action, l.table_schema as schema,
  l.table_name as "table", l.record_id as "recordId", l.old::text, l.new::text, l.reason, l.request_id as "requestId", l.ip
from rowhouse.change_log l
where l.organization_id = (select rowhouse.organization_id())
  and ($1::bigint is null or l.seq < $1)
  and ($2::text is null or l.table_name = $2 or l.table_schema || '.' || l.table_name = $2)
  and ($3::text is null or (l.record_hash = rowhouse.record_hash($3) and l.record_id = $3))
  and ($4::text is null or l.actor_id = $4)
  and ($5::text is null or l.action = $5)
  and ($6::timestamptz is null or l.at >= $6)
  and ($7::timestamptz is null or l.at < $7)
  and ($8::timestamptz is null or l.at <= $8)
  and (not $9::boolean or l.action <> 'read')
order by l.seq desc
limit $10`

/** Newest first; at most `limit`. */
export async function readAuditLines(organization: OrganizationHandle, filter: AuditFilter): Promise<AuditLine[]> {
  const { rows } = await organization.query<Row>(auditLines, [
    filter.before ?? null,
    filter.table ?? null,
    filter.recordId ?? null,
    filter.actor ?? null,
    filter.action ?? null,
    filter.from ?? null,
    filter.to ?? null,
    filter.until ?? null,
    filter.changesOnly ?? false,
    filter.limit,
  ])
  return rows.map(({ actorKind, actorId, at, ...line }) => ({
    ...line,
    at: at.toISOString(),
    actor: { kind: actorKind, id: actorId },
  }))
}
