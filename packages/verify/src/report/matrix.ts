// Isolation as a picture: objects by the class of what was found on them. What has no finding is shown too, because
// that it was looked at is the point.
import type { Finding, Severity, VerifyReport } from './report.ts'

export interface Cell {
  readonly severity: Severity
  readonly count: number
  /** The place of its first finding in the report. */
  readonly first: number
}

interface Matrix {
  /** Two digits of a class each. */
  readonly columns: readonly string[]
  readonly rows: readonly { readonly object: string; readonly cells: readonly (Cell | null)[] }[]
  /** Tables without a finding beyond those shown. */
  readonly soundLeftOut: number
}

export const classNames: Readonly<Record<string, string>> = {
  '00': 'Rowhouse',
  '01': 'Roles',
  '02': 'Policies',
  '03': 'Objects',
  '04': 'Keys',
  '05': 'Sessions',
  '06': 'Schemas',
  '07': 'Platform',
  '08': 'Speed',
  '9': 'Attacks',
}

const SOUND_ROWS_MAX = 40
const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

export function matrixOf({ findings, examined, attack, database }: VerifyReport): Matrix {
  // By their numbers: of the names of an object those that are numbers come first, whatever was written first.
  const columns = Object.keys(classNames)
    .filter((name) => (name !== '00' || database.rowhouse !== null) && (name !== '9' || attack !== null))
    .toSorted()
  const bySubject = new Map<string, { finding: Finding; at: number }[]>()
  for (const [at, finding] of findings.entries()) {
    const subject = subjectOf(finding.object)
    bySubject.set(subject, [...(bySubject.get(subject) ?? []), { finding, at }])
  }
  const sound = examined.tables.map((name) => `table ${name}`).filter((object) => !bySubject.has(object))
  const rows = [...bySubject].map(([object, found]) => ({
    object,
    cells: columns.map((column) => cellOf(found, column)),
  }))
  return {
    columns,
    rows: [
      ...rows,
      ...sound.slice(0, SOUND_ROWS_MAX).map((object) => ({ object, cells: columns.map((): Cell | null => null) })),
    ],
    soundLeftOut: Math.max(0, sound.length - SOUND_ROWS_MAX),
  }
}

/** A policy and a column belong to their table. */
export function subjectOf(object: string): string {
  const policy = /^policy .* on (\S[^]*)$/.exec(object)
  if (policy !== null) return `table ${policy[1]}`
  const column = /^column ([^]+)\.[^.]+$/.exec(object)
  return column === null ? object : `table ${column[1]}`
}

function cellOf(found: readonly { finding: Finding; at: number }[], column: string): Cell | null {
  const of = found.filter(({ finding }) => finding.rule.startsWith(`V${column}`))
  const worst = of.toSorted((one, other) => rank[one.finding.severity] - rank[other.finding.severity])[0]
  return worst === undefined ? null : { severity: worst.finding.severity, count: of.length, first: worst.at }
}
