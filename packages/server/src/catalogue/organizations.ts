// Organizations as the API shows them, read from the catalogue by id or page. Which ids may be read is
// the caller's decision, made before.
import type { Organization } from '@rowhouse/contracts'
import type { Catalogue } from './catalogue.ts'

export type OrganizationRow = Omit<Organization, 'connection'>

interface Row {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly plan: string
  readonly isolation: Organization['isolation']
  readonly wanted_isolation: Organization['wantedIsolation']
  readonly status: Organization['status']
  readonly members: number
  readonly created_at: Date
}

const columns = `
select o.id, o.slug, o.name, o.plan, coalesce(p.isolation, 'shared') as isolation,
  case when p.state <> 'placing' then p.wanted_isolation end as wanted_isolation, o.status,
  (select count(*)::int from rowhouse.members m where m.organization_id = o.id) as members,
  o.created_at
from rowhouse.organizations o
left join rowhouse.placements p on p.organization_id = o.id`

const toOrganization = (row: Row): OrganizationRow => ({
  id: row.id,
  slug: row.slug,
  name: row.name,
  plan: row.plan,
  isolation: row.isolation,
  wantedIsolation: row.wanted_isolation,
  status: row.status,
  members: row.members,
  createdAt: row.created_at.toISOString(),
})

export async function readOrganizations(catalogue: Catalogue, ids: readonly string[]): Promise<OrganizationRow[]> {
  const rows = await catalogue.query<Row>(`${columns} where o.id = any ($1::uuid[])`, [ids])
  return rows.map(toOrganization)
}

export interface OrganizationPage {
  /** Null: every organization; else only these. */
  readonly among: readonly string[] | null
  readonly search: string | null
  /** The id of the last organization of the page before. */
  readonly after: string | null
  readonly limit: number
}

/** By name, then id; one more than the limit when there is a next page. */
export async function pageOrganizations(catalogue: Catalogue, page: OrganizationPage): Promise<OrganizationRow[]> {
  const rows = await catalogue.query<Row>(
    `${columns}
    where ($1::uuid[] is null or o.id = any ($1))
      and ($2::text is null or o.name ilike $2 or o.slug ilike $2)
      and ($3::uuid is null or (lower(o.name), o.id) > (
        select lower(last.name), last.id from rowhouse.organizations last
        -- One of the caller's own as well, or the page would tell how another organization's name sorts.
        where last.id = $3 and ($1::uuid[] is null or last.id = any ($1))
      ))
    order by lower(o.name), o.id
    limit $4`,
    [
      page.among,
      page.search === null ? null : `%${page.search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`,
      page.after,
      page.limit + 1,
    ],
  )
  return rows.map(toOrganization)
}
