import { z } from 'zod'
import { endpoint } from '../endpoint.ts'
import { mappingChoice } from './object-mapping.ts'

export const connectionState = z
  .enum(['disconnected', 'authorizing', 'matching', 'backfilling', 'live', 'degraded', 'resyncing', 'paused'])
  .meta({ id: 'ConnectionState' })
export type ConnectionState = z.infer<typeof connectionState>

export const objectProgress = z
  .object({
    object: z.string(),
    table: z.string(),
    /** Records linked on both sides. */
    records: z.int(),
    /** Records read by the backfill so far. */
    backfilled: z.int(),
    /** What the CRM says there are in all; null when it does not say. */
    expected: z.int().nullable(),
    backfillDone: z.boolean(),
  })
  .meta({ id: 'ObjectProgress' })
export type ObjectProgress = z.infer<typeof objectProgress>

export const budgetUse = z
  .object({
    name: z.string(),
    /** `window`: calls in the window of windowMs · `day`: calls since midnight UTC · `concurrent`: calls under way. */
    kind: z.enum(['window', 'day', 'concurrent']),
    windowMs: z.int().nullable(),
    used: z.int(),
    limit: z.int(),
    /** When the account's gate opens again after the provider asked to wait; null while open. */
    closedUntil: z.iso.datetime().nullable(),
  })
  .meta({ id: 'BudgetUse' })
export type BudgetUse = z.infer<typeof budgetUse>

export const changeEvents = z
  .object({
    /** `reconnecting`: tried again by itself, within seconds · `unavailable`: the CRM refuses it, `reason` says what to do. */
    state: z.enum(['connected', 'reconnecting', 'unavailable']),
    /** Since when; null before the first attempt. */
    since: z.iso.datetime().nullable(),
    /** When the last change that was told was committed in the CRM. */
    lastEventAt: z.iso.datetime().nullable(),
    /** How long that change was on its way here, in milliseconds. */
    lagMs: z.int().nullable(),
    /** Why it is not connected or not relied on; null when it is. */
    reason: z.string().nullable(),
  })
  .meta({ id: 'ChangeEvents' })
export type ChangeEvents = z.infer<typeof changeEvents>

export const connection = z
  .object({
    id: z.uuid(),
    organizationId: z.uuid(),
    connector: z.string(),
    /** The provider's id of the account. */
    account: z.string(),
    accountName: z.string().nullable(),
    state: connectionState,
    /** Why it is paused or degraded. */
    stateReason: z.string().nullable(),
    /** Age of the oldest change that has not arrived on the other side, in milliseconds; 0 when all has. */
    lagMs: z.int(),
    /** Median and 99th percentile of the last changes' time to the other side; null before the first. */
    latencyMs: z.object({
      outbound: z.object({ p50: z.number(), p99: z.number() }).nullable(),
      inbound: z.object({ p50: z.number(), p99: z.number() }).nullable(),
    }),
    records: z.int(),
    deadLetters: z.int(),
    conflicts: z.int(),
    lastError: z.object({ code: z.string(), message: z.string(), at: z.iso.datetime() }).nullable(),
    lastSyncedAt: z.iso.datetime().nullable(),
    /** How often the CRM is polled: within a tenth of the daily quota, and rarely while its event stream tells of changes. */
    pollIntervalMs: z.int(),
    webhooks: z.boolean(),
    /** The stream in which the CRM tells of changes; null where it has none. */
    events: changeEvents.nullable(),
    objects: z.array(objectProgress),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'Connection' })
export type Connection = z.infer<typeof connection>

export const connectionDetail = connection.extend({ budgets: z.array(budgetUse) }).meta({ id: 'ConnectionDetail' })
export type ConnectionDetail = z.infer<typeof connectionDetail>

