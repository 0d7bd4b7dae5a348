// Reading request bodies the way the real ones do: a size that ends it, UTF-8 or nothing, numbers that
// JavaScript cannot hold kept as they were written. Owns no wording: the CRM says it in its own way.
import type { Context } from 'hono'
import type { Env } from '../world.ts'

export type BodyFault = 'too-large' | 'not-utf8' | 'not-json'

export type Body = { readonly fault: BodyFault } | { readonly text: string }

/** The body as text. Reads at most `bytesMax`. */
export async function readText(context: Context<Env>, bytesMax: number): Promise<Body> {
  if (Number(context.req.header('content-length') ?? 0) > bytesMax) return { fault: 'too-large' }
  const bytes = await context.req.arrayBuffer()
  if (bytes.byteLength > bytesMax) return { fault: 'too-large' }
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    return { fault: 'not-utf8' }
  }
}

/** The body as JSON; undefined for an empty one. */
export async function readJson(
  context: Context<Env>,
  bytesMax: number,
): Promise<{ readonly fault: BodyFault } | { readonly value: unknown }> {
  const body = await readText(context, bytesMax)
  if ('fault' in body) return body
  if (body.text === '') return { value: undefined }
  try {
    return { value: parseJson(body.text) }
  } catch {
    return { fault: 'not-json' }
  }
}

/** A whole number beyond 2^53 as it was written: rounding it silently is what none of the three does. */
export class BigNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
  toJSON(): string {
    return this.text
  }
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown

/** Throws SyntaxError. */
export function parseJson(text: string): unknown {
  const keep: Reviver = (_key, value, context) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? new BigNumber(context!.source!)
      : value
  return JSON.parse(text, keep)
}
