// The webhooks settings API of an app: target URL and subscriptions. Authorized by the developer API
// key in the query, which here is the app's client secret. Owns shapes only; webhooks.ts delivers.
import { Hono } from 'hono'
import type { Context } from 'hono'
import { z } from 'zod'
import type { RegisteredApp } from '../oauth/accounts.ts'
import { isLoopbackUrl } from '../oauth/loopback.ts'
import type { Env, World } from '../world.ts'
import { HubspotRefusal, invalid, notFound } from './errors.ts'
import { readBody } from './request.ts'
import type { Subscription, WebhookTarget, Webhooks } from './webhooks.ts'

const settingsSchema = z.object({
  targetUrl: z.url(),
  throttling: z.object({ maxConcurrentRequests: z.int().min(5).max(100) }),
})
const subscriptionSchema = z.object({
  eventType: z.string().min(1),
  propertyName: z.string().nullish(),
  active: z.boolean().default(false),
})

export function webhookRoutes(world: World, webhooks: Webhooks): Hono<Env> {
  const app = new Hono<Env>()
  const appOf = (context: Context<Env>): RegisteredApp => {
    const registered = world.accounts.appById(Number(context.req.param('appId')))
    if (!registered || registered.connector !== 'hubspot') throw notFound('Unknown app')
    if (context.req.query('hapikey') !== registered.clientSecret) {
      throw new HubspotRefusal(401, { message: 'The API key provided is invalid.', category: 'INVALID_AUTHENTICATION' })
    }
    return registered
  }
  const targetOf = (context: Context<Env>): WebhookTarget => {
    const target = webhooks.target(appOf(context).appId, null)
    if (!target) throw notFound('The app has no webhook settings')
    return target
  }
  const save = (target: WebhookTarget): void => {
    webhooks.setTarget(target)
    world.store.commit()
  }

  app.get('/:appId/settings', (context) => context.json(renderSettings(targetOf(context))))
  app.put('/:appId/settings', async (context) => {
    const { appId, clientSecret } = appOf(context)
    const { targetUrl, throttling } = await readBody(context, settingsSchema)
    if (!isLoopbackUrl(targetUrl)) throw invalid('The sandbox delivers to this machine only.')
    const subscriptions = webhooks.target(appId, null)?.subscriptions ?? []
    const target = { appId, account: null, targetUrl, secret: clientSecret, ...throttling, subscriptions }
    save(target)
    return context.json(renderSettings(target))
  })
  app.delete('/:appId/settings', (context) => {
    webhooks.removeTarget(targetOf(context).appId, null)
    world.store.commit()
    return context.body(null, 204)
  })

  app.get('/:appId/subscriptions', (context) =>
    context.json({ results: targetOf(context).subscriptions.map((subscription) => renderSubscription(subscription)) }),
  )
  app.post('/:appId/subscriptions', async (context) => {
    const target = targetOf(context)
    const { eventType, propertyName, active } = await readBody(context, subscriptionSchema)
    const subscription: Subscription = {
      id: world.store.next('', 'subscription'),
      eventType,
      ...(propertyName ? { propertyName } : {}),
      active,
      createdAt: world.now(),
    }
    save({ ...target, subscriptions: [...target.subscriptions, subscription] })
    return context.json(renderSubscription(subscription), 201)
  })
  app.patch('/:appId/subscriptions/:id', async (context) => {
    const target = targetOf(context)
    const { active } = await readBody(context, z.object({ active: z.boolean() }))
    const known = target.subscriptions.find(({ id }) => String(id) === context.req.param('id'))
    if (!known) throw notFound()
    const changed = { ...known, active }
    save({ ...target, subscriptions: target.subscriptions.map((other) => (other === known ? changed : other)) })
    return context.json(renderSubscription(changed))
  })
  app.delete('/:appId/subscriptions/:id', (context) => {
    const target = targetOf(context)
    save({ ...target, subscriptions: target.subscriptions.filter(({ id }) => String(id) !== context.req.param('id')) })
    return context.body(null, 204)
  })
  return app
}

function renderSettings({ targetUrl, maxConcurrentRequests }: WebhookTarget): Record<string, unknown> {
  return { targetUrl, throttling: { maxConcurrentRequests }, createdAt: new Date(0).toISOString() }
}

function renderSubscription({ id, createdAt, ...rest }: Subscription): Record<string, unknown> {
  return { ...rest, id: String(id), createdAt: new Date(createdAt).toISOString() }
}
