// Every organization that the reader may see, read page by page into the cache and patched live. The
// number is bounded; beyond it the server searches.
import { queryOptions } from '@tanstack/react-query'
import type { Connection, Organization } from '@rowhouse/contracts'
import { client, queries } from '../app/api.ts'

const PAGE_SIZE = 200
const PAGES_MAX = 60

export interface List {
  readonly items: readonly Organization[]
  /** False while pages are still being read. */
  readonly complete: boolean
  /** There are more than are kept here. */
  readonly truncated: boolean
}

export const listQuery = (search: string) =>
  queryOptions({
    queryKey: ['organizations', search],
    queryFn: async ({ signal, queryKey }): Promise<List> => {
      const items: Organization[] = []
      let cursor: string | undefined
      for (let page = 0; page < PAGES_MAX; page += 1) {
        const query = { limit: PAGE_SIZE, ...(search !== '' && { search }), ...(cursor !== undefined && { cursor }) }
        const answer = await client.listOrganizations({ query, signal })
        items.push(...answer.items)
        if (answer.next === null) return { items, complete: true, truncated: false }
        cursor = answer.next
        // The first reading shows what it has; a later one replaces the list as a whole, without flicker.
        queries.setQueryData<List>(queryKey, (old) =>
          old?.complete === true ? old : { items: [...items], complete: false, truncated: false },
        )
      }
      return { items, complete: true, truncated: true }
    },
  })

/** Puts what changed in the place of what was; a new organization joins at the end, order is the page's. */
export function patchList(
  organizations: ReadonlyMap<string, Organization>,
  connections: ReadonlyMap<string, Connection>,
): void {
  queries.setQueriesData<List>({ queryKey: ['organizations'] }, (old) => {
    if (old === undefined) return old
    const known = new Set<string>()
    const items = old.items.map((item) => {
      known.add(item.id)
      const organization = organizations.get(item.id) ?? item
      const connection = connections.get(item.id)
      return connection === undefined ? organization : { ...organization, connection }
    })
    for (const [id, organization] of organizations) if (!known.has(id)) items.push(organization)
    return { ...old, items }
  })
}
