// The pipelines of deals: the one that comes with a portal. Reads only.
// https://developers.hubspot.com/docs/api-reference/crm-pipelines-v3/guide
import { Hono } from 'hono'
import type { Env } from '../world.ts'
import { notFound } from './errors.ts'
import { dealStages } from './property-definitions.ts'

const since = { createdAt: new Date(0).toISOString(), updatedAt: new Date(0).toISOString(), archived: false }

const pipeline = {
  id: 'default',
  label: 'Sales Pipeline',
  displayOrder: 0,
  ...since,
  stages: dealStages.map(([id, label, probability], displayOrder) => ({
    id,
    label,
    displayOrder,
    metadata: { isClosed: String(id.startsWith('closed')), probability },
    ...since,
  })),
}

export function pipelineRoutes(): Hono<Env> {
  const app = new Hono<Env>()
  const check = (type: string, id = 'default'): void => {
    if (!['deals', 'deal', '0-3'].includes(type) || id !== 'default') throw notFound()
  }
  app.get('/:type', (context) => {
    check(context.req.param('type'))
    return context.json({ results: [pipeline] })
  })
  app.get('/:type/:id', (context) => {
    check(context.req.param('type'), context.req.param('id'))
    return context.json(pipeline)
  })
  app.get('/:type/:id/stages', (context) => {
    check(context.req.param('type'), context.req.param('id'))
    return context.json({ results: pipeline.stages })
  })
  return app
}
