// The properties API: listing, creating, changing and archiving property definitions. Owns status codes
// only; the catalogue has the rules. https://developers.hubspot.com/docs/api-reference/crm-properties-v3/guide
import { Hono } from 'hono'
import type { Context } from 'hono'
import { z } from 'zod'
import type { Env, World } from '../world.ts'
import { checkSize } from './batch.ts'
import type { Portal } from './portal.ts'
import { propertyInputSchema, propertyPatchSchema, renderProperty } from './property-catalogue.ts'
import type { PropertyCatalogue } from './property-catalogue.ts'
import { readBody } from './request.ts'

const namesSchema = z.object({
  inputs: z.array(z.object({ name: z.string() })).min(1),
  archived: z.boolean().default(false),
})

const groupSchema = z.object({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,99}$/),
  label: z.string().min(1),
  displayOrder: z.number().default(-1),
})

export function propertyRoutes(world: World, portalOf: (context: Context<Env>) => Portal): Hono<Env> {
  const app = new Hono<Env>()
  const catalogueOf = (context: Context<Env>): PropertyCatalogue =>
    portalOf(context).of(portalOf(context).schemas.parse(context.req.param('type') ?? '')).catalogue
  const archivedOf = (context: Context<Env>): boolean => context.req.query('archived') === 'true'
  const complete = (results: readonly unknown[]): Record<string, unknown> => {
    const at = new Date(world.now()).toISOString()
    return { status: 'COMPLETE', results, startedAt: at, completedAt: at }
  }

  app.get('/:type', (context) =>
    context.json({
      results: catalogueOf(context)
        .list(archivedOf(context))
        .map((definition) => renderProperty(definition)),
    }),
  )
  app.post('/:type', async (context) => {
    const input = await readBody(context, propertyInputSchema)
    return context.json(renderProperty(catalogueOf(context).create(input)), 201)
  })
  app.post('/:type/batch/create', async (context) => {
    const { inputs } = await readBody(context, z.object({ inputs: z.array(propertyInputSchema).min(1) }))
    checkSize(inputs)
    return context.json(complete(inputs.map((input) => renderProperty(catalogueOf(context).create(input)))), 201)
  })
  app.post('/:type/batch/read', async (context) => {
    const { inputs, archived } = await readBody(context, namesSchema)
    checkSize(inputs)
    return context.json(
      complete(inputs.map(({ name }) => renderProperty(catalogueOf(context).required(name, archived)))),
    )
  })
  app.post('/:type/batch/archive', async (context) => {
    const { inputs } = await readBody(context, namesSchema)
    checkSize(inputs)
    for (const { name } of inputs) catalogueOf(context).archive(name)
    return context.body(null, 204)
  })
  app.get('/:type/groups', (context) => context.json({ results: catalogueOf(context).groups() }))
  app.post('/:type/groups', async (context) => {
    const input = await readBody(context, groupSchema)
    return context.json(catalogueOf(context).addGroup(input), 201)
  })
  app.get('/:type/:name', (context) =>
    context.json(renderProperty(catalogueOf(context).required(context.req.param('name'), archivedOf(context)))),
  )
  app.patch('/:type/:name', async (context) => {
    const patch = await readBody(context, propertyPatchSchema)
    return context.json(renderProperty(catalogueOf(context).update(context.req.param('name'), patch)))
  })
  app.delete('/:type/:name', (context) => {
    catalogueOf(context).archive(context.req.param('name'))
    return context.body(null, 204)
  })
  return app
}
