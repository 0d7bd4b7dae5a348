import type { Handlers } from '../context.ts'
import { readActivity } from './read-activity.ts'

export const activityHandlers: Pick<Handlers, 'listActivity'> = {
  async listActivity({ services, organization, query }) {
    const items = await readActivity(services.catalogue, organization(), { ...query, limit: query.limit + 1 })
    const page = items.slice(0, query.limit)
    return { items: page, next: items.length > query.limit ? (page.at(-1)?.seq ?? null) : null }
  },
}
