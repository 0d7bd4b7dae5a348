// Names of what adopt makes. Postgres cuts names at 63 bytes silently, and two that were cut alike would collide.
import { createHash } from 'node:crypto'
import { escapeIdentifier } from 'pg'

const BYTES_MAX = 63

/** `base_suffix`, or `base_suffix_2` and so on where that is taken. */
export function freeName(base: string, suffix: string, taken: readonly string[]): string {
  for (let count = 1; ; count += 1) {
    const name = nameFor(base, count === 1 ? suffix : `${suffix}_${count}`)
    if (!taken.includes(name)) return name
  }
}

/** `base_suffix` within 63 bytes; one that had to be cut carries a hash of the whole. */
export function nameFor(base: string, suffix: string): string {
  const whole = `${base}_${suffix}`
  if (Buffer.byteLength(whole) <= BYTES_MAX) return whole
  const end = `_${createHash('sha256').update(base).digest('hex').slice(0, 8)}_${suffix}`
  let cut = base
  while (Buffer.byteLength(cut + end) > BYTES_MAX) cut = cut.slice(0, -1)
  return cut + end
}

/** The one way a name gets into a statement of adopt. */
export const quote = escapeIdentifier

export const columnList = (columns: readonly string[]): string => columns.map((column) => quote(column)).join(', ')
