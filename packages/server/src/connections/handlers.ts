// Connections, dead letters and conflicts: the API's side of the sync engine. Ids of the path are
// checked here, so that the engine is asked about an organization's own things only.
import { RowhouseError } from '@rowhouse/contracts'
import { connectors } from '@rowhouse/connectors'
import type { Connector } from '@rowhouse/connectors'
import { actingAs, permittedConnections, requireConnection, requirePermission } from '../auth/access.ts'
import type { Handlers } from '../context.ts'
import { safeReturnTo } from '../session/return-to.ts'
import { requireProviderUrl } from './provider-url.ts'

type Mine =
  | 'listConnectors'
  | 'listConnectorApps'
  | 'setConnectorApp'
  | 'removeConnectorApp'
  | 'authorizeConnection'
  | 'listConnections'
  | 'createConnection'
  | 'getConnection'
  | 'pauseConnection'
  | 'resumeConnection'
  | 'resyncConnection'
  | 'testConnection'
  | 'removeConnection'
  | 'listDeadLetters'
  | 'replayDeadLetter'
  | 'listConflicts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function connectionId(params: { readonly connectionId: string }): string {
  if (uuid.test(params.connectionId)) return params.connectionId
  throw new RowhouseError('connection_not_found')
}

function requireConnector(id: string): Connector {
  const connector = connectors.get(id)
  if (connector !== undefined) return connector
  throw new RowhouseError('connector_unknown', `There is no connector ${id.slice(0, 64)}.`, {
    hint: `Connectors: ${[...connectors.keys()].join(', ')}.`,
  })
}

export const connectionHandlers: Pick<Handlers, Mine> = {
  async listConnectors({ services: { sync } }) {
    const apps = new Set((await sync.apps.list()).map((app) => app.connector))
    const items = [...connectors.values()].map((connector) => {
      const { id, name, objects, capabilities } = connector.describe()
      return {
        id,
        name,
        objects: objects.map((object) => object.name),
        webhooks: capabilities.webhooks,
        canAuthorize: apps.has(id),
        tier: 'certified' as const,
      }
    })
    return { items }
  },

  async listConnections({ services: { sync }, params, organization }) {
    const permitted = await permittedConnections(organization().inCatalogue(), 'connections.read')
    const items = await sync.connections.list([params.organizationId])
    return { items: items.filter(({ id }) => permitted.has(id)) }
  },

  async listConnectorApps({ services: { sync } }) {
    return { items: [...(await sync.apps.list())] }
  },

  async setConnectorApp({ services: { sync }, params, body }) {
    requireConnector(params.connector)
    const { clientId, clientSecret, scopes = [], baseUrl = null } = body
    return sync.apps.set(params.connector, { clientId, clientSecret, scopes, baseUrl })
  },

  async removeConnectorApp({ services: { sync }, params }) {
    return { removed: await sync.apps.remove(params.connector) }
  },

  async authorizeConnection({ services, actor, params, body, organization }) {
    const connector = requireConnector(body.connector)
    // A new connection needs the permission for all of them; another consent for one, the permission for that one.
    if (body.connectionId == null) await requirePermission(organization().inCatalogue(), 'connections.manage')
    else await requireConnection(organization().inCatalogue(), 'connections.manage', body.connectionId.toLowerCase())
    const baseUrl = body.baseUrl ?? null
    if (baseUrl !== null && actor.kind !== 'operator') {
      const origins = services.simulatedProviders
      requireProviderUrl('baseUrl', baseUrl, { domains: connector.describe().domains, origins })
    }
    const { ticket, expiresAt } = await services.sync.authorize.begin({
      organizationId: params.organizationId,
      connector: connector.id,
      connectionId: body.connectionId ?? null,
      userId: actor.kind === 'user' ? actor.userId : null,
      baseUrl,
      returnTo: safeReturnTo(body.returnTo),
    })
    return { url: `${services.publicUrl()}/oauth/${connector.id}/start?ticket=${ticket}`, expiresAt }
  },

  async createConnection({ services: { sync, simulatedProviders }, actor, params, body }) {
    const connector = requireConnector(body.connector)
    for (const field of ['baseUrl', 'tokenUrl'] as const) {
      const value = body[field] ?? null
      if (value === null || actor.kind === 'operator') continue
      requireProviderUrl(field, value, { domains: connector.describe().domains, origins: simulatedProviders })
    }
    return sync.connections.create({ ...body, organizationId: params.organizationId })
  },

  getConnection: async ({ services: { sync }, params }) =>
    sync.connections.get(params.organizationId, connectionId(params)),

  pauseConnection: async ({ services: { sync }, params }) =>
    sync.connections.pause(params.organizationId, connectionId(params)),

  resumeConnection: async ({ services: { sync }, params }) =>
    sync.connections.resume(params.organizationId, connectionId(params)),

  resyncConnection: async ({ services: { sync }, params }) =>
    sync.connections.resync(params.organizationId, connectionId(params)),

  testConnection: async ({ services: { sync }, params }) =>
    sync.connections.test(params.organizationId, connectionId(params)),

  async removeConnection({ services: { sync }, params }) {
    await sync.connections.remove(params.organizationId, connectionId(params))
    return { removed: true }
  },

  async listDeadLetters({ actor, services: { sync }, params }) {
    return { items: [...(await sync.deadLetters.list(params.organizationId, actingAs(actor)))] }
  },

  async replayDeadLetter({ services: { sync }, params, organization }) {
    if (!/^\d{1,18}$/.test(params.deadLetterId)) throw new RowhouseError('dead_letter_not_found')
    const { rows } = await organization().query<{ connectionId: string }>(
      'select connection_id as "connectionId" from rowhouse_home.sync_dead_letters where id = $1',
      [params.deadLetterId],
    )
    if (rows[0] === undefined) throw new RowhouseError('dead_letter_not_found')
    await requireConnection(organization().inCatalogue(), 'connections.manage', rows[0].connectionId)
    await sync.deadLetters.replay(params.organizationId, params.deadLetterId)
    return { replayed: true }
  },

  async listConflicts({ actor, services: { sync }, params }) {
    return { items: [...(await sync.conflicts.list(params.organizationId, actingAs(actor)))] }
  },
}
