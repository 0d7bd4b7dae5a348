// Servers, and the databases on them whose change logs are not looked after.
import { queryOptions } from '@tanstack/react-query'
import { client } from '../app/api.ts'

/** The server looks every half minute; asking more often shows nothing new. */
const POLL_MS = 30_000

export const clustersQuery = queryOptions({
  queryKey: ['clusters'],
  queryFn: async ({ signal }) => (await client.listClusters({ signal })).items,
  refetchInterval: POLL_MS,
})

export const failingDatabasesQuery = queryOptions({
  queryKey: ['databases', 'failing'],
  queryFn: ({ signal }) => client.listDatabases({ query: { failing: 'true' }, signal }),
  refetchInterval: POLL_MS,
})
