// An organization's changes with what became of each, run as whoever asks: the policy of the change log and of the home decides
// what is found. It reads the sync engine's home tables and must never write them.
import type { ActivityItem } from '@rowhouse/contracts'
import type { Organization as OrganizationHandle } from 'rowhouse'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { fieldChanges, labelOf } from './field-changes.ts'
import type { RowImage } from './field-changes.ts'

export interface ActivityFilter {
  /** Only changes with a smaller seq. */
  readonly before?: string | undefined
  readonly direction?: ActivityItem['direction'] | undefined
  readonly table?: string | undefined
  readonly recordId?: string | undefined
  /** Only these positions. */
  readonly seqs?: readonly string[] | undefined
  readonly limit: number
}

interface Row {
  readonly seq: string
  readonly organization_id: string
  readonly at: Date
  readonly direction: ActivityItem['direction']
  readonly status: ActivityItem['status']
  readonly delivered_at: Date | null
  readonly connector: string | null
  readonly connection_id: string | null
  readonly action: ActivityItem['action']
  readonly table_name: string
  readonly record_id: string
  readonly remote_id: string | null
  readonly old: RowImage | null
  readonly new: RowImage | null
  readonly actor_kind: string
  readonly actor_id: string | null
  readonly actor_name: string | null
}

// What is synced is the catalogue's to say: a home in another database knows of a connection that there is one, and no more.
const synced = `
select coalesce(jsonb_agg(jsonb_build_object(
    'connection_id', c.id, 'connector', c.connector, 'table_name', m ->> 'table', 'object', m ->> 'object')), '[]')::text as tables
from rowhouse.connections c, jsonb_array_elements(c.mapping) m
where c.organization_id = $1`

// `pending` until the engine has read the change from the log and nothing of the record is due or under
// way; a delivery that carried it says when, once it is older than the deliveries are kept it is only said.
const activity = `
with synced as (
  select * from jsonb_to_recordset($7::jsonb) as s (connection_id uuid, connector text, table_name text, object text)
), entry as (
  select l.*,
    case
      when l.actor_kind = 'sync' then 'inbound'
      when exists (select from synced s where s.table_name = l.table_name) then 'outbound'
      else 'local'
    end as direction
  from rowhouse.change_log l
  where ($1::bigint is null or l.seq < $1)
    and ($2::text is null or l.table_name = $2)
    and ($3::text is null or (l.record_hash = rowhouse.record_hash($3) and l.record_id = $3))
    and ($4::bigint[] is null or l.seq = any ($4))
), page as (
  select * from entry e where $5::text is null or e.direction = $5 order by e.seq desc limit $6
)
select p.seq::text, p.organization_id, p.at, p.direction,
  case
    when p.direction = 'inbound' then 'applied'
    when p.direction = 'local' then 'logged'
    when d.status = 'delivered' then 'delivered'
    when letter.found then 'parked'
    when d.status = 'pending' or mark.found or not captured.yes then 'pending'
    when d.status = 'parked' then 'parked'
    else 'delivered'
  end as status,
  case when p.direction = 'outbound' and d.status = 'delivered' then d.delivered_at end as delivered_at,
  s.connector, s.connection_id, p.action, p.table_name, p.record_id,
  coalesce(link.remote_id, d.remote_id) as remote_id,
  p.old, p.new, p.actor_kind, p.actor_id,
  case when p.actor_kind = 'user' then u.name when p.actor_kind = 'sync' then s.connector else p.actor_id end as actor_name
from page p
left join lateral (
  select * from synced s
  where s.table_name = p.table_name and (p.actor_kind <> 'sync' or s.connection_id::text = p.actor_id)
  order by s.connection_id limit 1
) s on true
left join lateral (
  select d.status, d.delivered_at, d.remote_id
  from rowhouse_home.sync_deliveries d
  where p.direction = 'outbound' and d.table_name = p.table_name and d.record_id = p.record_id
    and d.connection_id = s.connection_id and d.through_seq >= p.seq and d.status <> 'superseded'
  order by d.through_seq, d.id limit 1
) d on true
left join lateral (
  select true as found from rowhouse_home.sync_dead_letters x
  where p.direction = 'outbound' and x.connection_id = s.connection_id and x.direction = 'outbound'
    and x.object = s.object and x.record_key = p.record_id
  limit 1
) letter on true
left join lateral (
  select true as found from rowhouse_home.sync_marks k
  where p.direction = 'outbound' and k.connection_id = s.connection_id and k.direction = 'outbound'
    and k.object = s.object and k.record_id = p.record_id
  limit 1
) mark on true
left join lateral (
  select coalesce(bool_or(pg_visible_in_snapshot(p.xid, k.snapshot)), false) as yes
  from rowhouse_home.sync_cursors k
  where k.connection_id = s.connection_id and k.kind = 'outbound' and k.snapshot is not null
) captured on true
left join lateral (
  select k.remote_id from rowhouse_home.sync_links k
  where k.connection_id = s.connection_id and k.object = s.object and k.local_id = p.record_id
  limit 1
) link on true
left join rowhouse.users u on p.actor_kind = 'user' and u.id::text = p.actor_id
order by p.seq desc`

/** Newest first; at most `limit`. */
export async function readActivity(
  catalogue: Pick<Catalogue, 'query'>,
  organization: OrganizationHandle,
  filter: ActivityFilter,
): Promise<ActivityItem[]> {
  const [known] = await catalogue.query<{ tables: string }>(synced, [organization.organizationId])
  const { rows } = await organization.query<Row>(activity, [
    filter.before ?? null,
    filter.table ?? null,
    filter.recordId ?? null,
    filter.seqs ?? null,
    filter.direction ?? null,
    filter.limit,
    known?.tables ?? '[]',
  ])
  return rows.map((row) => ({
    seq: row.seq,
    organizationId: row.organization_id,
    at: row.at.toISOString(),
    direction: row.direction,
    status: row.status,
    deliveredAt: row.delivered_at?.toISOString() ?? null,
    connector: row.connector,
    connectionId: row.connection_id,
    action: row.action,
    table: row.table_name,
    recordId: row.record_id,
    label: labelOf(row.new ?? row.old ?? {}),
    remoteId: row.remote_id,
    changes: fieldChanges(row.old, row.new),
    actor: { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
  }))
}
