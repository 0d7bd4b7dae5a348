// The demo's cast: who signs in, which organization they belong to, which CRM account it has.
// Ids are fixed, so that links and sessions survive a restart.

export interface DemoPerson {
  readonly id: string
  readonly email: string
  readonly name: string
}

export interface DemoOrganization {
  readonly slug: string
  readonly name: string
  readonly plan: string
  readonly connector: 'hubspot' | 'salesforce'
  /** Portal id, or organization id of 15 characters. */
  readonly account: string
  readonly owner: DemoPerson
  readonly members: readonly { readonly person: DemoPerson; readonly role: 'admin' | 'member' | 'viewer' }[]
  /** Seed of its records: the same on every machine. */
  readonly seed: number
}

const ada: DemoPerson = { id: '0a0a0a0a-0000-4000-8000-000000000001', email: 'ada@acme.example', name: 'Ada Okafor' }
const bruno: DemoPerson = {
  id: '0a0a0a0a-0000-4000-8000-000000000002',
  email: 'bruno@birch.example',
  name: 'Bruno Keller',
}
const chen: DemoPerson = { id: '0a0a0a0a-0000-4000-8000-000000000003', email: 'chen@cedar.example', name: 'Chen Wei' }
/** A consultant who works for two organizations, one per browser tab. */
const dana: DemoPerson = {
  id: '0a0a0a0a-0000-4000-8000-000000000004',
  email: 'dana@consulting.example',
  name: 'Dana Novak',
}

export const demoPeople: readonly DemoPerson[] = [ada, bruno, chen, dana]

export const demoOrganizations: readonly DemoOrganization[] = [
  {
    slug: 'acme',
    name: 'Acme Robotics',
    plan: 'team',
    connector: 'hubspot',
    account: '48210011',
    owner: ada,
    members: [{ person: dana, role: 'member' }],
    seed: 4821,
  },
  {
    slug: 'birch',
    name: 'Birch Health',
    plan: 'team',
    connector: 'hubspot',
    account: '48210022',
    owner: bruno,
    members: [{ person: dana, role: 'viewer' }],
    seed: 4822,
  },
  {
    slug: 'cedar',
    name: 'Cedar Freight',
    plan: 'business',
    connector: 'salesforce',
    account: '00D5g000004CedA',
    owner: chen,
    members: [],
    seed: 4823,
  },
]
