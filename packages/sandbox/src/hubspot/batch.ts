// The batch endpoints of objects: at most 100 inputs, what succeeds is done, what fails is listed in a
// 207. A create without a trace id per input is all or nothing, because its errors could not be told
// apart. Owns that rule and the error entries; single-record rules are in records.ts.
import { z } from 'zod'
import { HubspotRefusal, invalid } from './errors.ts'
import type { HubspotError } from './errors.ts'
import type { AssociationSpec } from './associations.ts'
import { factsOf, standardTypes } from './object-types.ts'
import type { ObjectType } from './object-types.ts'
import type { Portal } from './portal.ts'
import type { HubspotRecord, Source } from './records.ts'
import { required } from './records.ts'
import { everything, renderRecord } from './render.ts'
import type { View } from './render.ts'
import { propertiesSchema } from './request.ts'

export const batchMax = 100

const inputsOf = <S extends z.ZodType>(schema: S) => z.object({ inputs: z.array(schema).min(1) })
const idSchema = z.coerce.string()
const associationSchema = z.object({
  to: z.object({ id: idSchema }),
  types: z.array(z.object({ associationCategory: z.string(), associationTypeId: z.number() })).min(1),
})

export const createSchema = z.object({
  properties: propertiesSchema,
  associations: z.array(associationSchema).nullish(),
  objectWriteTraceId: z.string().nullish(),
})
const updateSchema = z.object({
  id: idSchema,
  idProperty: z.string().nullish(),
  properties: propertiesSchema,
  objectWriteTraceId: z.string().nullish(),
})

export const batchCreateSchema = inputsOf(createSchema)
export const batchUpdateSchema = inputsOf(updateSchema)
export const batchReadSchema = inputsOf(z.object({ id: idSchema })).extend({
  properties: z.array(z.string()).nullish(),
  propertiesWithHistory: z.array(z.string()).nullish(),
  idProperty: z.string().nullish(),
})
export const batchArchiveSchema = inputsOf(z.object({ id: idSchema }))

export type CreateInput = z.output<typeof createSchema>
type UpdateInput = z.output<typeof updateSchema>

export interface BatchOutcome {
  readonly results: readonly Record<string, unknown>[]
  readonly errors: readonly (HubspotError & { readonly id?: string })[]
}

/** Refuses batches of the wrong size. */
export function checkSize(inputs: readonly unknown[], max = batchMax): void {
  if (inputs.length > max) throw invalid(`The maximum number of inputs supported in a batch request is ${max}`)
}

/** Histories are told of fewer records: https://github.com/PipedreamHQ/pipedream/pull/8462 */
export const historyBatchMax = 50

export function checkHistorySize(inputs: readonly unknown[]): void {
  if (inputs.length <= historyBatchMax) return
  throw invalid(
    `The maximum number of inputs supported in a batch request for property histories is ${historyBatchMax}. Please reduce the number of items and try again`,
  )
}

export function createBatch(
  portal: Portal,
  type: ObjectType,
  inputs: readonly CreateInput[],
  source: Source,
): BatchOutcome {
  const reserved = new Map<string, string>()
  const check = (input: CreateInput): (() => HubspotRecord) => {
    const targets = checkAssociations(portal, type, input)
    const values = portal.of(type).records.check(input.properties, undefined, reserved)
    return () => {
      const record = portal.of(type).records.create(values, source)
      for (const { toType, id, types } of targets) portal.associations.add(type, record.id, toType, id, types)
      return record
    }
  }
  const traced = new Set(inputs.map((input) => input.objectWriteTraceId ?? undefined))
  if (traced.has(undefined) || traced.size !== inputs.length) {
    const creations = inputs.map((input) => check(input))
    return { results: creations.map((create) => renderRecord(portal, type, create(), everything)), errors: [] }
  }
  return each(inputs, (input) => traceable(renderRecord(portal, type, check(input)(), everything), input))
}

export function updateBatch(
  portal: Portal,
  type: ObjectType,
  inputs: readonly UpdateInput[],
  source: Source,
): BatchOutcome {
  refuseDuplicates(inputs)
  const records = portal.of(type).records
  return each(inputs, (input) => {
    const record = records.find(input.id, input.idProperty ?? undefined)
    if (!record) throw missing(type, [input.id])
    records.update(record, records.check(input.properties, record), source)
    return traceable(renderRecord(portal, type, record, everything), input)
  })
}

