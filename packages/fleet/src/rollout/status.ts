// How far the fleet is, from the ledger alone: no home is asked.
import type { Client } from 'pg'
import { openSession } from './apply/session.ts'

export interface RolloutStatus {
  readonly id: string
  readonly target: string
  /** `interrupted`: its row says running, and nobody holds its lock. The next `up` goes on with it. */
  readonly state: 'running' | 'interrupted' | 'stopped' | 'incomplete' | 'done' | 'superseded'
  readonly wave: string | null
  readonly wavesTotal: number
  readonly homes: { readonly total: number; readonly done: number; readonly failed: number; readonly blocked: number }
  readonly startedBy: string
  readonly startedAt: string
  readonly heartbeatAt: string
  readonly finishedAt: string | null
  readonly code: string | null
  readonly message: string | null
}

export interface OpenHome {
  readonly homeId: string
  readonly schemaName: string
  readonly databaseName: string | null
  readonly cluster: string
  readonly organizationId: string | null
  readonly slug: string | null
  readonly state: 'failed' | 'blocked'
  readonly attempts: number
  readonly code: string | null
  readonly message: string | null
  readonly version: string | null
  readonly line: number | null
}

export interface FleetStatus {
  /** The last migration of the ledger; null where there is none. */
  readonly target: string | null
  readonly versions: readonly { readonly version: string | null; readonly homes: number }[]
  readonly behind: number
  readonly rollout: RolloutStatus | null
  /** Of that rollout, those that are not done; 100 at most. */
  readonly open: readonly OpenHome[]
}

const OPEN_MAX = 100

/** Rows of rowhouse.rollouts as a status; the caller adds where, order and limit. */
export const rolloutStatusSql = `
  select r.id, r.target,
    case when r.state = 'running' and not rowhouse.is_rolling_out() then 'interrupted' else r.state end as state,
    r.options -> 'waves' ->> r.wave as wave, r.waves_total as "wavesTotal",
    jsonb_build_object('total', h.total, 'done', h.done, 'failed', h.failed, 'blocked', h.blocked) as homes,
    r.started_by as "startedBy", to_char(r.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "startedAt",
    to_char(r.heartbeat_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "heartbeatAt",
    to_char(r.finished_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "finishedAt", r.code, r.message
  from rowhouse.rollouts r
  cross join lateral (
    select count(*)::int as total, (count(*) filter (where h.state = 'done'))::int as done,
      (count(*) filter (where h.state = 'failed'))::int as failed, (count(*) filter (where h.state = 'blocked'))::int as blocked
    from rowhouse.rollout_homes h where h.rollout_id = r.id
  ) h`

/** Homes of a rollout ($1) that failed or are blocked, at most $2. */
export const openHomesSql = `
  select r.home_id as "homeId", h.schema_name as "schemaName", h.database_name as "databaseName", h.cluster,
    h.organization_id as "organizationId", o.slug, r.state, r.attempts, r.code, r.message, r.version, r.line
  from rowhouse.rollout_homes r
  join rowhouse.homes h on h.id = r.home_id
  left join rowhouse.organizations o on o.id = h.organization_id
  where r.rollout_id = $1 and r.state in ('failed', 'blocked')
  order by r.state desc, r.updated_at, r.home_id
  limit $2`

/** @throws RowhouseError database_unreachable, database_login_refused, not_installed */
export async function readFleetStatus(catalogueUrl: string): Promise<FleetStatus> {
  const catalogue = await openSession({ connectionString: catalogueUrl }, 'rowhouse migrate status')
  try {
    return await statusOn(catalogue)
  } finally {
    await catalogue.end().catch(() => undefined)
  }
}

async function statusOn(catalogue: Client): Promise<FleetStatus> {
  const { rows: newest } = await catalogue.query<{ target: string | null }>(
    'select max(version) as target from rowhouse.tenant_migrations',
  )
  const target = newest[0]?.target ?? null
  const { rows: versions } = await catalogue.query<{ version: string | null; homes: number }>(
    `select version::text as version, count(*)::int as homes from rowhouse.homes
     where state in ('spare', 'assigned') group by 1 order by 1 nulls first`,
  )
  const { rows: rollouts } = await catalogue.query<RolloutStatus>(
    `${rolloutStatusSql} order by r.started_at desc limit 1`,
  )
  const rollout = rollouts[0] ?? null
  const open = rollout === null ? [] : (await catalogue.query<OpenHome>(openHomesSql, [rollout.id, OPEN_MAX])).rows
  const behind = versions.filter(({ version }) => target !== null && (version ?? '') < target)
  return { target, versions, behind: behind.reduce((sum, { homes }) => sum + homes, 0), rollout, open }
}
