import { z } from 'zod'
import { endpoint } from '../endpoint.ts'
import { isolationModel } from './organizations.ts'

const slug = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens, at most 63')
const bound = z.int().min(1).max(2_000_000_000).nullable()

/** What an organization may have; null: not bounded. */
const limits = {
  /** Connections that one process of an application holds for one organization. */
  connectionsMax: bound,
  /** Connections to a home that one process keeps when they rest. */
  connectionsMin: bound,
  /** Transactions of one organization at the same time, over all processes. */
  concurrencyMax: bound,
  /** How long a query waits for a connection. */
  acquireTimeoutMs: bound,
  /** How long a connection to a home rests before it is closed. */
  idleTimeoutMs: bound,
  /** Connections of the login of a home, over all processes. */
  loginConnectionsMax: bound,
  statementTimeoutMs: bound,
  idleInTransactionTimeoutMs: bound,
}

export const plan = z
  .object({
    id: z.string(),
    name: z.string(),
    isolation: isolationModel,
    /** Null: any. */
    region: z.string().nullable(),
    cluster: z.string().nullable(),
    ...limits,
    /** Whether its organizations are owed a key of their own for what rests; advice goes by it. */
    ownKey: z.boolean(),
    organizations: z.int(),
  })
  .meta({ id: 'Plan' })
export type Plan = z.infer<typeof plan>

export const listPlans = endpoint({
  id: 'listPlans',
  method: 'GET',
  path: '/v1/plans',
  summary: 'Plans: where their organizations live and what they may use',
  tag: 'plans',
  access: 'operator',
  audit: null,
  response: z.object({ items: z.array(plan) }),
})

export const setPlan = endpoint({
  id: 'setPlan',
  method: 'PUT',
  path: '/v1/plans/:planId',
  summary: 'Make a plan or change one; what is not named stays. Organizations that live elsewhere have it noted',
  tag: 'plans',
  access: 'operator',
  audit: 'plan.set',
  body: z.object({
    name: z.string().trim().min(1).max(200).optional(),
    isolation: isolationModel.optional(),
    region: slug.nullable().optional(),
    cluster: slug.nullable().optional(),
    ...z.object(limits).partial().shape,
    ownKey: z.boolean().optional(),
  }),
  response: plan,
  errors: ['cluster_unknown'],
})

export const placement = z
  .object({
    organizationId: z.uuid(),
    slug: z.string(),
    plan: z.string(),
    isolation: isolationModel,
    cluster: z.string(),
    region: z.string(),
    /** Null: the catalogue's. */
    databaseName: z.string().nullable(),
    schemaName: z.string().nullable(),
    login: z.string().nullable(),
    /** `placing`: its home is being made. */
    state: z.enum(['placing', 'active', 'moving', 'moved']),
    epoch: z.int(),
    /** What the plan asks for and is not so yet; a move closes the difference. */
    wanted: z.object({ isolation: isolationModel.nullable(), cluster: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'Placement' })
export type Placement = z.infer<typeof placement>

/** What an organization has left behind. */
export const formerHome = z.object({
  cluster: z.string(),
  /** Null: the catalogue's. */
  databaseName: z.string().nullable(),
  schemaName: z.string(),
  login: z.string(),
  isolation: isolationModel,
  retiredAt: z.iso.datetime(),
  /** Not dropped before. */
  keptUntil: z.iso.datetime(),
  /** Since when its login lets nobody in; null: about to be. */
  lockedAt: z.iso.datetime().nullable(),
  /** What the last attempt to lock or drop it failed with; it is tried again. */
  error: z.string().nullable(),
})
export type FormerHome = z.infer<typeof formerHome>

export const placementDetail = placement
  .extend({
    former: z.array(formerHome),
    /** Databases that do not know yet that the organization has left them, and why not. */
    farewells: z.array(
      z.object({ cluster: z.string(), databaseName: z.string(), attempts: z.int(), error: z.string().nullable() }),
    ),
  })
  .meta({ id: 'PlacementDetail' })
export type PlacementDetail = z.infer<typeof placementDetail>

export const listPlacements = endpoint({
  id: 'listPlacements',
  method: 'GET',
  path: '/v1/placements',
  summary: 'Where organizations live, by id',
  tag: 'plans',
  access: 'operator',
  audit: null,
  query: z.object({
    cluster: slug.optional(),
    /** `true`: only those that shall live elsewhere. */
    wanted: z.enum(['true', 'false']).default('false'),
    /** The `next` of the page before. */
    cursor: z.uuid().optional(),
    limit: z.coerce.number().int().min(1).max(200).default(100),
  }),
  response: z.object({ items: z.array(placement), next: z.uuid().nullable() }),
})

export const getPlacement = endpoint({
  id: 'getPlacement',
  method: 'GET',
  path: '/v1/organizations/:organizationId/placement',
  summary: 'Where an organization lives, where its plan wants it, and what it has left behind',
  tag: 'plans',
  access: 'operator',
  audit: null,
  response: placementDetail,
  errors: ['organization_not_found'],
})

export const setOrganizationPlan = endpoint({
  id: 'setOrganizationPlan',
  method: 'PUT',
  path: '/v1/organizations/:organizationId/plan',
  summary: 'Give an organization another plan: its limits at once, its home by a move',
  tag: 'plans',
  access: 'operator',
  audit: 'organization.plan',
  body: z.object({ plan: slug }),
  response: placement,
  errors: ['organization_not_found', 'plan_unknown'],
})

export const organizationLimits = z
  .object({
    /** Of its own line; null: as its plan says. */
    own: z.object(limits),
    /** Both together: what holds. */
    effective: z.object(limits),
  })
  .meta({ id: 'OrganizationLimits' })
export type OrganizationLimits = z.infer<typeof organizationLimits>

export const getOrganizationLimits = endpoint({
  id: 'getOrganizationLimits',
  method: 'GET',
  path: '/v1/organizations/:organizationId/limits',
  summary: 'What an organization may have: its own line, and what holds with its plan',
  tag: 'plans',
  access: 'operator',
  audit: null,
  response: organizationLimits,
  errors: ['organization_not_found'],
})

export const setOrganizationLimits = endpoint({
  id: 'setOrganizationLimits',
  method: 'PUT',
  path: '/v1/organizations/:organizationId/limits',
  summary:
    'Give an organization limits of its own, before those of its plan; null gives way to the plan, what is not named stays',
  tag: 'plans',
  access: 'operator',
  audit: 'organization.limits',
  body: z.object(limits).partial(),
  response: organizationLimits,
  errors: ['organization_not_found'],
})
