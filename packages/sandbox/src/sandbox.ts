// Starts the sandbox: one HTTP server on this machine with the CRMs, the control API and a page for
// people. The composition root: everything is created here and nowhere else.
import { serve } from '@hono/node-server'
import type { ServerType } from '@hono/node-server'
import { RowhouseError } from '@rowhouse/contracts'
import { Hono } from 'hono'
import { Chaos, chaosSchema } from './chaos/chaos.ts'
import type { ChaosInput } from './chaos/chaos.ts'
import { createControl } from './control/control.ts'
import { controlRoutes } from './control/control-routes.ts'
import { overviewRoutes } from './control/overview.ts'
import { troubleChangeEvents } from './control/change-event-routes.ts'
import type { ChangeEventTrouble, CreatedAccount, Hand } from './control/simulated-crm.ts'
import type { Endpoint } from './http/endpoints.ts'
import { RequestLog } from './http/request-log.ts'
import { createHubspot } from './hubspot/hubspot.ts'
import type { WebhookTrouble } from './hubspot/webhooks.ts'
import { createNetsuite } from './netsuite/netsuite.ts'
import { createSalesforce } from './salesforce/salesforce.ts'
import type { Connector } from './oauth/account.ts'
import { Accounts } from './oauth/accounts.ts'
import { standingAccess } from './oauth/standing.ts'
import { Tokens } from './oauth/tokens.ts'
import { resolveOptions } from './options.ts'
import type { AccountInput, SandboxOptions } from './options.ts'
import { createSeeded } from './store/seeded.ts'
import { Store } from './store/store.ts'
import type { Env, World } from './world.ts'

export interface Sandbox {
  /** Base URL of everything. */
  readonly url: string
  /** `basePath` of @hubspot/api-client. */
  readonly hubspotUrl: string
  /** `loginUrl` and `instanceUrl` of jsforce. All organizations share it: the token tells them apart. */
  salesforceUrl(account?: string): string
  /** Creates an account, or updates the one with this id. Throws `invalid_option`. */
  createAccount(input: AccountInput): CreatedAccount
  /** The hand of a person at work in the account's CRM. Throws `not_found`. */
  person(account: string): Hand
  /** Trouble for an account, as POST /_sandbox/chaos; what is not named is off. Throws `not_found`. */
  chaos(account: string, settings?: Omit<ChaosInput, 'account'>): void
  /** Webhooks twice, shuffled, late; what is not named is off. Throws `not_found`. */
  webhookTrouble(account: string, trouble: WebhookTrouble): void
  /** Gaps and overflows in Salesforce's change events. Throws `not_found` and `validation_failed`. */
  changeEvents(account: string, trouble: ChangeEventTrouble): void
  /** Takes scopes away from every grant of the account; undefined gives them back. Throws `not_found`. */
  reduceScopes(account: string, scopes: readonly string[] | undefined): void
  /** Everything that the simulation of a CRM answers: `GET /crm/v3/owners/:id`. */
  endpoints(connector: Connector): readonly Endpoint[]
  /** Resolves when every webhook was delivered or given up. */
  settled(): Promise<void>
  close(): Promise<void>
}

