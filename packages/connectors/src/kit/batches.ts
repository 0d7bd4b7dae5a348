// Splits work into the sizes a provider takes, and keeps cursors opaque. Pure.
import { isObject, parseJson } from './reading.ts'
import type { JsonObject } from './reading.ts'

/** Pieces of at most `sizeMax`, in order. */
export function batches<T>(items: readonly T[], sizeMax: number): T[][] {
  const pieces: T[][] = []
  for (let start = 0; start < items.length; start += sizeMax) pieces.push(items.slice(start, start + sizeMax))
  return pieces
}

/** Each value once, in the order of first appearance. */
export function distinct<T>(values: Iterable<T>): T[] {
  return [...new Set(values)]
}

/** A cursor the engine stores without reading it. */
export function encodeCursor(state: JsonObject): string {
  return Buffer.from(JSON.stringify(state)).toString('base64url')
}

/** The state of a cursor; null when the text was not made by encodeCursor. */
export function decodeCursor(cursor: string): JsonObject | null {
  const state = parseJson(Buffer.from(cursor, 'base64url').toString())
  return isObject(state) ? state : null
}