export function upsertBatch(
  portal: Portal,
  type: ObjectType,
  inputs: readonly UpdateInput[],
  source: Source,
): BatchOutcome {
  refuseDuplicates(inputs)
  const records = portal.of(type).records
  return each(inputs, (input) => {
    const { id, idProperty } = input
    if (!idProperty || idProperty === 'hs_object_id') {
      // Without a unique property the id must be a record's own: HubSpot cannot create one with a given id.
      const record = records.find(id)
      if (!record) throw missing(type, [id])
      records.update(record, records.check(input.properties, record), source)
      return traceable({ ...renderRecord(portal, type, record, everything), new: false }, input)
    }
    const existing = records.find(id, idProperty)
    const values = records.check({ [idProperty]: id, ...input.properties }, existing)
    const record = existing ? records.update(existing, values, source) : records.create(values, source)
    return traceable({ ...renderRecord(portal, type, record, everything), new: !existing }, input)
  })
}

export function readBatch(
  portal: Portal,
  type: ObjectType,
  request: z.output<typeof batchReadSchema>,
  archived: boolean,
): BatchOutcome {
  const view: View = {
    properties: (request.properties ?? []).map((name) => name.toLowerCase()),
    propertiesWithHistory: request.propertiesWithHistory ?? [],
    associations: [],
  }
  const found = new Map<string, HubspotRecord>()
  const absent: string[] = []
  for (const { id } of request.inputs) {
    const record = portal.of(type).records.lookup(id, request.idProperty ?? undefined)
    if (record && record.archived === archived) found.set(record.id, record)
    else absent.push(id)
  }
  return {
    results: [...found.values()].map((record) => renderRecord(portal, type, record, view)),
    errors: absent.length === 0 ? [] : [missing(type, absent).body],
  }
}

export function archiveBatch(portal: Portal, type: ObjectType, ids: readonly string[], source: Source): number {
  const records = ids.flatMap((id) => portal.of(type).records.find(id) ?? [])
  for (const record of records) portal.archive(type, record, source)
  return records.length
}

export interface AssociationTarget {
  readonly toType: ObjectType
  readonly id: string
  readonly types: readonly number[]
}

/** The associations a create asks for. Throws HubSpot's refusals for unknown types and records. */
export function checkAssociations(portal: Portal, type: ObjectType, input: CreateInput): AssociationTarget[] {
  return (input.associations ?? []).map(({ to, types }) => {
    const toType = targetTypeOf(portal, type, types)
    required(portal.of(toType).records.find(to.id))
    return { toType, id: to.id, types: types.map((spec) => spec.associationTypeId) }
  })
}

// A create names the types of its associations, not the type at their other end: the ids tell it.
function targetTypeOf(portal: Portal, type: ObjectType, specs: readonly AssociationSpec[]): ObjectType {
  const others = [...standardTypes, ...portal.schemas.all().map((schema) => schema.type)]
  const target = others.find((other) => {
    const ids = portal.associations.knows(type, other)
    return ids.length > 0 && specs.every(({ associationTypeId }) => ids.includes(associationTypeId))
  })
  if (target) return target
  throw invalid(`${JSON.stringify(specs)} are not valid association types of ${type}`)
}

function each<I extends { readonly objectWriteTraceId?: string | null | undefined; readonly id?: string }>(
  inputs: readonly I[],
  work: (input: I) => Record<string, unknown>,
): BatchOutcome {
  const results: Record<string, unknown>[] = []
  const errors: (HubspotError & { id?: string })[] = []
  for (const input of inputs) {
    try {
      results.push(work(input))
    } catch (error) {
      if (!(error instanceof HubspotRefusal)) throw error
      const trace = input.objectWriteTraceId
      const context = {
        ...error.body.context,
        ...(trace ? { objectWriteTraceId: [trace] } : {}),
        ...(input.id === undefined ? {} : { ids: [input.id] }),
      }
      errors.push({ ...error.body, context })
    }
  }
  return { results, errors }
}

function traceable(
  body: Record<string, unknown>,
  input: { objectWriteTraceId?: string | null | undefined },
): Record<string, unknown> {
  return input.objectWriteTraceId ? { ...body, objectWriteTraceId: input.objectWriteTraceId } : body
}

function refuseDuplicates(inputs: readonly UpdateInput[]): void {
  const seen = new Set<string>()
  for (const { id, idProperty } of inputs) {
    const key = `${idProperty ?? ''}\n${idProperty === 'email' ? id.toLowerCase() : id}`
    if (seen.has(key)) throw invalid(`Duplicate IDs found in batch input: [${id}]. IDs must be unique`)
    seen.add(key)
  }
}

function missing(type: ObjectType, ids: readonly string[]): HubspotRefusal {
  const singular = factsOf(type).singular.toUpperCase()
  return new HubspotRefusal(404, {
    message: `Could not get some ${singular} objects, they may be deleted or not exist. Check that ids are valid.`,
    category: 'OBJECT_NOT_FOUND',
    context: { ids },
  })
}
