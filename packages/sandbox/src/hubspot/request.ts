// Reading HubSpot requests: bodies checked by a schema, and the query parameters all object reads share.
// Owns the wording of what is wrong with a request; must not know records.
import type { Context } from 'hono'
import { z } from 'zod'
import type { Env } from '../world.ts'
import { invalid } from './errors.ts'
import { parseObjectType } from './object-types.ts'
import type { View } from './render.ts'
import type { Source } from './records.ts'

export const rawValue = z.union([z.string(), z.number(), z.boolean(), z.null()])
export const propertiesSchema = z.record(z.string(), rawValue)

/** The body as the schema has it. Throws HubSpot's 400 for no JSON or another shape. */
export async function readBody<S extends z.ZodType>(context: Context<Env>, schema: S): Promise<z.output<S>> {
  let body: unknown
  try {
    body = await context.req.json()
  } catch {
    throw invalid('Invalid input JSON on line 1, column 1: the body is not JSON')
  }
  const parsed = schema.safeParse(body)
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
export function readView(context: Context<Env>): View {
  return {
    properties: listParameter(context, 'properties').map((name) => name.toLowerCase()),
    propertiesWithHistory: listParameter(context, 'propertiesWithHistory'),
    associations: listParameter(context, 'associations').map((name) => parseObjectType(name)),
  }
}

/** How this request's changes are signed in histories and webhooks. */
export function sourceOf(context: Context<Env>): Source {
  const { token } = context.get('caller')
  return token.person
    ? { sourceType: 'CRM_UI', sourceId: `userId:${token.appId}` }
    : { sourceType: 'INTEGRATION', sourceId: String(token.appId) }
}
