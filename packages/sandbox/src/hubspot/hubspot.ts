// The simulated HubSpot: portals, routes under every path version, authentication, limits. Owns how
// these are put together and HubSpot's dialect of the pipeline; must not hold rules of its own.
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { Simulation } from '../control/simulated-crm.ts'
import { endpointsOf } from '../http/endpoints.ts'
import { pipeline } from '../http/pipeline.ts'
import type { Dialect } from '../http/pipeline.ts'
import { Refusal } from '../http/refusal.ts'
import { dailyMax } from '../oauth/editions.ts'
import type { Account } from '../oauth/account.ts'
import type { Env, World } from '../world.ts'
import { accountRoutes } from './account-routes.ts'
import { associationRoutes } from './association-routes.ts'
import { HubspotRefusal, correlationIds, notFound } from './errors.ts'
import { handOf } from './hand.ts'
import { oauthRoutes } from './oauth-routes.ts'
import { objectRoutes } from './object-routes.ts'
import { standardTypes } from './object-types.ts'
import type { ObjectType } from './object-types.ts'
import { openPortal } from './portal.ts'
import type { Portal } from './portal.ts'
import { propertyRoutes } from './property-routes.ts'
import { everything, renderRecord } from './render.ts'
import { ownerRoutes } from './owner-routes.ts'
import { pipelineRoutes } from './pipeline-routes.ts'
import { schemaRoutes } from './schema-routes.ts'
import { neededScope } from './scopes.ts'
import { webhookRoutes } from './webhook-routes.ts'
import { Webhooks } from './webhooks.ts'

export interface Hubspot extends Simulation {
  readonly webhooks: Webhooks
}

export function createHubspot(world: World): Hubspot {
  const portals = new Map<string, Portal>()
  const webhooks = new Webhooks(world)
  const portal = (account: Account): Portal => {
    const known = portals.get(account.id)
    if (known) return known
    const opened = openPortal(world, account, (id, events) => webhooks.publish(id, events))
    portals.set(account.id, opened)
    return opened
  }
  const portalOf = (context: Context<Env>): Portal => portal(context.get('caller').account)
  const app = new Hono<Env>()
  const nextCorrelationId = correlationIds(world.seeded)

  app.onError((error, context) => {
    if (!(error instanceof Refusal)) throw error
    const correlationId = nextCorrelationId()
    return context.json({ correlationId, ...(error.body as object) }, error.status, {
      ...error.headers,
      'x-hubspot-correlation-id': correlationId,
    })
  })
  const guarded = pipeline(world, dialect(world, portal))
  app.use('/crm/*', guarded)
  app.use('/account-info/*', guarded)
  app.use('/crm-object-schemas/*', guarded)
  app.route('/account-info', accountRoutes(world, portalOf))
  const associations = associationRoutes(world, portalOf)
  const objects = objectRoutes(world, portalOf)
  const properties = propertyRoutes(world, portalOf)
  for (const base of ['/crm/v4/objects', '/crm/v3/objects', '/crm/objects/2026-03'])
    app.route(base, associations.objects)
  for (const base of ['/crm/v3/objects', '/crm/objects/2026-03']) app.route(base, objects)
  for (const base of ['/crm/v3/properties', '/crm/properties/2026-03']) app.route(base, properties)
  for (const base of ['/crm/v4/associations', '/crm/associations/2026-03']) app.route(base, associations.v4)
  app.route('/crm/v3/associations', associations.v3)
  const schemas = schemaRoutes(portalOf)
  for (const base of ['/crm/v3/schemas', '/crm-object-schemas/v3/schemas', '/crm-object-schemas/2026-03/schemas'])
    app.route(base, schemas)
  app.route('/crm/v3/owners', ownerRoutes())
  app.route('/crm/v3/pipelines', pipelineRoutes())
  app.route('/webhooks/v3', webhookRoutes(world, webhooks))
  app.route('/', oauthRoutes(world))
  app.all('/crm/*', () => {
    throw notFound()
  })

  return {
    app,
    endpoints: endpointsOf(app),
    webhooks,
    objects: (account) => [
      ...standardTypes,
      ...portal(account)
        .schemas.all()
        .map(({ name }) => name),
    ],
    count: (account, object) => portal(account).of(portal(account).schemas.parse(object)).records.liveCount(),
    clear: (account) => portal(account).clear(),
    hand: (account) => handOf(portal(account)),
    records(account, object, archived) {
      const opened = portal(account)
      const type = opened.schemas.parse(object)
      return [...opened.of(type).records.all()]
        .filter((record) => record.mergedInto === undefined && (archived || !record.archived))
        .map((record) =>
          renderRecord(opened, type, record, { ...everything, associations: associatedTypes(opened, type) }),
        )
    },
    forget: (account) => void portals.delete(account),
  }
}

