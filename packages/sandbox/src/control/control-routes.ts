// The control API under /_sandbox, for tests, the demo and benchmarks: what was asked, what is stored,
// trouble, accounts, webhook targets. Answers to this machine only, by address and by Host header (a
// page on another site cannot reach it). Owns shapes; the simulations do the work.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { Hono } from 'hono'
import { z } from 'zod'
import { chaosSchema } from '../chaos/chaos.ts'
import type { WebhookTarget, WebhookTrouble } from '../hubspot/webhooks.ts'
import type { RegisteredApp } from '../oauth/accounts.ts'
import { isLoopbackHost, isLoopbackUrl } from '../oauth/loopback.ts'
import type { AccountInput } from '../options.ts'
import { Refusal } from '../http/refusal.ts'
import type { Env, World } from '../world.ts'
import { privateClientId } from '../oauth/standing.ts'
import { changeEventSchema, troubleChangeEvents } from './change-event-routes.ts'
import type { Control } from './control.ts'
import { handSchema, takeHand } from './hand-routes.ts'
import { webhookTroubleSchema } from './webhook-trouble.ts'

const webhookSchema = z.strictObject({
  /** The app whose secret signs. Without it, the account's own private app. */
  clientId: z.string().optional(),
  /** Hears this account only. Without it, every account that installed the app. */
  account: z.string().optional(),
  targetUrl: z.url(),
  subscriptions: z.array(z.strictObject({ eventType: z.string(), propertyName: z.string().optional() })).min(1),
  maxConcurrentRequests: z.int().min(1).max(100).default(10),
})

const resetSchema = z.strictObject({
  account: z.string().optional(),
  /** Empties the records as well; without it only chaos and the request log. @default false */
  records: z.boolean().default(false),
})

const scopesSchema = z.strictObject({
  account: z.string(),
  /** The scopes every grant of the account still has; null gives all back. */
  scopes: z.array(z.string()).nullable(),
})

/** What the control of webhooks needs of the one who delivers them. */
export interface Deliveries {
  readonly setTarget: (target: WebhookTarget) => void
  readonly setTrouble: (account: string, trouble: WebhookTrouble) => void
}

export function controlRoutes(
  world: World,
  control: Control,
  { setTarget: setWebhookTarget, setTrouble: setWebhookTrouble }: Deliveries,
): Hono<Env> {
  const app = new Hono<Env>()

  app.onError((error, context) => {
    if (error instanceof Refusal) {
      return context.json({ code: 'not_found', message: JSON.stringify(error.body) }, 404)
    }
    if (!isRowhouseError(error)) throw error
    const { code, message, hint } = error
    return context.json({ code, message, hint }, error.status as 400)
  })

  app.use(async (context, next) => {
    const address = context.env.incoming.socket.remoteAddress ?? ''
    const host = new URL(context.req.url).hostname
    if (!isLoopbackHost(address) || !isLoopbackHost(host)) {
      return context.json({ code: 'permission_denied', message: 'The control API answers to this machine only.' }, 403)
    }
    return next()
  })

  app.get('/requests', (context) => context.json({ requests: world.requests.of(context.req.query('account')) }))

  app.get('/records', (context) => {
    const account = control.account(context.req.query('account'))
    const object = context.req.query('object')
    if (!object) throw new RowhouseError('validation_failed', 'Name the object: ?object=contacts')
    const archived = context.req.query('archived') === 'true'
    return context.json({ records: control.simulation(account).records(account, object, archived) })
  })

  app.get('/accounts', (context) => context.json({ accounts: world.accounts.all() }))
  app.post('/accounts', async (context) => {
    const created = control.createAccount((await body(context.req, z.unknown())) as AccountInput)
    return context.json(created, 201)
  })

  app.post('/chaos', async (context) => {
    const { account: id, revokeTokens, ...settings } = await body(context.req, chaosSchema)
    const account = control.account(id)
    world.chaos.set(account.id, settings)
    if (revokeTokens === false) world.tokens.reinstate(account.id)
    else if (revokeTokens !== undefined) world.tokens.revoke(account.id, revokeTokens === 'all')
    world.store.commit()
    return context.json({ account: account.id, ...settings })
  })

  app.post('/reset', async (context) => {
    const { account: id, records } = await body(context.req, resetSchema)
    const accounts = id === undefined ? world.accounts.all() : [control.account(id)]
    for (const account of accounts) control.reset(account, records)
    if (id === undefined) world.requests.clear()
    world.store.commit()
    return context.json({ accounts: accounts.map((account) => account.id) })
  })

  app.post('/hand', async (context) => {
    const input = await body(context.req, handSchema)
    return context.json(takeHand(control.person(control.account(input.account)), input))
  })

  app.post('/webhook-trouble', async (context) => {
    const { account: id, ...trouble } = await body(context.req, webhookTroubleSchema)
    const account = control.account(id)
    setWebhookTrouble(account.id, trouble)
    return context.json({ account: account.id, ...trouble })
  })

  app.post('/change-events', async (context) => {
    const { account: id, ...trouble } = await body(context.req, changeEventSchema)
    const account = control.account(id)
    troubleChangeEvents(control.simulation(account), account, trouble)
    world.store.commit()
    return context.json({ account: account.id, ...trouble })
  })

  app.post('/scopes', async (context) => {
    const { account: id, scopes } = await body(context.req, scopesSchema)
    const account = control.account(id)
    world.tokens.reduceScopes(account.id, scopes ?? undefined)
    world.store.commit()
    return context.json({ account: account.id, scopes })
  })

  app.post('/webhooks', async (context) => {
    const input = await body(context.req, webhookSchema)
    if (!isLoopbackUrl(input.targetUrl)) {
      throw new RowhouseError('validation_failed', 'The sandbox delivers webhooks to this machine only.')
    }
    const { appId, clientSecret } = webhookApp(world, control, input)
    setWebhookTarget({
      appId,
      account: input.account === undefined ? null : control.account(input.account).id,
      targetUrl: input.targetUrl,
      secret: clientSecret,
      maxConcurrentRequests: input.maxConcurrentRequests,
      subscriptions: input.subscriptions.map(({ eventType, propertyName }) => ({
        id: world.store.next('', 'subscription'),
        eventType,
        ...(propertyName === undefined ? {} : { propertyName }),
        active: true,
        createdAt: world.now(),
      })),
    })
    world.store.commit()
    return context.json({ appId, clientSecret }, 201)
  })

  app.all('*', () => {
    throw new RowhouseError('not_found', 'There is no such control route.')
  })
  return app
}

function webhookApp(
  world: World,
  control: Control,
  { clientId, account }: z.output<typeof webhookSchema>,
): RegisteredApp {
  const wanted = clientId ?? (account === undefined ? '' : privateClientId(control.account(account).id))
  const app = world.accounts.app('hubspot', wanted)
  if (!app)
    throw new RowhouseError('not_found', `There is no HubSpot app with the client id ${wanted || '(none was named)'}.`)
  return app
}

async function body<S extends z.ZodType>(request: { text(): Promise<string> }, schema: S): Promise<z.output<S>> {
  const text = await request.text()
  let value: unknown
  try {
    value = text === '' ? {} : JSON.parse(text)
  } catch {
    throw new RowhouseError('validation_failed', 'The body is not JSON.')
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw new RowhouseError('validation_failed', z.prettifyError(parsed.error))
  return parsed.data
}
