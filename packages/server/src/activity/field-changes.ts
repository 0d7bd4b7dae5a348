// From a row before and after to what a person reads: the fields that differ, as text, and a name for
// the record. Pure.
import type { FieldChange } from '@rowhouse/contracts'

export type RowImage = Readonly<Record<string, unknown>>

/** Columns that say nothing about the change: the tenant, the key and the bookkeeping. */
const hidden = new Set(['organization_id', 'id', 'created_at', 'updated_at'])
const textLengthMax = 2000

export function fieldChanges(before: RowImage | null, after: RowImage | null): FieldChange[] {
  const fields = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])
  return [...fields]
    .filter((field) => !hidden.has(field))
    .map((field) => ({ field, before: textOf(before?.[field]), after: textOf(after?.[field]) }))
    .filter((change) => change.before !== change.after)
}

/** What a person would call the record: its name, else its e-mail, else null. */
export function labelOf(row: RowImage): string | null {
  const full = [row['first_name'], row['last_name']].filter((part) => typeof part === 'string' && part !== '').join(' ')
  for (const candidate of [row['name'], full, row['email'], row['domain']]) {
    if (typeof candidate === 'string' && candidate.trim() !== '') return candidate.slice(0, 200)
  }
  return null
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > textLengthMax ? `${text.slice(0, textLengthMax)}…` : text
}
