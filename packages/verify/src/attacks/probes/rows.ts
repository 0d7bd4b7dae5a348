// Rows to insert, made from a row of A: what has to be unique is new, all else is as it was, so that checks, domains,
// enums and references hold.
import { ident, literal } from '../quoting.ts'
import type { Row } from '../witness.ts'
import { writable } from './target.ts'
import type { Target } from './target.ts'

export function freshRow({ relation, owner }: Target, a: Row, number: number): Record<string, string | null> {
  const unique = new Set(relation.keys.flatMap(({ columns }) => columns))
  const references = new Set(relation.references.flatMap(({ columns }) => columns))
  const row: Record<string, string | null> = {}
  for (const { name, type, category, hasDefault } of writable(relation)) {
    const isNew = unique.has(name) && name !== owner?.tenantColumn && !references.has(name)
    const fresh = isNew ? freshValue(type, category, number) : undefined
    if (isNew && fresh === undefined && hasDefault) continue
    row[name] = fresh ?? a[name] ?? null
  }
  return row
}

/** A value that no planted row has; undefined where one cannot be made up. */
export function freshValue(type: string, category: string, number: number): string | undefined {
  if (type === 'uuid') return `f0f0f0f0-0000-4000-8000-${String(number).padStart(12, '0')}`
  if (category === 'S') return /\((\d)\)$/.test(type) ? `p${number}` : `probe-${number}@example.com`
  if (/^(integer|bigint|numeric)/.test(type)) return String(900_000 + number)
  if (type === 'smallint') return String(30_000 + number)
  if (type === 'date') return '2090-01-01'
  if (type.startsWith('timestamp')) return `2090-01-01 00:00:0${number % 10}`
  return undefined
}

export function insertOf({ sql }: Pick<Target, 'sql'>, row: Readonly<Record<string, string | null>>): string {
  const columns = Object.keys(row)
  if (columns.length === 0) return `insert into ${sql} default values`
  return `insert into ${sql} (${columns.map(ident).join(', ')}) values (${columns.map((name) => literal(row[name] ?? null)).join(', ')})`
}