export const connector = z
  .object({
    id: z.string(),
    name: z.string(),
    objects: z.array(z.string()),
    webhooks: z.boolean(),
    /** Whether an account can be connected on the provider's own page: its OAuth app is set. */
    canAuthorize: z.boolean(),
    tier: z.enum(['certified', 'declarative', 'connectable']),
  })
  .meta({ id: 'Connector' })
export type ConnectorItem = z.infer<typeof connector>

const items = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) })

export const listConnectors = endpoint({
  id: 'listConnectors',
  method: 'GET',
  path: '/v1/connectors',
  summary: 'The CRMs an organization can connect',
  tag: 'connections',
  access: 'signed_in',
  audit: null,
  response: items(connector),
})

export const listConnections = endpoint({
  id: 'listConnections',
  method: 'GET',
  path: '/v1/organizations/:organizationId/connections',
  summary: "An organization's connections, as far as the caller may see them",
  tag: 'connections',
  access: { permission: 'connections.read', per: 'connection' },
  audit: null,
  response: items(connection),
  errors: ['organization_not_found'],
})

export const createConnection = endpoint({
  id: 'createConnection',
  method: 'POST',
  path: '/v1/organizations/:organizationId/connections',
  summary: 'Connect a CRM account with credentials that exist already',
  tag: 'connections',
  access: { permission: 'connections.manage' },
  audit: 'connection.create',
  body: z.object({
    connector: z.string(),
    accessToken: z.string().min(1).max(8192),
    refreshToken: z.string().min(1).max(8192).nullish(),
    /** OAuth app that the refresh token belongs to, and that signs webhooks. */
    clientId: z.string().max(512).nullish(),
    /** Of a machine-to-machine login: the private key, in PEM. */
    clientSecret: z.string().max(8192).nullish(),
    /** Base URL of the account's API. @default the provider's; Salesforce and NetSuite need the account's own */
    baseUrl: z.url().nullish(),
    /** Where tokens are refreshed, when it is not below the base URL. */
    tokenUrl: z.url().nullish(),
    /** What is synced, into which tables. @default the connector's mapping, as far as the tables exist */
    mapping: mappingChoice.optional(),
  }),
  response: connection,
  errors: [
    'organization_not_found',
    'connector_unknown',
    'connection_exists',
    'mapping_invalid',
    'credentials_refused',
    'connector_unreachable',
  ],
})

export const getConnection = endpoint({
  id: 'getConnection',
  method: 'GET',
  path: '/v1/organizations/:organizationId/connections/:connectionId',
  summary: 'One connection, its backfill and its budget use',
  tag: 'connections',
  access: { permission: 'connections.read', per: 'connection' },
  audit: null,
  response: connectionDetail,
  errors: ['organization_not_found', 'connection_not_found'],
})

export const removeConnection = endpoint({
  id: 'removeConnection',
  method: 'DELETE',
  path: '/v1/organizations/:organizationId/connections/:connectionId',
  summary: 'End a connection for good and erase its credentials; rows and records stay as they are on both sides',
  tag: 'connections',
  access: { permission: 'connections.manage', per: 'connection' },
  audit: 'connection.remove',
  response: z.object({ removed: z.literal(true) }),
  errors: ['organization_not_found', 'connection_not_found'],
})

export const pauseConnection = endpoint({
  id: 'pauseConnection',
  method: 'POST',
  path: '/v1/organizations/:organizationId/connections/:connectionId/pause',
  summary: 'Stop syncing; nothing is lost, it goes on from here when resumed',
  tag: 'connections',
  access: { permission: 'connections.manage', per: 'connection' },
  audit: 'connection.pause',
  response: connection,
  errors: ['organization_not_found', 'connection_not_found', 'connection_wrong_state'],
})

export const resumeConnection = endpoint({
  id: 'resumeConnection',
  method: 'POST',
  path: '/v1/organizations/:organizationId/connections/:connectionId/resume',
  summary: 'Go on syncing',
  tag: 'connections',
  access: { permission: 'connections.manage', per: 'connection' },
  audit: 'connection.resume',
  response: connection,
  errors: ['organization_not_found', 'connection_not_found', 'connection_wrong_state'],
})

