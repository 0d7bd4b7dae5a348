// The people of a portal: one, who owns everything that has an owner.
// https://developers.hubspot.com/docs/api-reference/crm-crm-owners-v3/guide
import { Hono } from 'hono'
import type { Env } from '../world.ts'
import { notFound } from './errors.ts'

const ownerId = '100001'

export function ownerRoutes(): Hono<Env> {
  const app = new Hono<Env>()
  const ownerOf = (account: string): Record<string, unknown> => ({
    id: ownerId,
    email: `owner@portal-${account}.example`,
    type: 'PERSON',
    firstName: 'Sandbox',
    lastName: 'Owner',
    userId: Number(ownerId),
    userIdIncludingInactive: Number(ownerId),
    createdAt: new Date(0).toISOString(),
    updatedAt: new Date(0).toISOString(),
    archived: false,
    teams: [],
  })
  app.get('/', (context) => {
    const owner = ownerOf(context.get('caller').account.id)
    const email = context.req.query('email')
    return context.json({ results: email === undefined || email === owner['email'] ? [owner] : [] })
  })
  app.get('/:id', (context) => {
    if (context.req.param('id') !== ownerId) throw notFound()
    return context.json(ownerOf(context.get('caller').account.id))
  })
  return app
}
