// The lines of a sublist: reading what a client sent, and putting it over the lines there are. Lines are
// told apart by their key (line, internalId); what has none is added.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545141395.html
import { invalidContent } from './errors.ts'
import type { Sublist } from './record-types.ts'
import { normalizeValue } from './values.ts'
import type { FindReference, Value } from './values.ts'

export type Line = Record<string, Value>

/** A sublist may have this many lines. */
export const linesMax = 1000

/** `{items: […]}` as lines. Throws INVALID_CONTENT with the path of the value. */
export function lineValues(sublist: Sublist, raw: unknown, find: FindReference): Line[] {
  const items = (raw as { items?: unknown } | null)?.items
  if (!Array.isArray(items) || items.some((item) => typeof item !== 'object' || item === null)) {
    throw invalidContent('A sublist is an object with items.', sublist.name)
  }
  if (items.length > linesMax) throw invalidContent(`A sublist may have ${linesMax} lines.`, `${sublist.name}.items`)
  return items.map((item: Record<string, unknown>, index) => {
    const line: Line = {}
    for (const [name, value] of Object.entries(item)) {
      if (name === 'links') continue
      const path = `${sublist.name}.items[${index}].${name}`
      const field = sublist.fields.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
      if (!field) throw invalidContent(`Unknown reference or field: ${name}.`, path)
      line[field.name] = normalizeValue(field, value, path, find)
    }
    return line
  })
}

/** The lines there are with the given ones over them. Throws INVALID_CONTENT for a new line that lacks what it needs. */
export function mergeLines(sublist: Sublist, kept: readonly Line[], given: readonly Line[]): Line[] {
  const lines = kept.map((line) => ({ ...line }))
  for (const [index, line] of given.entries()) {
    const key = line[sublist.key] ?? null
    const known = key === null ? undefined : lines.find((candidate) => candidate[sublist.key] === key)
    if (known) {
      Object.assign(known, line)
      continue
    }
    const missing = sublist.fields.find(({ name, required }) => required && (line[name] ?? null) === null)
    if (missing)
      throw invalidContent(
        `Please enter value(s) for: ${missing.name}`,
        `${sublist.name}.items[${index}].${missing.name}`,
      )
    const last = lines.reduce((max, other) => Math.max(max, Number(other[sublist.key] ?? 0)), 0)
    lines.push({ ...line, [sublist.key]: last + 1 })
  }
  return lines
}
