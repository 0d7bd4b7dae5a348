// Reading HubSpot requests: bodies checked by a schema, and the query parameters all object reads share.
// Owns the wording of what is wrong with a request; must not know records.
import type { Context } from 'hono'
import { z } from 'zod'
import type { Env } from '../world.ts'
import { BigNumber, readJson } from '../http/body.ts'
import { HubspotRefusal, invalid } from './errors.ts'
import type { Portal } from './portal.ts'
import type { View } from './render.ts'
import type { Source } from './records.ts'

// What JavaScript cannot hold is kept as it was written: every value is text to HubSpot.
const bigNumber = z.instanceof(BigNumber).transform(({ text }) => text)
export const rawValue = z.union([z.string(), z.number(), z.boolean(), z.null(), bigNumber])
/** †: a body may be this large. */
const bodyBytesMax = 10 * 1024 * 1024

export const propertiesSchema = z.record(z.string(), rawValue)

/** The body as the schema has it. Throws HubSpot's 400 for no JSON or another shape. */
export async function readBody<S extends z.ZodType>(context: Context<Env>, schema: S): Promise<z.output<S>> {
  const type = context.req.header('content-type')
  if (type !== undefined && !/json\b/i.test(type) && !type.startsWith('text/plain')) {
    throw new HubspotRefusal(415, {
      message: `Unsupported media type ${type.slice(0, 80)}`,
      category: 'VALIDATION_ERROR',
    })
  }
  const body = await readJson(context, bodyBytesMax)
  if ('fault' in body && body.fault === 'too-large') {
    throw new HubspotRefusal(413, { message: 'The request body is too large.', category: 'VALIDATION_ERROR' })
  }
  if ('fault' in body || body.value === undefined) {
    throw invalid('Invalid input JSON on line 1, column 1: the body is not JSON')
  }
  const parsed = schema.safeParse(body.value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues.map((issue) => ({ message: issue.message, in: issue.path.join('.') }))
  throw invalid(
    `Invalid input JSON on line 1, column 1: ${errors.map((e) => `${e.in}: ${e.message}`).join('; ')}`,
    errors,
  )
}

/** A list parameter, given repeatedly or with commas. */
export function listParameter(context: Context<Env>, name: string): string[] {
  return (context.req.queries(name) ?? []).flatMap((text) => text.split(',')).filter((text) => text !== '')
}

export function numberParameter(context: Context<Env>, name: string, fallback: number, max: number): number {
  const text = context.req.query(name)
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw invalid(`${name} must be a positive number, not ${text}`)
  if (value > max) throw invalid(`${name} must be at most ${max}, not ${text}`)
  return value
}

/** What an object answer shall carry. */
export function readView(context: Context<Env>, portal: Portal): View {
  return {
    properties: listParameter(context, 'properties').map((name) => name.toLowerCase()),
    propertiesWithHistory: listParameter(context, 'propertiesWithHistory'),
    associations: listParameter(context, 'associations').map((name) => portal.schemas.parse(name)),
  }
}

/** How this request's changes are signed in histories and webhooks. */
export function sourceOf(context: Context<Env>): Source {
  const { token } = context.get('caller')
  return token.person
    ? { sourceType: 'CRM_UI', sourceId: `userId:${token.appId}` }
    : { sourceType: 'INTEGRATION', sourceId: String(token.appId) }
}
