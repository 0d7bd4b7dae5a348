// The objects API: CRUD, lists, batches, search, merge; mounted under every path version. Owns reading
// requests and choosing status codes; the rules are in records.ts, batch.ts and search.ts.
import { Hono } from 'hono'
import type { Context } from 'hono'
import { z } from 'zod'
import { countWritten } from '../http/pipeline.ts'
import type { Env, World } from '../world.ts'
import {
  archiveBatch,
  batchArchiveSchema,
  batchCreateSchema,
  batchReadSchema,
  batchUpdateSchema,
  checkAssociations,
  checkHistorySize,
  checkSize,
  createBatch,
  createSchema,
  readBatch,
  updateBatch,
  upsertBatch,
} from './batch.ts'
import type { BatchOutcome } from './batch.ts'
import type { ObjectType } from './object-types.ts'
import type { Portal } from './portal.ts'
import { required, restorableMs } from './records.ts'
import type { HubspotRecord } from './records.ts'
import { everything, renderRecord } from './render.ts'
import { numberParameter, propertiesSchema, readBody, readView, sourceOf } from './request.ts'
import { search, searchSchema } from './search.ts'

export const listPageMax = 100
const gdprSchema = z.object({ objectId: z.coerce.string(), idProperty: z.string().optional() })
const mergeSchema = z.object({ primaryObjectId: z.coerce.string(), objectIdToMerge: z.coerce.string() })

