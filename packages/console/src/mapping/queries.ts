// What a mapping is chosen from: the fields of the account, which the CRM is asked for, and the columns here.
import { queryOptions } from '@tanstack/react-query'
import { client, mappingQuery } from '../app/api.ts'

export const schemaQuery = (organizationId: string, connectionId: string, object: string) =>
  queryOptions({
    queryKey: [...mappingQuery(organizationId, connectionId).queryKey, 'schema', object],
    queryFn: ({ signal }) => client.getRemoteSchema({ params: { organizationId, connectionId, object }, signal }),
  })

export const columnsQuery = (organizationId: string, connectionId: string, table: string) =>
  queryOptions({
    queryKey: [...mappingQuery(organizationId, connectionId).queryKey, 'columns', table],
    queryFn: async ({ signal }) =>
      (await client.listMappingColumns({ params: { organizationId, connectionId, table }, signal })).items,
  })
