// The schemas API: custom object types with their properties. Owns shapes; schemas.ts has the rules.
// https://developers.hubspot.com/docs/api-reference/crm-schemas-v3/guide
import { Hono } from 'hono'
import type { Context } from 'hono'
import { z } from 'zod'
import type { Env } from '../world.ts'
import { invalid, notFound } from './errors.ts'
import { factsOf } from './object-types.ts'
import type { Portal } from './portal.ts'
import { propertyInputSchema, renderProperty } from './property-catalogue.ts'
import { readBody } from './request.ts'
import type { CustomSchema } from './schemas.ts'

const names = z.array(z.string()).default([])
const createSchema = z.object({
  name: z.string().regex(/^[a-z][a-z0-9_]{0,99}$/i),
  labels: z.object({ singular: z.string().optional(), plural: z.string().optional() }),
  primaryDisplayProperty: z.string().optional(),
  requiredProperties: names,
  searchableProperties: names,
  secondaryDisplayProperties: names,
  associatedObjects: names,
  properties: z.array(propertyInputSchema.extend({ groupName: z.string().default('object_information') })),
})

export function schemaRoutes(portalOf: (context: Context<Env>) => Portal): Hono<Env> {
  const app = new Hono<Env>()
  const found = (context: Context<Env>): CustomSchema => {
    const schema = portalOf(context).schemas.find(context.req.param('type') ?? '')
    if (!schema) throw notFound()
    return schema
  }
  app.get('/', (context) => {
    const portal = portalOf(context)
    return context.json({ results: portal.schemas.all().map((schema) => render(portal, schema)) })
  })
  app.post('/', async (context) => {
    const { properties, ...input } = await readBody(context, createSchema)
    const portal = portalOf(context)
    const missing = [...input.requiredProperties, input.primaryDisplayProperty].find(
      (name) => name !== undefined && !properties.some((property) => property.name === name),
    )
    if (missing !== undefined) throw invalid(`The property ${missing} is not among the properties of the schema.`)
    for (const other of input.associatedObjects) portal.schemas.parse(other)
    const schema = portal.schemas.add({ ...input, name: input.name.toLowerCase(), createdAt: portal.now() })
    for (const property of properties) portal.of(schema.type).catalogue.create(property)
    return context.json(render(portal, schema), 201)
  })
  app.get('/:type', (context) => context.json(render(portalOf(context), found(context))))
  app.delete('/:type', (context) => {
    const portal = portalOf(context)
    const schema = found(context)
    if (portal.of(schema.type).records.liveCount() > 0) throw invalid('A schema with records cannot be deleted.')
    portal.schemas.remove(schema)
    return context.body(null, 204)
  })
  return app
}

/** Both directions of what the object goes with; HubSpot itself adds notes and tasks. */
function associationsOf(portal: Portal, { type, name, associatedObjects }: CustomSchema): Record<string, unknown>[] {
  const others = new Set([...associatedObjects, 'notes', 'tasks'].map((other) => portal.schemas.parse(other)))
  return [...others].flatMap((other) =>
    [
      [type, other],
      [other, type],
    ].map(([from = '', to = '']) => ({
      fromObjectTypeId: factsOf(from).typeId,
      toObjectTypeId: factsOf(to).typeId,
      name: from === type ? `${name}_to_${factsOf(to).singular}` : `${factsOf(from).singular}_to_${name}`,
      id: String(portal.associations.types(from, to)[0]!.id),
    })),
  )
}

function render(portal: Portal, schema: CustomSchema): Record<string, unknown> {
  const { type, name, createdAt, ...rest } = schema
  return {
    ...rest,
    id: type.slice(2),
    name,
    objectTypeId: type,
    fullyQualifiedName: portal.schemas.fullName(schema),
    properties: portal
      .of(type)
      .catalogue.list()
      .map((definition) => renderProperty(definition)),
    associations: associationsOf(portal, schema),
    archived: false,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(createdAt).toISOString(),
  }
}
