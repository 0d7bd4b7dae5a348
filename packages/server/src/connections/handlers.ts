// Connections, dead letters and conflicts: the API's side of the sync engine. Ids of the path are
// checked here, so that the engine is asked about an organization's own things only.
import { RowhouseError } from '@rowhouse/contracts'
import { connectors } from '@rowhouse/connectors'
import { actingAs } from '../auth/access.ts'
import type { Handlers } from '../context.ts'
import { requireProviderUrl } from './provider-url.ts'

type Mine =
  | 'listConnectors'
  | 'listConnections'
  | 'createConnection'
  | 'getConnection'
  | 'pauseConnection'
  | 'resumeConnection'
  | 'testConnection'
  | 'listDeadLetters'
  | 'replayDeadLetter'
  | 'listConflicts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

function connectionId(params: { readonly connectionId: string }): string {
  if (uuid.test(params.connectionId)) return params.connectionId
  throw new RowhouseError('connection_not_found')
}

export const connectionHandlers: Pick<Handlers, Mine> = {
  async listConnectors() {
    const items = [...connectors.values()].map((connector) => {
      const { id, name, objects, capabilities } = connector.describe()
      return {
        id,
        name,
        objects: objects.map((object) => object.name),
        webhooks: capabilities.webhooks,
        tier: 'certified' as const,
      }
    })
    return { items }
  },

  async listConnections({ services: { sync }, params }) {
    return { items: [...(await sync.connections.list([params.organizationId]))] }
  },

  async createConnection({ services: { sync, simulatedProviders }, actor, params, body }) {
    const connector = connectors.get(body.connector)
    if (connector === undefined) {
      throw new RowhouseError('connector_unknown', `There is no connector ${body.connector.slice(0, 64)}.`, {
        hint: `Connectors: ${[...connectors.keys()].join(', ')}.`,
      })
    }
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

  testConnection: async ({ services: { sync }, params }) =>
    sync.connections.test(params.organizationId, connectionId(params)),

  async listDeadLetters({ actor, services: { sync }, params }) {
    return { items: [...(await sync.deadLetters.list(params.organizationId, actingAs(actor)))] }
  },

  async replayDeadLetter({ services: { sync }, params }) {
    if (!/^\d{1,18}$/.test(params.deadLetterId)) throw new RowhouseError('dead_letter_not_found')
    await sync.deadLetters.replay(params.organizationId, params.deadLetterId)
    return { replayed: true }
  },

  async listConflicts({ actor, services: { sync }, params }) {
    return { items: [...(await sync.conflicts.list(params.organizationId, actingAs(actor)))] }
  },
}
