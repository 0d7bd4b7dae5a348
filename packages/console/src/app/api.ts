// The console's one client and one cache. A refusal for want of a session, wherever it happens,
// leads to the sign-in page; everything else is shown by the page that asked.
import { createClient, isApiError } from '@rowhouse/client'
import { QueryCache, QueryClient, queryOptions } from '@tanstack/react-query'
import { allows } from '@rowhouse/contracts'
import type { Me, Permission } from '@rowhouse/contracts'

export const client = createClient({ baseUrl: '' })

const RETRIES_MAX = 2
let onSignedOut: () => void = () => {}
/** Told when the API says that nobody is signed in. */
export const whenSignedOut = (listener: () => void): void => void (onSignedOut = listener)

export const isSignedOut = (error: unknown): boolean => isApiError(error) && error.status === 401

export const queries = new QueryClient({
  queryCache: new QueryCache({ onError: (error) => (isSignedOut(error) ? onSignedOut() : undefined) }),
  defaultOptions: {
    queries: {
      // The live stream patches the cache, and a reconnect reads again.
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < RETRIES_MAX && isApiError(error) && error.retryable,
    },
  },
})

/** How one can sign in, and whether one is; answers also who is not, so it can be asked first. */
export const signInQuery = queryOptions({
  queryKey: ['sign-in-methods'],
  queryFn: ({ signal }) => client.getSignInMethods({ signal }),
})

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => client.getMe({ signal }),
  staleTime: Number.POSITIVE_INFINITY,
})

export const connectorsQuery = queryOptions({
  queryKey: ['connectors'],
  queryFn: async ({ signal }) => (await client.listConnectors({ signal })).items,
})

export const organizationQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId],
    queryFn: ({ signal }) => client.getOrganization({ params: { organizationId }, signal }),
  })

export const connectionQuery = (organizationId: string, connectionId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'connection', connectionId],
    queryFn: ({ signal }) => client.getConnection({ params: { organizationId, connectionId }, signal }),
  })

/** Which columns are which fields. */
export const mappingQuery = (organizationId: string, connectionId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'connection', connectionId, 'mapping'],
    queryFn: ({ signal }) => client.getMapping({ params: { organizationId, connectionId }, signal }),
  })

/** Where it lives and where its plan wants it; for operators. */
export const placementQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'placement'],
    queryFn: ({ signal }) => client.getPlacement({ params: { organizationId }, signal }),
  })

export const membersQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'members'],
    queryFn: ({ signal }) => client.listMembers({ params: { organizationId }, signal }),
  })

export const rolesQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'roles'],
    queryFn: async ({ signal }) => (await client.listRoles({ params: { organizationId }, signal })).items,
  })

/** Who was granted this connection alone. */
export const grantsQuery = (organizationId: string, connectionId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'connection', connectionId, 'grants'],
    queryFn: async ({ signal }) =>
      (await client.listConnectionGrants({ params: { organizationId, connectionId }, signal })).items,
  })

export const ROLLOUTS_MAX = 20

export const rolloutsQuery = queryOptions({
  queryKey: ['rollouts'],
  queryFn: ({ signal }) => client.listRollouts({ query: { limit: ROLLOUTS_MAX }, signal }),
})

const RUNNING_POLL_MS = 500

/** Asked again while a run is under way: it lasts for seconds, and only whoever looks at the page wants to know. */
export const findingsQuery = queryOptions({
  queryKey: ['findings'],
  queryFn: ({ signal }) => client.getFindings({ signal }),
  refetchInterval: ({ state }) => (state.data?.run?.state === 'running' ? RUNNING_POLL_MS : false),
})

/** Whether the buttons for this are shown, of one connection where it is named; the server decides for itself. */
export function may(
  me: Me | undefined,
  organizationId: string,
  permission: Permission,
  connectionId?: string,
): boolean {
  if (me === undefined) return false
  if (me.actor.kind === 'operator') return true
  return me.memberships.some(
    ({ organizationId: id, permissions }) => id === organizationId && allows(permissions, permission, connectionId),
  )
}
