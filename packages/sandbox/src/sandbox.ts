// Starts the sandbox: one HTTP server on this machine with both CRMs, the control API and a page for
// people. The composition root: everything is created here and nowhere else.
import { serve } from '@hono/node-server'
import type { ServerType } from '@hono/node-server'
import { RowhouseError } from '@rowhouse/contracts'
import { Hono } from 'hono'
import { Chaos } from './chaos/chaos.ts'
import { controlRoutes, privateClientId } from './control/control-routes.ts'
import type { Simulations } from './control/control-routes.ts'
import { overviewRoutes } from './control/overview.ts'
import { RequestLog } from './http/request-log.ts'
import { createHubspot } from './hubspot/hubspot.ts'
import { createSalesforce } from './salesforce/salesforce.ts'
import { passwordOf } from './salesforce/oauth-routes.ts'
import { userName } from './salesforce/organization.ts'
import { Accounts } from './oauth/accounts.ts'
import type { Account } from './oauth/accounts.ts'
import { Tokens } from './oauth/tokens.ts'
import { resolveOptions } from './options.ts'
import type { AccountInput, SandboxOptions } from './options.ts'
import { createSeeded } from './store/seeded.ts'
import { Store } from './store/store.ts'
import type { Env, World } from './world.ts'

export interface CreatedAccount {
  readonly connector: 'hubspot' | 'salesforce'
  /** HubSpot portal id or Salesforce organization id (18 characters). */
  readonly id: string
  readonly name: string
  /** Standing token of the account's private app; lives until revoked. */
  readonly accessToken: string
  /** Standing token of a person at work in the CRM: another app, so another rate limit and other webhooks' source. */
  readonly personToken: string
  /** The secret that signs webhooks of the private app. */
  readonly webhookSecret: string
  /** Salesforce: the only user, for logins that take a password. */
  readonly username?: string
  readonly password?: string
  /** Where the official client's base URL, login URL or instance URL points. */
  readonly url: string
}

export interface Sandbox {
  /** Base URL of everything. */
  readonly url: string
  /** `basePath` of @hubspot/api-client. */
  readonly hubspotUrl: string
  /** `loginUrl` and `instanceUrl` of jsforce. All organizations share it: the token tells them apart. */
  salesforceUrl(account?: string): string
  /** Creates an account, or updates the one with this id. Throws `invalid_option`. */
  createAccount(input: AccountInput): CreatedAccount
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

  const createAccount = (input: AccountInput): CreatedAccount => {
    const before = input.id === undefined ? undefined : world.accounts.find(input.id)
    const account = world.accounts.create(input)
    // What is open keeps its windows and cursors unless its limits are others now.
    if (JSON.stringify(before?.limits) !== JSON.stringify(account.limits)) {
      hubspot.forget(account.id)
      salesforce.forget(account.id)
    }
    const created = { ...standingAccess(world, account), url: origin }
    store.commit()
    return created
  }
  const simulations: Simulations = {
    createAccount,
    records: (account, object, archived) =>
      (account.connector === 'hubspot' ? hubspot : salesforce).records(account, object, archived),
    clear: (account) =>
      account.connector === 'hubspot'
        ? hubspot.portal(account).clear()
        : salesforce.organization(account).records.clear(),
    setWebhookTarget: (target) => hubspot.webhooks.setTarget(target),
  }

  const app = new Hono<Env>()
  app.onError((error, context) => {
    log(`${context.req.method} ${context.req.path} failed: ${error.stack ?? error.message}`)
    return context.json({ status: 'error', message: 'internal error', category: 'INTERNAL_ERROR' }, 500)
  })
  app.route('/_sandbox', controlRoutes(world, simulations))
  app.route('/', overviewRoutes(world, simulations))
  app.route('/', hubspot.app)
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

// Two apps per account that need no OAuth: the account's private app, and a person at work in the CRM.
function standingAccess(world: World, account: Account): Omit<CreatedAccount, 'url'> {
  const { connector, id, name } = account
  const secret = (clientId: string): string => world.seeded.uuid(`secret.${clientId}`)
  const register = (clientId: string): ReturnType<typeof world.accounts.register> =>
    world.accounts.register(connector, {
      clientId,
      clientSecret: secret(clientId),
      redirectUris: [],
      name: clientId,
      rotateRefreshTokens: false,
    })
  const app = register(privateClientId(id))
  const person = register(`person-${id}`)
  const value = (label: string): string =>
    connector === 'hubspot'
      ? `pat-na1-${world.seeded.uuid(`${label}.${id}`)}`
      : `${id.slice(0, 15)}!${world.seeded.letters(`${label}.${id}`, 96)}`
  return {
    connector,
    id,
    name,
    accessToken: world.tokens.standing(account, value('private'), app, false).value,
    personToken: world.tokens.standing(account, value('person'), person, true).value,
    webhookSecret: app.clientSecret,
    ...(connector === 'salesforce' ? { username: userName(account), password: passwordOf(world, account) } : {}),
  }
}

function listen(app: Hono<Env>, port: number): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => resolve(server))
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE'
      reject(taken ? new RowhouseError('port_in_use', `Port ${port} is taken.`, { cause }) : cause)
    })
  })
}
