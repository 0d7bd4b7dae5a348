// Open invitations of an organization, and the links that accept them.
import { queryOptions } from '@tanstack/react-query'
import { client } from '../app/api.ts'

export const invitationsQuery = (organizationId: string) =>
  queryOptions({
    queryKey: ['organization', organizationId, 'invitations'],
    queryFn: async ({ signal }) => (await client.listInvitations({ params: { organizationId }, signal })).items,
  })

/** The token stands behind the #: opening the link tells it to no server, and to no page that is opened from there. */
export const linkOf = (token: string): string => `${window.location.origin}/join#${token}`

export const tokenOf = (hash: string): string => decodeURIComponent(hash.replace(/^#/, ''))
