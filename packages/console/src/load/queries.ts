// Who loads the databases, what an organization's statements cost and where it should live, for operators.
import { queryOptions } from '@tanstack/react-query'
import { client } from '../app/api.ts'

/** A process carries what it counted every some seconds; asking more often shows nothing new. */
const POLL_MS = 15_000

const BUSIEST_MAX = 50

/** @param minutes how far back, at most 60 */
export const usageQuery = (minutes: number) =>
  queryOptions({
    queryKey: ['usage', minutes],
    queryFn: ({ signal }) => client.listUsage({ query: { minutes, limit: BUSIEST_MAX }, signal }),
    refetchInterval: POLL_MS,
  })

export const measuresQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'measures'],
    queryFn: ({ signal }) => client.getMeasures({ params: { organizationId }, signal }),
    refetchInterval: POLL_MS,
  })

/** Measured when it is asked for, so it is asked for once. */
export const adviceQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'advice'],
    queryFn: ({ signal }) => client.getAdvice({ params: { organizationId }, signal }),
    staleTime: 300_000,
  })
