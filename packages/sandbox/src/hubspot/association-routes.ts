// The associations API, v3 batches and v4. Owns shapes and status codes; associations.ts has the rules.
// https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
import { Hono } from 'hono'
import type { Context } from 'hono'
import { z } from 'zod'
import type { Env, World } from '../world.ts'
import type { AssociatedRecord, AssociationType } from './associations.ts'
import { checkSize } from './batch.ts'
import { notFound } from './errors.ts'
import { factsOf } from './object-types.ts'
import type { ObjectType } from './object-types.ts'
import type { Portal } from './portal.ts'
import { required } from './records.ts'
import { numberParameter, readBody } from './request.ts'

export const associationPageMax = 500
const batchCreateMax = 2000
const batchReadMax = 1000

const idSchema = z.object({ id: z.coerce.string() })
const specSchema = z.object({ associationCategory: z.string(), associationTypeId: z.number() })
const inputsOf = <S extends z.ZodType>(schema: S) => z.object({ inputs: z.array(schema).min(1) })

interface Pair {
  readonly portal: Portal
  readonly from: ObjectType
  readonly to: ObjectType
}

export function associationRoutes(
  world: World,
  portalOf: (context: Context<Env>) => Portal,
): { v3: Hono<Env>; v4: Hono<Env>; objects: Hono<Env> } {
  const at = (): string => new Date(world.now()).toISOString()
  const pairOf = (context: Context<Env>): Pair => ({
    portal: portalOf(context),
    from: portalOf(context).schemas.parse(context.req.param('from') ?? ''),
    to: portalOf(context).schemas.parse(context.req.param('to') ?? ''),
  })
  const complete = (results: readonly unknown[], errors: readonly unknown[] = []): Record<string, unknown> => ({
    status: 'COMPLETE',
    results,
    startedAt: at(),
    completedAt: at(),
    ...(errors.length > 0 ? { numErrors: errors.length, errors } : {}),
  })
  const ensure = ({ portal, from, to }: Pair, fromId: string, toId: string): void => {
    required(portal.of(from).records.find(fromId))
    required(portal.of(to).records.find(toId))
  }
  const pairBody = (
    { portal, from, to }: Pair,
    fromId: string,
    toId: string,
    typeIds: readonly number[],
  ): Record<string, unknown> => ({
    fromObjectTypeId: factsOf(from).typeId,
    fromObjectId: fromId,
    toObjectTypeId: factsOf(to).typeId,
    toObjectId: toId,
    labels: portal.associations
      .types(from, to)
      .flatMap(({ id, label }) => (label !== null && typeIds.includes(id) ? [label] : [])),
  })

  const v3 = new Hono<Env>()
  const v3Input = z.object({ from: idSchema, to: idSchema, type: z.string() })
  v3.post('/:from/:to/batch/create', async (context) => {
    const { inputs } = await readBody(context, inputsOf(v3Input))
    checkSize(inputs, batchCreateMax)
    const pair = pairOf(context)
    for (const { from, to } of inputs) ensure(pair, from.id, to.id)
    for (const { from, to, type } of inputs) {
      pair.portal.associations.add(pair.from, from.id, pair.to, to.id, [
        pair.portal.associations.type(pair.from, pair.to, type).id,
      ])
    }
    return context.json(complete(inputs), 201)
  })
  v3.post('/:from/:to/batch/read', async (context) => {
    const { inputs } = await readBody(context, inputsOf(idSchema))
    checkSize(inputs, batchReadMax)
    const { portal, from, to } = pairOf(context)
    const names = portal.associations.types(from, to)
    const results = inputs.flatMap(({ id }) => {
      const associated = portal.associations.list(from, id, to)
      if (associated.length === 0) return []
      const edges = associated.flatMap((other) =>
        other.typeIds.map((typeId) => ({ id: other.id, type: names.find((known) => known.id === typeId)!.name })),
      )
      return [{ from: { id }, to: edges }]
    })
    return context.json(complete(results))
  })
  v3.post('/:from/:to/batch/archive', async (context) => {
    const { inputs } = await readBody(context, inputsOf(v3Input))
    checkSize(inputs, batchCreateMax)
    const { portal, from, to } = pairOf(context)
    for (const input of inputs) {
      portal.associations.remove(from, input.from.id, to, input.to.id, [
        portal.associations.type(from, to, input.type).id,
      ])
    }
    return context.body(null, 204)
  })
  v3.get('/:from/:to/types', (context) => {
    const { portal, from, to } = pairOf(context)
    return context.json({
      results: portal.associations.types(from, to).map(({ id, name }) => ({ id: String(id), name })),
    })
  })

  const v4 = new Hono<Env>()
  v4.post('/:from/:to/batch/create', async (context) => {
    const { inputs } = await readBody(
      context,
      inputsOf(z.object({ from: idSchema, to: idSchema, types: z.array(specSchema).min(1) })),
    )
    checkSize(inputs, batchCreateMax)
    const pair = pairOf(context)
    for (const { from, to } of inputs) ensure(pair, from.id, to.id)
    const results = inputs.map(({ from, to, types }) => {
      const typeIds = types.map((type) => type.associationTypeId)
      return pairBody(pair, from.id, to.id, pair.portal.associations.add(pair.from, from.id, pair.to, to.id, typeIds))
    })
    return context.json(complete(results), 201)
  })
  v4.post('/:from/:to/batch/associate/default', async (context) => {
    const { inputs } = await readBody(context, inputsOf(z.object({ from: idSchema, to: idSchema })))
    checkSize(inputs, batchCreateMax)
    const pair = pairOf(context)
    for (const { from, to } of inputs) ensure(pair, from.id, to.id)
    return context.json(complete(inputs.flatMap(({ from, to }) => associateByDefault(pair, from.id, to.id))))
  })
  v4.post('/:from/:to/batch/read', async (context) => {
    const { inputs } = await readBody(
      context,
      inputsOf(z.object({ id: z.coerce.string(), after: z.string().nullish() })),
    )
    checkSize(inputs, batchReadMax)
    const { portal, from, to } = pairOf(context)
    const results: Record<string, unknown>[] = []
    const errors: unknown[] = []
    for (const { id, after } of inputs) {
      const page = associatedPage(portal.associations.list(from, id, to), Number(after ?? 0), associationPageMax)
      if (page.records.length > 0) {
        results.push({
          from: { id },
          to: page.records.map((other) => renderAssociated(portal, from, to, other)),
          ...pagingOf(page.next),
        })
        continue
      }
      const message = `No ${factsOf(to).singular} is associated with ${factsOf(from).singular} ${id}.`
      errors.push({
        ...notFound(message).body,
        subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND',
        context: { fromObjectId: [id] },
      })
    }
    return context.json(complete(results, errors), errors.length > 0 ? 207 : 200)
  })
  const archiveSchema = z.object({ from: idSchema, to: z.array(idSchema).min(1) })
  v4.post('/:from/:to/batch/archive', async (context) => {
    const { inputs } = await readBody(context, inputsOf(archiveSchema))
    checkSize(inputs, batchCreateMax)
    const pair = pairOf(context)
    for (const { from, to } of inputs) {
      for (const { id } of to) pair.portal.associations.remove(pair.from, from.id, pair.to, id)
    }
    return context.body(null, 204)
  })
  v4.post('/:from/:to/batch/labels/archive', async (context) => {
    const { inputs } = await readBody(
      context,
      inputsOf(z.object({ from: idSchema, to: idSchema, types: z.array(specSchema) })),
    )
    checkSize(inputs, batchCreateMax)
    const pair = pairOf(context)
    for (const { from, to, types } of inputs) {
      const typeIds = types.map((type) => type.associationTypeId)
      pair.portal.associations.remove(pair.from, from.id, pair.to, to.id, typeIds)
    }
    return context.body(null, 204)
  })
  v4.get('/:from/:to/labels', (context) => {
    const { portal, from, to } = pairOf(context)
    return context.json({ results: portal.associations.types(from, to).map((type) => renderType(type)) })
  })
  v4.post('/:from/:to/labels', async (context) => {
    const { name, label, inverseLabel } = await readBody(context, labelSchema)
    const { portal, from, to } = pairOf(context)
    const added = portal.associations.addLabel(from, to, name, label, inverseLabel ?? label)
    return context.json({ results: added.map((type) => renderType(type)) })
  })
  v4.delete('/:from/:to/labels/:id', (context) => {
    const { portal, from, to } = pairOf(context)
    portal.associations.removeLabel(from, to, Number(context.req.param('id')))
    return context.body(null, 204)
  })

  const objects = new Hono<Env>()
  objects.get('/:from/:id/associations/:to', (context) => {
    const { portal, from, to } = pairOf(context)
    const { id } = required(portal.of(from).records.find(context.req.param('id')))
    const limit = numberParameter(context, 'limit', associationPageMax, associationPageMax)
    const page = associatedPage(portal.associations.list(from, id, to), Number(context.req.query('after') ?? 0), limit)
    return context.json({
      results: page.records.map((other) => renderAssociated(portal, from, to, other)),
      ...pagingOf(page.next),
    })
  })
  objects.put('/:from/:id/associations/default/:to/:toId', (context) => {
    const pair = pairOf(context)
    const { id, toId } = context.req.param()
    ensure(pair, id, toId)
    return context.json(complete(associateByDefault(pair, id, toId)))
  })
  objects.put('/:from/:id/associations/:to/:toId', async (context) => {
    const specs = await readBody(context, z.array(specSchema).min(1))
    const pair = pairOf(context)
    const { id, toId } = context.req.param()
    ensure(pair, id, toId)
    const typeIds = pair.portal.associations.add(
      pair.from,
      id,
      pair.to,
      toId,
      specs.map((spec) => spec.associationTypeId),
    )
    return context.json(pairBody(pair, id, toId, typeIds), 201)
  })
  objects.delete('/:from/:id/associations/:to/:toId', (context) => {
    const { portal, from, to } = pairOf(context)
    portal.associations.remove(from, context.req.param('id'), to, context.req.param('toId'))
    return context.body(null, 204)
  })
  return { v3, v4, objects }
}