// In the order people look at them, without the type itself.
function associatedTypes(portal: Portal, type: ObjectType): ObjectType[] {
  return standardTypes.filter((other) => other !== type && portal.associations.knows(type, other).length > 0)
}

function dialect(world: World, portal: (account: Account) => Portal): Dialect {
  const unauthenticated = (category: string, message: string): HubspotRefusal =>
    new HubspotRefusal(401, { message, category })
  return {
    identify(context) {
      const value = /^Bearer (.+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
      const token = value === undefined ? undefined : world.tokens.find(value, 'access', 'static')
      const account = token && token.connector === 'hubspot' ? world.accounts.find(token.account) : undefined
      if (!token || !account || world.tokens.state(token) === 'revoked') {
        throw unauthenticated(
          'INVALID_AUTHENTICATION',
          'Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview',
        )
      }
      if (world.tokens.state(token) === 'expired') {
        const seconds = Math.floor((world.now() - (token.expiresAt ?? 0)) / 1000)
        throw unauthenticated(
          'EXPIRED_AUTHENTICATION',
          `The OAuth token used to make this call expired ${seconds} second(s) ago.`,
        )
      }
      return { account, token }
    },

    admit(context, { account, token }) {
      const scopes = neededScope(context.req.method, context.req.path, portal(account).schemas)
      const isNarrow = token.kind === 'static' || token.scopes.length > 0
      if (scopes && isNarrow && !scopes.some((scope) => world.tokens.allows(token, scope)))
        throw missingScope(scopes[0]!)
      const now = world.now()
      const { searches, daily, window } = portal(account)
      if (daily.used(now) >= dailyMax(account)) {
        throw limited('You have reached your daily limit.', 'DAILY')
      }
      // Search has a limit of its own, outside the ten-second one, and tells nothing about it.
      if (context.req.path.endsWith('/search')) {
        if (!searches.take(now)) throw limited('You have reached your secondly limit.', 'SECONDLY')
        daily.add(now)
        return {}
      }
      const own = window(token.appId)
      const headers = (): Record<string, string> => ({
        'x-hubspot-ratelimit-max': String(account.limits.tenSecondlyMax),
        'x-hubspot-ratelimit-remaining': String(Math.max(0, account.limits.tenSecondlyMax - own.used(now))),
        'x-hubspot-ratelimit-interval-milliseconds': '10000',
      })
      if (!own.take(now))
        throw limited('You have reached your ten_secondly_rolling limit.', 'TEN_SECONDLY_ROLLING', headers())
      daily.add(now)
      return headers()
    },

    refused: () => limited('You have reached your secondly limit.', 'SECONDLY'),
    failed() {
      const status = [500, 502, 503, 504][Math.floor(world.seeded.chance() * 4)] ?? 500
      return new HubspotRefusal(status, { message: 'internal error', category: 'INTERNAL_ERROR' })
    },
  }
}

function missingScope(scope: string): HubspotRefusal {
  return new HubspotRefusal(403, {
    message: `This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes.`,
    category: 'MISSING_SCOPES',
    errors: [
      {
        message: 'One or more of the following scopes are required.',
        context: { requiredGranularScopes: [scope] },
      },
    ],
  })
}

function limited(message: string, policyName: string, headers: Readonly<Record<string, string>> = {}): HubspotRefusal {
  return new HubspotRefusal(429, { message, errorType: 'RATE_LIMIT', category: 'RATE_LIMITS', policyName }, headers)
}
