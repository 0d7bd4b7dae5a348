// The simulated NetSuite: companies, the REST services, logins of three kinds, the limit of how many
// requests there may be at once. Owns how these are put together and NetSuite's dialect of the pipeline;
// must not hold rules of its own.
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { Simulation } from '../control/simulated-crm.ts'
import { readJson } from '../http/body.ts'
import { endpointsBelow, endpointsOf } from '../http/endpoints.ts'
import { countWritten, pipeline } from '../http/pipeline.ts'
import type { Dialect } from '../http/pipeline.ts'
import { Refusal } from '../http/refusal.ts'
import type { Account } from '../oauth/account.ts'
import { concurrencyMax } from '../oauth/editions.ts'
import type { Caller, Env, World } from '../world.ts'
import { checkBatch, isBatch, runBatch } from './batch.ts'
import { openCompany } from './company.ts'
import type { Company } from './company.ts'
import {
  NetsuiteRefusal,
  invalidContent,
  invalidHeader,
  invalidLogin,
  noSuchResource,
  tooManyAtOnce,
} from './errors.ts'
import { handOf } from './hand.ts'
import { isAsync, jobRoutes, submit } from './job-routes.ts'
import { metadataRoutes } from './metadata-routes.ts'
import { oauthRoutes, webServicesScope } from './oauth-routes.ts'
import { match } from './route.ts'
import type { Answer, Operation } from './operation.ts'
import type { Route, Run } from './route.ts'
import { queryRoutes } from './query-routes.ts'
import { checkContentType, recordRoutes } from './record-routes.ts'
import { renderRecord } from './render.ts'
import { systemRoutes } from './system-routes.ts'
import { Nonces, isSigned, readHeader } from './tba.ts'
import { tokenBasedOf } from './token-based.ts'

/** https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/chapter_161251386312.html: 104 MB. */
const bodyBytesMax = 104 * 1024 * 1024
const methods = 'GET, POST, PATCH, PUT, DELETE, OPTIONS'
const shownObjects = ['customer', 'contact', 'salesOrder', 'inventoryItem']
const keptHeaders = ['content-type', 'accept', 'prefer', 'x-netsuite-idempotency-key']

// The more exact patterns come first: the catalogue is not a record type.
const routes: readonly Route[] = [...metadataRoutes, ...queryRoutes, ...jobRoutes, ...systemRoutes, ...recordRoutes]

export function createNetsuite(world: World): Simulation {
  const companies = new Map<string, Company>()
  const company = (account: Account): Company => {
    const known = companies.get(account.id)
    if (known) return known
    const opened = openCompany(world, account)
    companies.set(account.id, opened)
    return opened
  }
  const app = new Hono<Env>()
  app.onError((error, context) => {
    if (!(error instanceof Refusal)) throw error
    return context.json(error.body as object, error.status, error.headers)
  })
  app.route('/', oauthRoutes(world))
  // An account's own domain is the beginning of the path here; without it the token says whose request it is.
  const enter = pipeline(world, dialect(world, company))
  // Not with a star: netsuite-rest asks for a path that is one, and would match it twice.
  for (const path of ['/services/rest/:path{.+}', '/:account/services/rest/:path{.+}'] as const) {
    app.use(path, enter)
    app.all(path, (context) => answer(world, company(context.get('caller').account), context))
  }

  return {
    app,
    endpoints: [...endpointsOf(app), ...endpointsBelow('/services/rest', routes), 'OPTIONS /services/rest/:path'],
    records(account, object, _archived) {
      const { schema, records } = company(account)
      const type = schema.get(object)
      if (!type) throw noSuchResource(object)
      const look = { base: baseOf(world, account), expandSubResources: true }
      return [...records.all(type.name)].map((record) => renderRecord(company(account), type, record, look))
    },
    objects: () => shownObjects,
    count: (account, object) => company(account).records.count(object),
    clear: (account) => company(account).records.clear(),
    forget: (account) => void companies.delete(account),
    hand: (account) => handOf(company(account)),
  }
}

/** Links are on the account's own domain, whichever one was asked. */
const baseOf = (world: World, { id }: Account): string => `${world.origin()}/${id}/services/rest`

async function answer(world: World, company: Company, context: Context<Env>): Promise<Response> {
  const url = new URL(context.req.url)
  const headers = context.req.header()
  const body = await readJson(context, bodyBytesMax)
  if ('fault' in body) {
    if (body.fault === 'too-large')
      throw new NetsuiteRefusal(413, 'REQUEST_TOO_LARGE', 'The request is larger than 104 MB.')
    throw invalidContent(
      body.fault === 'not-utf8'
        ? 'The request body is not UTF-8.'
        : 'Invalid content in the request body: it is not JSON.',
    )
  }
  const operation: Operation = {
    method: context.req.method,
    path: url.pathname.replace(/^.*?\/services\/rest/, '').replace(/(.)\/$/, '$1'),
    query: url.search.slice(1),
    body: body.value,
    headers: Object.fromEntries(
      keptHeaders.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])),
    ),
  }
  const person = context.get('caller').token.person
  // Jobs whose time has come were worked on before this request arrived.
  company.jobs.run((job) => performJob(world, company, job.operation, job.person))
  const run = runOf(world, company, operation, person)
  const answered = begin(run)
  if (answered.status === 202) company.jobs.run((job) => performJob(world, company, job.operation, job.person))
  countWritten(context, answered.written ?? 0)
  return toResponse(context, answered)
}

