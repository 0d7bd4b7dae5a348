// What organizations' statements cost, when one of them became slow, and where one should live.
import { allows } from '@rowhouse/contracts'
import type { Handlers } from '../context.ts'
import { readMemberships } from '../session/memberships.ts'
import { pageAlerts, withoutText } from './read-alerts.ts'
import { readMeasures } from './read-measures.ts'
import { readUsage } from './read-usage.ts'

type Mine = 'listUsage' | 'listAlerts' | 'listOrganizationAlerts' | 'getMeasures' | 'getAdvice'

export const measureHandlers: Pick<Handlers, Mine> = {
  async listAlerts({ services, actor, query }) {
    if (actor.kind !== 'user') return pageAlerts(services.catalogue, { among: null, ...query })
    const memberships = await readMemberships(services.rowhouse, actor.userId)
    const among = memberships
      .filter(({ permissions }) => allows(permissions, 'organization.read'))
      .map(({ organizationId }) => organizationId)
    const { items, next } = await pageAlerts(services.catalogue, { among, ...query })
    return { items: items.map(withoutText), next }
  },

  async listOrganizationAlerts({ services, actor, params, query, organization }) {
    // The login that reads alerts sees every organization's: the database refuses here who may not enter this one.
    await organization().inCatalogue().query('select')
    const { items } = await pageAlerts(services.catalogue, { among: [params.organizationId], ...query })
    return { items: actor.kind === 'operator' ? items : items.map(withoutText) }
  },

  listUsage: ({ services, query }) => readUsage(services.catalogue, query),

  getMeasures: ({ services, params }) => readMeasures(services.catalogue, params.organizationId),

  getAdvice: ({ services, params }) => services.fleet.advise(services.rowhouse, params.organizationId),
}
