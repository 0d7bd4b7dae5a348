// Made-up organizations and changes in the shape of the contracts, the same on every run. For looking
// at the console and for its tests; nothing of it is in the build.
import type {
  ActivityItem,
  Connection,
  ConnectionDetail,
  ConnectionState,
  ObjectMappingItem,
  Organization,
  PlacementDetail,
} from '@rowhouse/contracts'

/** The instant at which every fixture is seen. */
export const FIXTURE_NOW_MS = Date.parse('2026-03-10T12:00:00.000Z')
export const ago = (ms: number): string => new Date(FIXTURE_NOW_MS - ms).toISOString()
export const uuid = (kind: number, index: number): string =>
  `${kind.toString(16).padStart(8, '0')}-0000-4000-8000-${index.toString(16).padStart(12, '0')}`

const names = [
  'Acme Freight',
  'Birch & Vale',
  'Cobalt Health',
  'Dunmore Legal',
  'Elm Street Bakery',
  'Fjord Robotics',
  'Granary Foods',
  'Harbour Analytics',
  'Ironside Security',
  'Juniper Travel',
  'Kestrel Energy',
  'Larkspur Media',
]
const plans = ['free', 'team', 'business', 'enterprise']
const states: readonly (ConnectionState | null)[] = [
  'live',
  'live',
  'backfilling',
  'live',
  'paused',
  'live',
  'degraded',
  'live',
  'disconnected',
  null,
  'live',
  'live',
]
const reasons: Partial<Record<ConnectionState, string>> = {
  paused: 'Paused by ada@example.com to import a spreadsheet.',
  degraded: 'The daily API budget is nearly used up; changes are sent in larger, rarer batches.',
  disconnected: 'HubSpot says that the refresh token was revoked.',
}

function objectsOf(index: number, state: ConnectionState): Connection['objects'] {
  const contacts = 1200 + ((index * 7919) % 40_000)
  const companies = Math.round(contacts / 9)
  const backfilling = state === 'backfilling'
  return [
    {
      object: 'company',
      table: 'companies',
      records: companies,
      backfilled: companies,
      expected: companies,
      backfillDone: true,
    },
    {
      object: 'contact',
      table: 'contacts',
      records: backfilling ? Math.round(contacts * 0.41) : contacts,
      backfilled: backfilling ? Math.round(contacts * 0.41) : contacts,
      expected: contacts,
      backfillDone: !backfilling,
    },
  ]
}

export function connectionOf(index: number, state: ConnectionState): Connection {
  const objects = objectsOf(index, state)
  const connector = index % 3 === 1 ? 'salesforce' : 'hubspot'
  return {
    id: uuid(0xc, index),
    organizationId: uuid(0xa, index),
    connector,
    account: connector === 'hubspot' ? String(4_400_100 + index) : `00D5f00000${index}EAK`,
    accountName: `${names[index % names.length]} (production)`,
    state,
    stateReason: reasons[state] ?? null,
    lagMs:
      state === 'live'
        ? ([0, 180, 0, 420][index % 4] ?? 0)
        : state === 'degraded'
          ? 94_000
          : state === 'paused'
            ? 1_260_000
            : 0,
    latencyMs:
      state === 'backfilling'
        ? { outbound: null, inbound: null }
        : { outbound: { p50: 212 + index, p99: 840 + index }, inbound: { p50: 640 + index, p99: 2310 + index } },
    records: objects.reduce((sum, { records }) => sum + records, 0),
    deadLetters: index % 12 === 3 ? 2 : 0,
    conflicts: index % 12 === 3 || index % 12 === 7 ? 1 : 0,
    lastError:
      state === 'degraded'
        ? { code: 'budget_exhausted', message: 'The API budget of the CRM account is used up.', at: ago(95_000) }
        : null,
    lastSyncedAt: state === 'backfilling' ? null : ago(4000 + index * 1700),
    pollIntervalMs: connector === 'hubspot' ? 300_000 : 30_000,
    webhooks: connector === 'hubspot',
    events:
      connector === 'salesforce'
        ? { state: 'connected', since: ago(3_600_000), lastEventAt: ago(9000 + index * 700), lagMs: 420, reason: null }
        : null,
    objects,
    createdAt: ago((90 + index) * 86_400_000),
  }
}

export const detailOf = (connection: Connection): ConnectionDetail => ({
  ...connection,
  budgets: [
    {
      name: 'requests',
      kind: 'window',
      windowMs: 10_000,
      used: connection.state === 'degraded' ? 110 : 34,
      limit: 110,
      closedUntil: connection.state === 'degraded' ? ago(-42_000) : null,
    },
    { name: 'search', kind: 'window', windowMs: 1000, used: 1, limit: 5, closedUntil: null },
    {
      name: 'requests',
      kind: 'day',
      windowMs: null,
      used: connection.state === 'degraded' ? 241_800 : 61_204,
      limit: 250_000,
      closedUntil: null,
    },
    { name: 'requests', kind: 'concurrent', windowMs: null, used: 2, limit: 8, closedUntil: null },
  ],
})

