// Plans, what organizations may have by them, and what is read anew when one changes.
import { queryOptions } from '@tanstack/react-query'
import { client, organizationQuery, queries } from '../app/api.ts'

export const plansQuery = queryOptions({
  queryKey: ['plans'],
  queryFn: async ({ signal }) => (await client.listPlans({ signal })).items,
})

export const limitsQuery = (organizationId: string) =>
  queryOptions({
    queryKey: [...organizationQuery(organizationId).queryKey, 'limits'],
    queryFn: ({ signal }) => client.getOrganizationLimits({ params: { organizationId }, signal }),
  })

/** Of a plan hang homes that are wanted, limits and advice of everybody who has it. */
export const rereadAfterPlan = (): Promise<unknown> =>
  Promise.all([
    queries.invalidateQueries({ queryKey: plansQuery.queryKey }),
    queries.invalidateQueries({ queryKey: ['organization'] }),
    queries.invalidateQueries({ queryKey: ['organizations'] }),
  ])