export const resyncConnection = endpoint({
  id: 'resyncConnection',
  method: 'POST',
  path: '/v1/organizations/:organizationId/connections/:connectionId/resync',
  summary: 'Read every record again and make both sides equal; changes go on meanwhile',
  tag: 'connections',
  access: { permission: 'connections.manage', per: 'connection' },
  audit: 'connection.resync',
  response: connection,
  errors: ['organization_not_found', 'connection_not_found', 'connection_wrong_state'],
})

export const testConnection = endpoint({
  id: 'testConnection',
  method: 'POST',
  path: '/v1/organizations/:organizationId/connections/:connectionId/test',
  summary: 'Call the CRM once and say whether the credentials work',
  tag: 'connections',
  access: { permission: 'connections.manage', per: 'connection' },
  audit: 'connection.test',
  response: z.object({
    ok: z.literal(true),
    account: z.string(),
    accountName: z.string().nullable(),
    durationMs: z.number(),
  }),
  errors: ['organization_not_found', 'connection_not_found', 'credentials_refused', 'connector_unreachable'],
})

export const connectorApp = z
  .object({
    connector: z.string(),
    clientId: z.string(),
    /** Asked for besides what the connector needs. */
    scopes: z.array(z.string()),
    /** Where tokens and consent are, when they are not the provider's own. */
    baseUrl: z.string().nullable(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: 'ConnectorApp' })
export type ConnectorApp = z.infer<typeof connectorApp>

export const listConnectorApps = endpoint({
  id: 'listConnectorApps',
  method: 'GET',
  path: '/v1/connectors/apps',
  summary: 'The OAuth apps that the product is registered as; without their secrets',
  tag: 'connections',
  access: 'operator',
  audit: null,
  response: items(connectorApp),
})

export const setConnectorApp = endpoint({
  id: 'setConnectorApp',
  method: 'PUT',
  path: '/v1/connectors/:connector/app',
  summary: 'Store the OAuth app of a CRM; the secret is sealed and never shown again',
  tag: 'connections',
  access: 'operator',
  audit: 'connector_app.set',
  body: z.object({
    clientId: z.string().min(1).max(512),
    clientSecret: z.string().min(1).max(512),
    scopes: z.array(z.string().min(1).max(200)).max(100).optional(),
    baseUrl: z.url().nullish(),
  }),
  response: connectorApp,
  errors: ['connector_unknown'],
})

export const removeConnectorApp = endpoint({
  id: 'removeConnectorApp',
  method: 'DELETE',
  path: '/v1/connectors/:connector/app',
  summary: 'Forget the OAuth app of a CRM; its connections cannot refresh any more',
  tag: 'connections',
  access: 'operator',
  audit: 'connector_app.remove',
  response: z.object({ removed: z.boolean() }),
})

export const authorizeConnection = endpoint({
  id: 'authorizeConnection',
  method: 'POST',
  path: '/v1/organizations/:organizationId/connections/authorize',
  summary: "Begin to connect an account on the CRM's own page",
  tag: 'connections',
  access: { permission: 'connections.manage', per: 'connection' },
  audit: 'connection.authorize',
  body: z.object({
    connector: z.string().max(64),
    /** Gives this connection new credentials instead of making another. */
    connectionId: z.uuid().nullish(),
    /** Base URL of the account's API, such as a Salesforce domain. @default the provider's */
    baseUrl: z.url().nullish(),
    /** Path of the console that the browser comes back to. @default "/" */
    returnTo: z.string().max(500).optional(),
  }),
  /** The browser of the person who asked opens this address, once, within ten minutes. */
  response: z.object({ url: z.url(), expiresAt: z.iso.datetime() }),
  errors: ['organization_not_found', 'connector_unknown', 'connector_app_missing', 'connection_not_found'],
})