/** As the default mapping of a CRM has it. */
export const mappingOf = ({ connector }: Pick<Connection, 'connector'>): ObjectMappingItem[] => {
  const isHubSpot = connector === 'hubspot'
  return [
    {
      object: 'company',
      table: 'companies',
      fields: [
        { column: 'name', field: isHubSpot ? 'name' : 'Name' },
        { column: 'domain', field: isHubSpot ? 'domain' : 'Website' },
        { column: 'employees', field: isHubSpot ? 'numberofemployees' : 'NumberOfEmployees' },
      ],
      references: [],
      matchBy: ['domain', 'name'],
    },
    {
      object: 'contact',
      table: 'contacts',
      fields: [
        { column: 'email', field: isHubSpot ? 'email' : 'Email' },
        { column: 'first_name', field: isHubSpot ? 'firstname' : 'FirstName' },
        { column: 'last_name', field: isHubSpot ? 'lastname' : 'LastName' },
        { column: 'preferred_channel_of_communication', field: 'Preferred_Channel_Of_Communication__c' },
      ],
      references: [{ column: 'company_id', reference: isHubSpot ? 'company' : 'AccountId' }],
      matchBy: ['email'],
    },
  ]
}

export function organizationOf(index: number): Organization {
  const turn = Math.floor(index / names.length)
  const name = `${names[index % names.length]}${turn === 0 ? '' : ` ${turn + 1}`}`
  const state = states[index % states.length] ?? null
  return {
    id: uuid(0xa, index),
    slug: name.toLowerCase().replace(/[^a-z0-9]+/g, '-'),
    name,
    plan: plans[index % plans.length] as string,
    isolation: (['shared', 'shared', 'schema', 'database'] as const)[index % 4] as Organization['isolation'],
    wantedIsolation: index % 4 === 1 ? 'database' : null,
    status: 'active',
    members: 1 + (index % 23),
    connection: state === null ? null : connectionOf(index, state),
    createdAt: ago((100 + index) * 86_400_000),
  }
}

const people = [
  ['Grace Hopper', 'grace.hopper@example.com'],
  ['Alan Turing', 'alan.turing@example.com'],
  ['Radia Perlman', 'radia@example.com'],
  ['Edsger Dijkstra', 'edsger@example.com'],
  ['Barbara Liskov', 'barbara@example.com'],
  ['Donald Knuth', 'don@example.com'],
] as const
const edits = [
  { field: 'title', before: 'Engineer', after: 'Staff engineer' },
  { field: 'phone', before: null, after: '+44 20 7946 0958' },
  { field: 'email', before: 'g.hopper@example.com', after: 'grace.hopper@example.com' },
  { field: 'last_name', before: 'Hoper', after: 'Hopper' },
  { field: 'company_id', before: null, after: '0c4f2c1e-8f6a-4f0e-9d0c-6b1d6f3e2a11' },
] as const

/** The change at a position of an organization's log; larger positions are newer, 7 s apart. */
export function activityOf(organizationIndex: number, seq: number, seqMax: number): ActivityItem {
  const direction = (['outbound', 'inbound', 'outbound', 'inbound', 'local'] as const)[
    seq % 5
  ] as ActivityItem['direction']
  const ageMs = (seqMax - seq) * 7000 + 3000
  const [name, email] = people[seq % people.length] as (typeof people)[number]
  const pending = direction === 'outbound' && seqMax - seq < 2
  const parked = direction === 'outbound' && seq % 25 === 7
  const local = direction === 'local'
  const action = seq % 11 === 4 ? 'insert' : seq % 37 === 13 ? 'delete' : 'update'
  const changes =
    action === 'insert'
      ? [
          { field: 'email', before: null, after: email },
          { field: 'first_name', before: null, after: name.split(' ')[0] as string },
          { field: 'title', before: null, after: 'Engineer' },
        ]
      : action === 'delete'
        ? []
        : edits.slice(seq % 5, (seq % 5) + 1 + (seq % 3 === 0 ? 1 : 0))
  return {
    seq: String(seq),
    organizationId: uuid(0xa, organizationIndex),
    at: ago(ageMs),
    direction,
    status: local
      ? 'logged'
      : direction === 'inbound'
        ? 'applied'
        : pending
          ? 'pending'
          : parked
            ? 'parked'
            : 'delivered',
    deliveredAt: direction === 'outbound' && !pending && !parked ? ago(ageMs - 180 - ((seq * 37) % 420)) : null,
    connector: local ? null : organizationIndex % 3 === 1 ? 'salesforce' : 'hubspot',
    connectionId: local ? null : uuid(0xc, organizationIndex),
    action,
    table: local ? 'notes' : seq % 4 === 1 ? 'companies' : 'contacts',
    recordId: uuid(0xd, seq % people.length),
    label: local ? null : name,
    remoteId: local ? null : String(90_210 + (seq % people.length)),
    changes: [...changes],
    actor:
      direction === 'inbound'
        ? { kind: 'sync', id: uuid(0xc, organizationIndex), name: null }
        : seq % 3 === 0
          ? { kind: 'service', id: 'billing', name: 'billing' }
          : { kind: 'user', id: uuid(0xe, 1), name: 'ada@example.com' },
  }
}

/** Where an organization lives, and where its plan wants it. */
export function placementOf({ id, slug, plan, isolation, wantedIsolation }: Organization): PlacementDetail {
  const place = `h_${id.replaceAll('-', '').slice(0, 16)}`
  return {
    organizationId: id,
    slug,
    plan,
    isolation,
    cluster: 'main',
    region: 'eu-west',
    databaseName: isolation === 'database' ? place : null,
    schemaName: isolation === 'schema' ? place : null,
    login: null,
    state: 'active',
    epoch: 1,
    wanted: wantedIsolation === null ? null : { isolation: wantedIsolation, cluster: null },
    former: [],
    farewells: [],
  }
}
