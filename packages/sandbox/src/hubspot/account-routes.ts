// Who the caller's account is. Owns one shape; asks nothing of the CRM.
// https://developers.hubspot.com/docs/api-reference/account-account-info-v3/guide
import { Hono } from 'hono'
import type { Env } from '../world.ts'

export function accountRoutes(): Hono<Env> {
  const app = new Hono<Env>()
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
