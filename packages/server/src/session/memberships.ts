// A person's memberships, read as that person without an organization: the database shows the own ones
// and nothing else.
import type { Membership } from '@rowhouse/contracts'
import type { Rowhouse } from 'rowhouse'

const membershipsMax = 1000

export async function readMemberships(rowhouse: Rowhouse, userId: string): Promise<Membership[]> {
  const { rows } = await rowhouse.as({ organizationId: null, userId }).query<Membership>(
    `select o.id as "organizationId", o.slug, o.name, m.role,
      coalesce(r.permissions, '{}') || rowhouse.granted_connections(o.id) as permissions
    from rowhouse.members m
    join rowhouse.organizations o on o.id = m.organization_id
    left join rowhouse.roles r on r.name = m.role and (r.organization_id is null or r.organization_id = m.organization_id)
    where m.user_id = rowhouse.user_id()
    order by lower(o.name), o.id
    limit $1`,
    [membershipsMax],
  )
  return rows
}