/**
 * Starts a sandbox. Throws `invalid_option` and `port_in_use`.
 *
 * @example
 * const sandbox = await startSandbox({ dataFile: '.rowhouse/sandbox.db' })
 * const portal = sandbox.createAccount({ connector: 'hubspot', name: 'Acme' })
 * new Client({ basePath: portal.url, accessToken: portal.accessToken })
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const resolved = resolveOptions(options)
  const { now, sleep, log } = resolved
  const store = openStore(resolved.dataFile)
  const seeded = createSeeded(resolved.seed)
  const closing = new AbortController()
  let origin = ''
  const world: World = {
    options: resolved,
    now,
    sleep,
    log,
    seeded,
    store,
    accounts: new Accounts(store, seeded),
    tokens: new Tokens(store, seeded, now),
    chaos: new Chaos(store, seeded),
    requests: new RequestLog(),
    signal: closing.signal,
    origin: () => origin,
  }
  const hubspot = createHubspot(world)
  const salesforce = createSalesforce(world)
  const simulations = { hubspot, salesforce, netsuite: createNetsuite(world) }

  const createAccount = (input: AccountInput): CreatedAccount => {
    const before = input.id === undefined ? undefined : world.accounts.find(input.id)
    const account = world.accounts.create(input)
    // What is open keeps its windows and cursors unless its limits are others now.
    if (JSON.stringify(before) !== JSON.stringify(account)) {
      simulations[account.connector].forget(account.id)
    }
    // NetSuite's accounts have domains of their own.
    const url = account.connector === 'netsuite' ? `${origin}/${account.id}` : origin
    const created = { ...standingAccess(world, account), url }
    store.commit()
    return created
  }
  const control = createControl(world, simulations, createAccount)

  const app = new Hono<Env>()
  app.onError((error, context) => {
    log(`${context.req.method} ${context.req.path} failed: ${error.stack ?? error.message}`)
    return context.json({ status: 'error', message: 'internal error', category: 'INTERNAL_ERROR' }, 500)
  })
  app.route(
    '/_sandbox',
    controlRoutes(world, control, {
      setTarget: (target) => hubspot.webhooks.setTarget(target),
      setTrouble: (account, trouble) => hubspot.webhooks.setTrouble(account, trouble),
    }),
  )
  app.route('/', overviewRoutes(world, control))
  app.route('/', hubspot.app)
  // Before Salesforce, whose last word on /services/ is that it does not exist.
  app.route('/', simulations.netsuite.app)
  app.route('/', salesforce.app)

  const server = await listen(app, resolved.port)
  const address = server.address()
  origin = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : resolved.port}`
  log(`sandbox listens on ${origin}`)

  return {
    url: origin,
    hubspotUrl: origin,
    salesforceUrl: () => origin,
    createAccount,
    person: (account) => control.person(control.account(account)),
    chaos(id, input = {}) {
      const { account, revokeTokens, ...settings } = chaosSchema.parse({ ...input, account: control.account(id).id })
      world.chaos.set(account, settings)
      if (revokeTokens === false) world.tokens.reinstate(account)
      else if (revokeTokens !== undefined) world.tokens.revoke(account, revokeTokens === 'all')
      store.commit()
    },
    webhookTrouble: (id, trouble) => hubspot.webhooks.setTrouble(control.account(id).id, trouble),
    changeEvents(id, trouble) {
      const account = control.account(id)
      troubleChangeEvents(control.simulation(account), account, trouble)
      store.commit()
    },
    reduceScopes(id, scopes) {
      world.tokens.reduceScopes(control.account(id).id, scopes)
      store.commit()
    },
    endpoints: (connector) => simulations[connector].endpoints,
    settled: () => hubspot.webhooks.settled(),
    async close() {
      closing.abort()
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        if ('closeAllConnections' in server) server.closeAllConnections()
      })
      store.close()
    },
  }
}

function openStore(dataFile: string | undefined): Store {
  try {
    return new Store(dataFile)
  } catch (cause) {
    if (cause instanceof Error && /locked/.test(cause.message)) {
      throw new RowhouseError('already_running', `Another sandbox uses ${dataFile ?? ''}.`, { cause })
    }
    throw new RowhouseError('invalid_option', `The data file ${dataFile ?? ''} cannot be opened.`, { cause })
  }
}

/** A request on a connection that is being closed for its rest is lost: no client of a test rests as long. */
const serverOptions = { keepAliveTimeout: 65_000 }

function listen(app: Hono<Env>, port: number): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1', serverOptions }, () => resolve(server))
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      reject(taken ? new RowhouseError('port_in_use', `Port ${port} is taken.`, { cause }) : cause)
    })
  })
}
