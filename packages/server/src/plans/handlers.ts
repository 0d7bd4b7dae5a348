// Plans, and where organizations live because of them.
import { RowhouseError } from '@rowhouse/contracts'
import type { FormerHome, Placement, PlacementDetail, Plan } from '@rowhouse/contracts'
import { DatabaseError } from 'pg'
import { organizationNotFound } from '../auth/access.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Handlers } from '../context.ts'
import { limitColumns, limitHandlers } from './limits.ts'

type Mine =
  | 'listPlans'
  | 'setPlan'
  | 'listPlacements'
  | 'getPlacement'
  | 'setOrganizationPlan'
  | keyof typeof limitHandlers

const planColumns = `
  p.id, p.name, p.isolation, p.region, p.cluster, p.connections_max as "connectionsMax",
  p.connections_min as "connectionsMin", p.concurrency_max as "concurrencyMax", p.acquire_timeout_ms as "acquireTimeoutMs",
  p.idle_timeout_ms as "idleTimeoutMs", p.login_connections_max as "loginConnectionsMax", p.statement_timeout_ms as "statementTimeoutMs",
  p.idle_in_transaction_timeout_ms as "idleInTransactionTimeoutMs", p.own_key as "ownKey",
  (select count(*)::int from rowhouse.organizations o where o.plan = p.id) as organizations`

const settings = {
  name: 'name',
  isolation: 'isolation',
  region: 'region',
  cluster: 'cluster',
  ...limitColumns,
  ownKey: 'own_key',
} as const

const placements = `
  select p.organization_id as "organizationId", o.slug, o.plan, p.isolation, p.cluster, c.region,
    p.database_name as "databaseName", p.schema_name as "schemaName", p.login, p.state, p.epoch::int,
    case when p.wanted_isolation is not null or p.wanted_cluster is not null
      then jsonb_build_object('isolation', p.wanted_isolation, 'cluster', p.wanted_cluster) end as wanted
  from rowhouse.placements p
  join rowhouse.organizations o on o.id = p.organization_id
  join rowhouse.clusters c on c.id = p.cluster`

export const planHandlers: Pick<Handlers, Mine> = {
  ...limitHandlers,

  async listPlans({ services }) {
    return { items: await services.catalogue.query<Plan>(`select ${planColumns} from rowhouse.plans p order by p.id`) }
  },

  async setPlan({ services, params, body }) {
    const named = Object.entries(body).filter(([, value]) => value !== undefined)
    const columns = named.map(([name]) => settings[name as keyof typeof settings])
    const values = named.map(([, value]) => value)
    await withKnownCluster(body.cluster ?? null, () =>
      services.catalogue.query(
        `insert into rowhouse.plans (id, name${columns
          .filter((column) => column !== 'name')
          .map((column) => `, ${column}`)
          .join('')})
         values ($1, ${named.some(([name]) => name === 'name') ? `$${columns.indexOf('name') + 2}::text` : '$1'}${columns
           .map((column, position) => (column === 'name' ? '' : `, $${position + 2}`))
           .join('')})
         on conflict (id) do update set ${
           columns.length === 0
             ? 'id = excluded.id'
             : columns.map((column) => `${column} = excluded.${column}`).join(', ')
         }`,
        [params.planId, ...values],
      ),
    )
    // Logins on servers that do not answer now are the worker's to go on with.
    await services.fleet.keepLimits()
    const [plan] = await services.catalogue.query<Plan>(`select ${planColumns} from rowhouse.plans p where p.id = $1`, [
      params.planId,
    ])
    return plan as Plan
  },

  async listPlacements({ services, query }) {
    const rows = await services.catalogue.query<Placement>(
      `${placements}
       where ($1::text is null or p.cluster = $1) and ($2::uuid is null or p.organization_id > $2)
         and (not $3 or p.wanted_isolation is not null or p.wanted_cluster is not null)
       order by p.organization_id limit $4`,
      [query.cluster ?? null, query.cursor ?? null, query.wanted === 'true', query.limit + 1],
    )
    const items = rows.slice(0, query.limit)
    return { items, next: rows.length > items.length ? (items.at(-1)?.organizationId ?? null) : null }
  },

  getPlacement: async ({ services, params }) => ({
    ...(await readPlacement(services.catalogue, params.organizationId)),
    ...(await readLeft(services.catalogue, params.organizationId)),
  }),

  async setOrganizationPlan({ services, params, body }) {
    const known = await services.catalogue.query('select id from rowhouse.plans where id = $1', [body.plan])
    if (known.length === 0) throw new RowhouseError('plan_unknown', `There is no plan named ${body.plan}.`)
    await services.catalogue.query('update rowhouse.organizations set plan = $2, updated_at = now() where id = $1', [
      params.organizationId,
      body.plan,
    ])
    // Where the server of its home does not answer, the worker goes on.
    await services.fleet.limitLogin(params.organizationId).catch(() => undefined)
    return readPlacement(services.catalogue, params.organizationId)
  },
}

async function readPlacement(catalogue: Catalogue, organizationId: string): Promise<Placement> {
  const [placement] = await catalogue.query<Placement>(`${placements} where p.organization_id = $1`, [organizationId])
  if (placement === undefined) throw organizationNotFound(organizationId)
  return placement
}

const iso = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** What an organization has left behind and is still there, the last one first. */
async function readLeft(
  catalogue: Catalogue,
  organizationId: string,
): Promise<Pick<PlacementDetail, 'former' | 'farewells'>> {
  const former = await catalogue.query<FormerHome>(
    `select h.cluster, h.database_name as "databaseName", h.schema_name as "schemaName", h.login, h.isolation,
       ${iso('h.retired_at')} as "retiredAt", ${iso('h.kept_until')} as "keptUntil", ${iso('h.locked_at')} as "lockedAt", h.error
     from rowhouse.homes h
     where h.former_organization = $1 and h.retired_at is not null order by h.retired_at desc, h.id limit 100`,
    [organizationId],
  )
  const farewells = await catalogue.query<PlacementDetail['farewells'][number]>(
    `select f.cluster, f.database_name as "databaseName", f.attempts, f.error
     from rowhouse.farewells f where f.organization_id = $1 order by f.cluster, f.database_name limit 100`,
    [organizationId],
  )
  return { former, farewells }
}

/** @throws RowhouseError cluster_unknown, validation_failed */
async function withKnownCluster(cluster: string | null, write: () => Promise<unknown>): Promise<void> {
  try {
    await write()
  } catch (error) {
    if (error instanceof DatabaseError && error.code === '23503') {
      throw new RowhouseError('cluster_unknown', `There is no cluster named ${cluster ?? ''}.`, { cause: error })
    }
    if (error instanceof DatabaseError && error.code === '23514') {
      throw new RowhouseError('validation_failed', `The plan cannot be so: ${error.constraint ?? error.message}.`, {
        details: { issues: [] },
        cause: error,
      })
    }
    throw error
  }
}
