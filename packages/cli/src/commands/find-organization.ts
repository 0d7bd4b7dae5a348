// The organization that a command names, by slug or id.
import type { Client } from '@rowhouse/client'
import type { Organization } from '@rowhouse/contracts'
import { RowhouseError } from '@rowhouse/contracts'

/** Most pages that are read: 20,000 organizations. */
const PAGES_MAX = 100

/** All of them, or those whose name or slug matches. */
export async function listOrganizations(api: Client, search?: string): Promise<Organization[]> {
  const organizations: Organization[] = []
  let cursor: string | undefined
  for (let page = 0; page < PAGES_MAX; page++) {
    const { items, next } = await api.listOrganizations({
      query: { limit: 200, ...(search !== undefined && { search }), ...(cursor !== undefined && { cursor }) },
    })
    organizations.push(...items)
    if (next === null) break
    cursor = next
  }
  return organizations
}

/** @throws RowhouseError organization_not_found */
export async function findOrganization(api: Client, name: string): Promise<Organization> {
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(name)) return api.getOrganization({ params: { organizationId: name } })
  const found = (await listOrganizations(api, name)).find(({ slug }) => slug === name)
  if (found === undefined) throw new RowhouseError('organization_not_found', `No organization has the slug ${name}.`)
  return found
}
