// What an account has, and what of it is synced: the API's side of the engine's mappings.
import type { Handlers } from '../context.ts'
import { connectionId } from './handlers.ts'

type Mine = 'listRemoteSchemas' | 'getRemoteSchema' | 'getMapping' | 'listMappingColumns' | 'setMapping'

export const mappingHandlers: Pick<Handlers, Mine> = {
  async listRemoteSchemas({ services: { sync }, params }) {
    return { items: [...(await sync.mappings.objects(params.organizationId, connectionId(params)))] }
  },

  getRemoteSchema: async ({ services: { sync }, params }) =>
    sync.mappings.schema(params.organizationId, connectionId(params), params.object),

  getMapping: async ({ services: { sync }, params }) => sync.mappings.get(params.organizationId, connectionId(params)),

  async listMappingColumns({ services: { sync }, params }) {
    return { items: await sync.mappings.columns(params.organizationId, connectionId(params), params.table) }
  },

  setMapping: async ({ services: { sync }, params, body }) =>
    sync.mappings.set(params.organizationId, connectionId(params), body.objects, body.version),
}
