// The simulated Salesforce: organizations, the data API under every version, sessions, limits. Owns how
// these are put together and Salesforce's dialect of the pipeline; must not hold rules of its own.
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { Simulation } from '../control/simulated-crm.ts'
import { readJson, readText } from '../http/body.ts'
import { endpointsBelow, endpointsOf } from '../http/endpoints.ts'
import { countWritten, pipeline } from '../http/pipeline.ts'
import type { Dialect } from '../http/pipeline.ts'
import { Refusal } from '../http/refusal.ts'
import { accessTokenLifetimeMs, dailyMax } from '../oauth/editions.ts'
import type { Account } from '../oauth/account.ts'
import type { Env, World } from '../world.ts'
import { perform, routes } from './api.ts'
import { apiVersions } from './describe.ts'
import { SalesforceRefusal, notFound } from './errors.ts'
import { handOf } from './hand.ts'
import { cometdRoutes } from './events/cometd.ts'
import { oauthRoutes } from './oauth-routes.ts'
import type { Answer } from './operation.ts'
import { objectOf } from './operation.ts'
import { openOrganization } from './organization.ts'
import type { Organization } from './organization.ts'
import type { Author } from './records.ts'
import { renderWhole } from './render.ts'

/** A request that has been under way this long counts as long. */
const longAfterMs = 20_000
/** †: the strictest of what is reported for REST bodies. */
const bodyBytesMax = 50 * 1024 * 1024
const latest = `v${apiVersions.at(-1)}.0`

export function createSalesforce(world: World): Simulation {
  const organizations = new Map<string, Organization>()
  const organization = (account: Account): Organization => {
    const known = organizations.get(account.id)
    if (known) return known
    const opened = openOrganization(world, account)
    organizations.set(account.id, opened)
    return opened
  }

  const app = new Hono<Env>()
  app.onError((error, context) => {
    if (!(error instanceof Refusal)) throw error
    if (typeof error.body === 'string') return context.text(error.body, error.status)
    return context.json(error.body as object, error.status, error.headers)
  })
  app.get('/services/data', (context) =>
    context.json(
      apiVersions.map((version) => ({
        label: `v${version}`,
        url: `/services/data/v${version}.0`,
        version: `${version}.0`,
      })),
    ),
  )
  app.use('/services/data/*', pipeline(world, dialect(world, organization)))
  app.all('/services/data/:version/*', (context) => answerData(world, organization, context))
  app.all('/services/data/:version', (context) => answerData(world, organization, context))
  app.route('/', oauthRoutes(world))
  app.route('/', cometdRoutes(world, organization))
  app.all('/services/*', () => {
    throw notFound()
  })

  return {
    app,
    endpoints: [...endpointsOf(app), ...endpointsBelow('/services/data/:version', routes)],
    objects: (account) => organization(account).schema.shown(),
    count: (account, object) => organization(account).records.liveCount(objectOf(organization(account), object)),
    clear: (account) => organization(account).records.clear(),
    hand: (account) => handOf(organization(account)),
    changeEvents(account, { gaps, overflow, forget }) {
      const opened = organization(account)
      if (gaps !== undefined) opened.changeEvents.gap(gaps)
      if (overflow !== undefined) opened.changeEvents.overflow(objectOf(opened, overflow))
      if (forget) opened.changeEvents.forget()
    },
    records(account, object, archived) {
      const opened = organization(account)
      const all = [...opened.records.all(objectOf(opened, object))]
      return all
        .filter((record) => archived || record.deletedAt === undefined)
        .map((record) => renderWhole(opened, record, latest))
    },
    forget: (account) => void organizations.delete(account),
  }
}

async function answerData(
  world: World,
  organization: (account: Account) => Organization,
  context: Context<Env>,
): Promise<Response> {
  const url = new URL(context.req.url)
  const [, version = '', path = ''] = /^\/services\/data\/v(\d+\.0)(\/.*)?$/.exec(url.pathname) ?? []
  if (!apiVersions.includes(Number(version))) throw notFound()
  const { account } = context.get('caller')
  const opened = organization(account)
  const headers = context.req.header()
  const answer = perform(
    { world, organization: opened, author: authorOf(opened, version, headers) },
    {
      method: context.req.method,
      path: path.replace(/(.)\/$/, '$1'),
      version: `v${version}`,
      query: url.searchParams,
      body: await readBody(context),
      headers,
    },
  )
  countWritten(context, answer.written ?? 0)
  return toResponse(context, answer)
}

