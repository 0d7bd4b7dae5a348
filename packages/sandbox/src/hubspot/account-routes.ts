// Who the caller's account is, and how much of its day is used. Owns two shapes.
// https://developers.hubspot.com/docs/api-reference/account-account-info-v3/guide
import { Hono } from 'hono'
import type { Context } from 'hono'
import { dailyMax } from '../oauth/editions.ts'
import type { Env, World } from '../world.ts'
import type { Portal } from './portal.ts'

export function accountRoutes(world: World, portalOf: (context: Context<Env>) => Portal): Hono<Env> {
  const app = new Hono<Env>()
  app.get('/v3/api-usage/daily/private-apps', (context) => {
    const { account, daily } = portalOf(context)
    const now = world.now()
    return context.json({
      results: [
        {
          name: 'private-apps-api-calls-daily',
          usageLimit: dailyMax(account),
          currentUsage: daily.used(now),
          collectedAt: new Date(now).toISOString(),
          fetchStatus: 'SUCCESS',
          resetsAt: new Date((Math.floor(now / 86_400_000) + 1) * 86_400_000).toISOString(),
        },
      ],
    })
  })
  app.get('/v3/details', (context) =>
    context.json({
      portalId: Number(context.get('caller').account.id),
      accountType: 'STANDARD',
      timeZone: 'US/Eastern',
      companyCurrency: 'USD',
      additionalCurrencies: [],
      utcOffset: '-05:00',
      utcOffsetMilliseconds: -18_000_000,
      uiDomain: 'app.hubspot.com',
      dataHostingLocation: 'na1',
    }),
  )
  return app
}