const labelSchema = z.object({ name: z.string().min(1), label: z.string().min(1), inverseLabel: z.string().optional() })

function renderType({ category, id, label }: AssociationType): Record<string, unknown> {
  return { category, typeId: id, label }
}

function associateByDefault({ portal, from, to }: Pair, fromId: string, toId: string): Record<string, unknown>[] {
  const plain = portal.associations.types(from, to).find(({ primary }) => !primary)!
  portal.associations.add(from, fromId, to, toId, [plain.id])
  const spec = (associationTypeId: number): Record<string, unknown> => ({
    associationCategory: 'HUBSPOT_DEFINED',
    associationTypeId,
  })
  return [
    { from: { id: fromId }, to: { id: toId }, associationSpec: spec(plain.id) },
    { from: { id: toId }, to: { id: fromId }, associationSpec: spec(plain.inverse) },
  ]
}

function renderAssociated(
  portal: Portal,
  from: ObjectType,
  to: ObjectType,
  { id, typeIds }: AssociatedRecord,
): Record<string, unknown> {
  const types = portal.associations.types(from, to)
  return {
    // A string, as the specification and the official client's type say; live answers have been seen with numbers.
    toObjectId: id,
    associationTypes: typeIds.map((typeId) => ({
      category: types.find((type) => type.id === typeId)?.category ?? 'HUBSPOT_DEFINED',
      typeId,
      label: types.find((type) => type.id === typeId)?.label ?? null,
    })),
  }
}

function associatedPage(
  all: readonly AssociatedRecord[],
  after: number,
  limit: number,
): { records: AssociatedRecord[]; next: string | undefined } {
  const rest = all.toSorted((a, b) => Number(a.id) - Number(b.id)).filter(({ id }) => Number(id) > after)
  const records = rest.slice(0, limit)
  return { records, next: rest.length > limit ? records.at(-1)!.id : undefined }
}

function pagingOf(next: string | undefined): Record<string, unknown> {
  return next === undefined ? {} : { paging: { next: { after: next } } }
}