function authorOf({ userId }: Organization, version: string, headers: Readonly<Record<string, string>>): Author {
  const client = /client=([^;,\s]+)/i.exec(headers['sforce-call-options'] ?? '')?.[1] ?? ''
  return {
    userId,
    origin: `com/salesforce/api/rest/${version};client=${client}`,
    allowDuplicates: /allowSave=true/i.test(headers['sforce-duplicate-rule-header'] ?? ''),
  }
}

function toResponse(context: Context<Env>, { status, body, headers = {} }: Answer): Response {
  if (typeof body === 'string') return context.body(body, status as 200, headers)
  if (body === undefined) return context.body(null, status as 204, headers)
  return context.json(body as object, status as 200, headers)
}

async function readBody(context: Context<Env>): Promise<unknown> {
  const type = context.req.header('content-type') ?? 'application/json'
  const isText = /^text\/csv\b/i.test(type)
  const body = isText ? await readText(context, bodyBytesMax) : await readJson(context, bodyBytesMax)
  if ('fault' in body) {
    if (body.fault === 'too-large') {
      throw new SalesforceRefusal(413, 'REQUEST_ENTITY_TOO_LARGE', 'The request body is larger than 50 MB.')
    }
    throw new SalesforceRefusal(
      400,
      'JSON_PARSER_ERROR',
      body.fault === 'not-utf8'
        ? 'Invalid UTF-8 in the request body'
        : 'Unexpected character in the request body: it is not JSON',
    )
  }
  if ('text' in body) return body.text
  if (body.value !== undefined && !/json\b/i.test(type)) {
    throw new SalesforceRefusal(
      415,
      'UNSUPPORTED_MEDIA_TYPE',
      `${type.slice(0, 80)} is not a content type this resource takes.`,
    )
  }
  return body.value
}

function dialect(world: World, organization: (account: Account) => Organization): Dialect {
  const limited = (message: string): SalesforceRefusal => new SalesforceRefusal(403, 'REQUEST_LIMIT_EXCEEDED', message)
  return {
    identify(context) {
      const value = /^(?:Bearer|OAuth) (.+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
      const token = value === undefined ? undefined : world.tokens.find(value, 'access', 'static')
      const account = token?.connector === 'salesforce' ? world.accounts.find(token.account) : undefined
      if (!token || !account || world.tokens.state(token) !== 'valid') {
        throw new SalesforceRefusal(401, 'INVALID_SESSION_ID', 'Session expired or invalid')
      }
      world.tokens.touch(token, accessTokenLifetimeMs(account))
      return { account, token }
    },

    enter({ account }) {
      const { underWay } = organization(account)
      const now = world.now()
      const long = [...underWay].filter(({ arrivedAt }) => now - arrivedAt >= longAfterMs)
      if (long.length >= account.limits.concurrentLongMax) {
        throw limited('ConcurrentRequests (Concurrent API Requests) Limit exceeded.')
      }
      const visit = { arrivedAt: now }
      underWay.add(visit)
      return () => void underWay.delete(visit)
    },

    admit(_context, { account }) {
      const { daily } = organization(account)
      const max = dailyMax(account)
      const used = daily.used(world.now())
      if (used >= max) throw limited('TotalRequests Limit exceeded.')
      daily.add(world.now())
      return { 'sforce-limit-info': `api-usage=${used + 1}/${max}` }
    },

    refused: () => limited('TotalRequests Limit exceeded.'),
    failed() {
      const status = [500, 503][Math.floor(world.seeded.chance() * 2)] ?? 500
      const code = status === 503 ? 'SERVER_UNAVAILABLE' : 'UNKNOWN_EXCEPTION'
      return new SalesforceRefusal(
        status,
        code,
        'An unexpected error occurred. Please include this ErrorId if you contact support.',
      )
    },
  }
}
