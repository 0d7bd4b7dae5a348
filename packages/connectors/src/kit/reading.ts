// Reads values out of bodies that another program wrote. Owns the rule that an answer of an
// unexpected shape is an absence, never an exception: a CRM's proxy may send anything.
// Must not know any provider.

export type JsonObject = Readonly<Record<string, unknown>>

/** The object, or an empty one when it is anything else. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** The array, or an empty one when it is anything else. */
export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** The list of this name in a body; null when it has none: such a body says nothing, and not that there is nothing. */
export function listIn(body: unknown, name: string): readonly unknown[] | null {
  const list = objectOf(body)[name]
  return Array.isArray(list) ? list : null
}

/** The text of a string or a finite number; null for anything else and for the empty string. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value
  return typeof value === 'number' && Number.isFinite(value) ? String(value) : null
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown

/** Sixteen digits in a row, with a point or without, may be more than a double holds. */
const long = /\d[\d.]{15}/
const exact: Reviver = (_key, value, context) =>
  typeof value === 'number' && long.test(context?.source ?? '') ? context?.source : value

/**
 * The JSON value of a text; undefined when it is not JSON. A number of more than fifteen digits stays the text it
 * was written as, because a double would change it. The reviver sees every value, so it is used only where such
 * a number may be: it takes four times as long.
 */
export function parseJson(text: string): unknown {
  try {
    return (long.test(text) ? JSON.parse(text, exact) : JSON.parse(text)) as unknown
  } catch {
    return undefined
  }
}

/** A whole number that is not negative, as a header writes it; null for anything else. */
export function countOf(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text.trim()) ? Number(text) : null
}