export function objectRoutes(world: World, portalOf: (context: Context<Env>) => Portal): Hono<Env> {
  const app = new Hono<Env>()
  const at = (): string => new Date(world.now()).toISOString()
  const typeOf = (context: Context<Env>): ObjectType => portalOf(context).schemas.parse(context.req.param('type') ?? '')

  const answerBatch = (context: Context<Env>, startedAt: string, outcome: BatchOutcome, done: 200 | 201): Response => {
    const { results, errors } = outcome
    const body = { status: 'COMPLETE', results, startedAt, completedAt: at() }
    if (errors.length === 0) return context.json(body, done)
    return context.json({ ...body, numErrors: errors.length, errors }, 207)
  }

  app.post('/:type/batch/create', async (context) => {
    const { inputs } = await readBody(context, batchCreateSchema)
    checkSize(inputs)
    const startedAt = at()
    const outcome = createBatch(portalOf(context), typeOf(context), inputs, sourceOf(context))
    countWritten(context, outcome.results.length)
    return answerBatch(context, startedAt, outcome, 201)
  })

  for (const [action, work] of [
    ['update', updateBatch],
    ['upsert', upsertBatch],
  ] as const) {
    app.post(`/:type/batch/${action}`, async (context) => {
      const { inputs } = await readBody(context, batchUpdateSchema)
      checkSize(inputs)
      const startedAt = at()
      const outcome = work(portalOf(context), typeOf(context), inputs, sourceOf(context))
      countWritten(context, outcome.results.length)
      return answerBatch(context, startedAt, outcome, 200)
    })
  }

  app.post('/:type/batch/read', async (context) => {
    const request = await readBody(context, batchReadSchema)
    checkSize(request.inputs)
    if (request.propertiesWithHistory?.length) checkHistorySize(request.inputs)
    const archived = context.req.query('archived') === 'true'
    return answerBatch(context, at(), readBatch(portalOf(context), typeOf(context), request, archived), 200)
  })

  app.post('/:type/batch/archive', async (context) => {
    const { inputs } = await readBody(context, batchArchiveSchema)
    checkSize(inputs)
    const ids = inputs.map((input) => input.id)
    countWritten(context, archiveBatch(portalOf(context), typeOf(context), ids, sourceOf(context)))
    return context.body(null, 204)
  })

  app.post('/:type/search', async (context) => {
    const request = await readBody(context, searchSchema)
    const portal = portalOf(context)
    const type = typeOf(context)
    const page = search(searchable(portal, type), request, portal.of(type).catalogue)
    const view = {
      properties: request.properties.map((name) => name.toLowerCase()),
      propertiesWithHistory: [],
      associations: [],
    }
    return context.json({
      total: page.total,
      results: page.records.map((record) => renderRecord(portal, type, record, view)),
      ...(page.next === undefined ? {} : { paging: { next: { after: String(page.next) } } }),
    })
  })

  app.post('/:type/gdpr-delete', async (context) => {
    const { objectId, idProperty } = await readBody(context, gdprSchema)
    const portal = portalOf(context)
    const type = typeOf(context)
    portal.erase(type, required(portal.of(type).records.lookup(objectId, idProperty)), sourceOf(context))
    countWritten(context, 1)
    return context.body(null, 204)
  })

  app.post('/:type/merge', async (context) => {
    const { primaryObjectId, objectIdToMerge } = await readBody(context, mergeSchema)
    const portal = portalOf(context)
    const type = typeOf(context)
    const record = portal.merge(type, primaryObjectId, objectIdToMerge, sourceOf(context))
    countWritten(context, 1)
    return context.json(renderRecord(portal, type, record, everything))
  })

  app.post('/:type', async (context) => {
    const input = await readBody(context, createSchema)
    const portal = portalOf(context)
    const type = typeOf(context)
    const targets = checkAssociations(portal, type, input)
    const record = portal.of(type).records.create(portal.of(type).records.check(input.properties), sourceOf(context))
    for (const { toType, id, types } of targets) portal.associations.add(type, record.id, toType, id, types)
    countWritten(context, 1)
    return context.json(renderRecord(portal, type, record, everything), 201)
  })

  app.get('/:type', (context) => {
    const portal = portalOf(context)
    const type = typeOf(context)
    const limit = numberParameter(context, 'limit', 10, listPageMax)
    const view = readView(context, portal)
    const archived = context.req.query('archived') === 'true'
    const after = Number(context.req.query('after') ?? 0)
    const page = pageAfter(listed(portal.of(type).records.all(), archived, world.now()), after, limit + 1)
    const results = page.slice(0, limit)
    const last = results.at(-1)
    const next = page.length > limit && last ? nextPage(context, last.id) : undefined
    return context.json({
      results: results.map((record) => renderRecord(portal, type, record, view)),
      ...(next ? { paging: { next } } : {}),
    })
  })

  app.get('/:type/:id', (context) => {
    const portal = portalOf(context)
    const type = typeOf(context)
    const record = required(portal.of(type).records.lookup(context.req.param('id'), context.req.query('idProperty')))
    const archived = context.req.query('archived') === 'true'
    return context.json(
      renderRecord(
        portal,
        type,
        required(record.archived === archived ? record : undefined),
        readView(context, portal),
      ),
    )
  })

  app.patch('/:type/:id', async (context) => {
    const { properties } = await readBody(context, z.object({ properties: propertiesSchema }))
    const portal = portalOf(context)
    const type = typeOf(context)
    const records = portal.of(type).records
    const record = required(records.find(context.req.param('id'), context.req.query('idProperty')))
    records.update(record, records.check(properties, record), sourceOf(context))
    countWritten(context, 1)
    return context.json(renderRecord(portal, type, record, everything))
  })

  // Archiving what is not there answers 204 as well, as HubSpot does.
  app.delete('/:type/:id', (context) => {
    countWritten(
      context,
      archiveBatch(portalOf(context), typeOf(context), [context.req.param('id')], sourceOf(context)),
    )
    return context.body(null, 204)
  })

  return app
}

function* searchable(portal: Portal, type: ObjectType): Generator<HubspotRecord> {
  for (const record of portal.of(type).records.all()) {
    const visible = portal.of(type).index.view(record)
    if (visible) yield visible
  }
}

function* listed(records: Iterable<HubspotRecord>, archived: boolean, now: number): Generator<HubspotRecord> {
  for (const record of records) {
    const expired = record.archivedAt !== undefined && record.archivedAt <= now - restorableMs
    if (record.archived === archived && record.mergedInto === undefined && !expired) yield record
  }
}

// Ids ascend in the order of creation, which is the order of the shelf.
function pageAfter(records: Iterable<HubspotRecord>, after: number, limit: number): HubspotRecord[] {
  const page: HubspotRecord[] = []
  for (const record of records) {
    if (Number(record.id) <= after) continue
    page.push(record)
    if (page.length === limit) break
  }
  return page
}

function nextPage(context: Context<Env>, after: string): { after: string; link: string } {
  const link = new URL(context.req.url)
  link.searchParams.set('after', after)
  return { after, link: link.href }
}
