// Creates the demo's plans, people and organizations in the catalogue, once.
import { Client } from 'pg'
import { demoOrganizations, demoPeople } from '../demo/people.ts'
import type { DemoOrganization } from '../demo/people.ts'

export interface StackOrganization extends DemoOrganization {
  readonly id: string
  readonly isolation: string
}

/** One of each model: `rowhouse org create acme --plan enterprise` gives a database with the demo's tables. */
const plans = [
  { id: 'team', name: 'Team', isolation: 'shared' },
  { id: 'business', name: 'Business', isolation: 'shared' },
  { id: 'scale', name: 'Scale', isolation: 'schema' },
  { id: 'enterprise', name: 'Enterprise', isolation: 'database' },
] as const

/** @param controlUrl login of the catalogue */
export async function ensureOrganizations(controlUrl: string): Promise<StackOrganization[]> {
  const client = new Client({ connectionString: controlUrl })
  await client.connect()
  try {
    for (const { id, name, isolation } of plans)
      await client.query(
        'insert into rowhouse.plans (id, name, isolation) values ($1, $2, $3) on conflict (id) do nothing',
        [id, name, isolation],
      )
    for (const { id, email, name } of demoPeople)
      await client.query(
        'insert into rowhouse.users (id, email, name) values ($1, $2, $3) on conflict (id) do nothing',
        [id, email, name],
      )
    const ensured: StackOrganization[] = []
    for (const organization of demoOrganizations) ensured.push(await ensureOrganization(client, organization))
    return ensured
  } finally {
    await client.end()
  }
}

async function ensureOrganization(client: Client, organization: DemoOrganization): Promise<StackOrganization> {
  const find = () =>
    client.query<{ id: string; isolation: string }>(
      `select o.id, p.isolation
      from rowhouse.organizations o
      join rowhouse.placements p on p.organization_id = o.id
      where o.slug = $1`,
      [organization.slug],
    )
  let found = (await find()).rows[0]
  if (found === undefined) {
    await client.query('select rowhouse.create_organization($1, $2, $3, $4)', [
      organization.name,
      organization.slug,
      organization.owner.id,
      organization.plan,
    ])
    found = (await find()).rows[0] as { id: string; isolation: string }
  }
  for (const { person, role } of organization.members)
    await client.query(
      `insert into rowhouse.members (organization_id, user_id, role) values ($1, $2, $3)
      on conflict (organization_id, user_id) do nothing`,
      [found.id, person.id, role],
    )
  return { ...organization, ...found }
}