// Batches are asynchronous only; anything else is when it asks to be.
function begin(run: Run): Answer {
  const { operation } = run
  if (operation.method === 'OPTIONS') return { status: 204, headers: { allow: methods } }
  if (operation.body !== undefined) checkContentType(operation)
  const batch = isBatch(operation)
  if (batch && !isAsync(operation)) {
    throw invalidHeader(
      'Prefer',
      'Missing or invalid required header. A batch needs the Prefer header with the value respond-async.',
    )
  }
  if (!isAsync(operation) || operation.path.startsWith('/async/')) return perform(run)
  if (batch) checkBatch(operation)
  else match(routes, operation)
  return submit(run)
}

function perform(run: Run): Answer {
  if (isBatch(run.operation)) return runBatch({ ...run, path: { type: run.operation.path.split('/')[3] ?? '' } })
  const { route, found } = match(routes, run.operation)
  return route.run({ ...run, path: found })
}

function performJob(world: World, company: Company, operation: Operation, person: boolean): Answer {
  try {
    return perform(runOf(world, company, operation, person))
  } catch (error) {
    if (!(error instanceof NetsuiteRefusal)) throw error
    return { status: error.status, body: error.body }
  }
}

function runOf(world: World, company: Company, operation: Operation, person: boolean): Run {
  return {
    world,
    company,
    author: { entity: '-5', context: person ? 'UIF' : 'RST' },
    operation,
    base: baseOf(world, company.account),
    query: new URLSearchParams(operation.query),
    path: {},
  }
}

function toResponse(context: Context<Env>, { status, body, headers = {} }: Answer): Response {
  if (body === undefined) return context.body(null, status as 204, headers)
  return context.body(JSON.stringify(body), status as 200, { 'content-type': 'application/json', ...headers })
}

function dialect(world: World, company: (account: Account) => Company): Dialect {
  const nonces = new Nonces()
  const disguise = (account: Account): NetsuiteRefusal => {
    const { concurrencyError } = account.limits
    const forms = ['429', '400', 'login'] as const
    return tooManyAtOnce(concurrencyError === 'any' ? forms[Math.floor(world.seeded.chance() * 3)]! : concurrencyError)
  }
  return {
    identify(context) {
      const authorization = context.req.header('authorization') ?? ''
      const caller = readHeader(authorization) ? bySignature(world, context, nonces) : byToken(world, authorization)
      const domain = context.req.param('account')
      const isElsewhere = domain !== undefined && world.accounts.find(domain)?.id !== caller?.account.id
      if (!caller || isElsewhere) throw invalidLogin()
      return caller
    },

    enter({ account }) {
      const { underWay } = company(account)
      if (underWay.size >= concurrencyMax(account)) throw disguise(account)
      const visit = {}
      underWay.add(visit)
      return () => void underWay.delete(visit)
    },

    admit(_context, { token }) {
      if (!world.tokens.allows(token, webServicesScope)) {
        throw new NetsuiteRefusal(403, 'INSUFFICIENT_PERMISSION', `The scope ${webServicesScope} is needed.`)
      }
      return {}
    },

    refused: (_context, { account }) => disguise(account),
    failed() {
      const status = [500, 502, 503][Math.floor(world.seeded.chance() * 3)] ?? 500
      return new NetsuiteRefusal(status, 'UNEXPECTED_ERROR', 'An unexpected error occurred. Error ID: sandbox')
    },
  }
}

function byToken(world: World, authorization: string): Caller | undefined {
  const value = /^Bearer (.+)$/i.exec(authorization)?.[1]
  const token = value === undefined ? undefined : world.tokens.find(value, 'access', 'static')
  const account = token?.connector === 'netsuite' ? world.accounts.find(token.account) : undefined
  return token && account && world.tokens.state(token) === 'valid' ? { account, token } : undefined
}

function bySignature(world: World, context: Context<Env>, nonces: Nonces): Caller | undefined {
  const authorization = context.req.header('authorization') ?? ''
  const header = readHeader(authorization)!
  const account = world.accounts.find(header['realm'] ?? '')
  if (account?.connector !== 'netsuite') return undefined
  const known = tokenBasedOf(world, account)
  const token = world.tokens.find(known.accessToken, 'static')
  if (!token || world.tokens.state(token) !== 'valid') return undefined
  if (header['oauth_consumer_key'] !== known.consumerKey || header['oauth_token'] !== known.tokenId) return undefined
  const request = { method: context.req.method, url: context.req.url, authorization }
  return isSigned(request, header, known, nonces, world.now()) ? { account, token } : undefined
}
