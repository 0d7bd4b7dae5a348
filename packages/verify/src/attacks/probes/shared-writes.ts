// Tables that are nobody's: what A writes there may be taken up by a trigger or a rule that acts on rows of B.
import { ident, literal } from '../quoting.ts'
import type { Column } from '../surface/relations.ts'
import type { Row } from '../witness.ts'
import type { Bait } from './functions.ts'
import type { Probe } from './probe.ts'
import { freshValue, insertOf } from './rows.ts'
import { writable } from './target.ts'
import type { Target } from './target.ts'

/** Rows of B that one table is baited with, and texts of each. */
const BAITS_MAX = 12
const TEXTS_MAX = 3
const TEXT_MIN = 4

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** @param takenUpBy the texts of its rules and of the functions of its triggers; without any, nothing takes up what is written */
export function sharedWriteProbes(target: Target, bait: Bait, takenUpBy: string): Probe[] {
  const { owner, relation, sql, probe } = target
  if (owner !== undefined || takenUpBy === '' || !'rp'.includes(relation.kind)) return []
  const columns = writable(relation)
  if (columns.length === 0) return []
  const statements = new Set<string>()
  // What they speak of comes first.
  const isSpokenOf = (name: string): boolean => takenUpBy.includes(name.slice(name.indexOf('.') + 1))
  const rows = bait.rows.toSorted((one, other) => Number(isSpokenOf(other.relation)) - Number(isSpokenOf(one.relation)))
  for (const { row } of rows.slice(0, BAITS_MAX)) {
    for (const text of textsOf(row)) {
      const given = valuesFor(columns, row, text, bait.organizations.b)
      if (Object.keys(given).length === 0) continue
      const rest = columns.filter(({ name, notNull, hasDefault }) => !(name in given) && notNull && !hasDefault)
      const filled = rest.map(({ name, type, category }) => [name, freshValue(type, category, 6) ?? null] as const)
      statements.add(insertOf(target, { ...given, ...Object.fromEntries(filled) }))
      const assigned = Object.entries(given).map(([name, value]) => `${ident(name)} = ${literal(value)}`)
      statements.add(`update ${sql} set ${assigned.join(', ')}`)
    }
  }
  return [...statements].map((statement, at) =>
    probe(`${statement.startsWith('insert') ? 'insert' : 'update'} with what is B’s ${at + 1}`, 'write', statement, {
      givesB: true,
    }),
  )
}

/** A row without texts is told by its ids and numbers alone. */
function textsOf(row: Row): readonly (string | undefined)[] {
  const texts = Object.values(row).filter(
    (value): value is string => value !== null && value.length >= TEXT_MIN && !uuid.test(value),
  )
  return texts.length === 0 ? [undefined] : texts.slice(0, TEXTS_MAX)
}

/** A column that is named like one of the row takes its value; other texts the text, other uuids the organization. */
function valuesFor(
  columns: readonly Column[],
  row: Row,
  text: string | undefined,
  organization: string,
): Record<string, string | null> {
  const given: Record<string, string | null> = {}
  for (const { name, type, category } of columns) {
    const value = row[name]
    if (value !== undefined && value !== null && (category !== 'N' || /^-?\d+$/.test(value))) given[name] = value
    else if (category === 'S' && text !== undefined) given[name] = text
    else if (type === 'uuid' && uuid.test(organization)) given[name] = organization
  }
  return given
}
