// What an organization may have: its own line, and what holds with its plan.
import type { OrganizationLimits } from '@rowhouse/contracts'
import { organizationNotFound } from '../auth/access.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Handlers } from '../context.ts'

/** By their names in the API. */
export const limitColumns = {
  connectionsMax: 'connections_max',
  connectionsMin: 'connections_min',
  concurrencyMax: 'concurrency_max',
  acquireTimeoutMs: 'acquire_timeout_ms',
  idleTimeoutMs: 'idle_timeout_ms',
  loginConnectionsMax: 'login_connections_max',
  statementTimeoutMs: 'statement_timeout_ms',
  idleInTransactionTimeoutMs: 'idle_in_transaction_timeout_ms',
} as const

const named = Object.entries(limitColumns)
const object = (value: (column: string) => string): string =>
  `jsonb_build_object(${named.map(([name, column]) => `'${name}', ${value(column)}`).join(', ')})`

const LIMITS = `
  select ${object((column) => `l.${column}`)} as own, ${object((column) => `coalesce(l.${column}, p.${column})`)} as effective
  from rowhouse.organizations o
  join rowhouse.plans p on p.id = o.plan
  left join rowhouse.organization_limits l on l.organization_id = o.id
  where o.id = $1`

export const limitHandlers: Pick<Handlers, 'getOrganizationLimits' | 'setOrganizationLimits'> = {
  getOrganizationLimits: ({ services, params }) => readLimits(services.catalogue, params.organizationId),

  async setOrganizationLimits({ services, params, body }) {
    const { organizationId } = params
    await readLimits(services.catalogue, organizationId)
    const given = named.filter(([name]) => body[name as keyof typeof body] !== undefined)
    if (given.length > 0) {
      await services.catalogue.query(
        `insert into rowhouse.organization_limits (organization_id, ${given.map(([, column]) => column).join(', ')})
         values ($1, ${given.map((_, position) => `$${position + 2}`).join(', ')})
         on conflict (organization_id) do update set updated_at = now(),
           ${given.map(([, column]) => `${column} = excluded.${column}`).join(', ')}`,
        [organizationId, ...given.map(([name]) => body[name as keyof typeof body])],
      )
    }
    // Where the server of its home does not answer, the worker goes on.
    await services.fleet.limitLogin(organizationId).catch(() => undefined)
    return readLimits(services.catalogue, organizationId)
  },
}

/** @throws RowhouseError organization_not_found */
async function readLimits(catalogue: Catalogue, organizationId: string): Promise<OrganizationLimits> {
  const [limits] = await catalogue.query<OrganizationLimits>(LIMITS, [organizationId])
  if (limits === undefined) throw organizationNotFound(organizationId)
  return limits
}
