// What a report comes to, and what of it counts.
import type { Finding, Outcome, Severity } from './report.ts'

const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

export const counts = (finding: Finding, failOn: Severity): boolean => rank[finding.severity] <= rank[failOn]

/** A finding that counts is an answer, whatever could not be asked; without one, an open question is none. */
export function outcomeOf(findings: readonly Finding[], undecided: readonly string[], failOn: Severity): Outcome {
  if (findings.some((finding) => counts(finding, failOn))) return 'findings'
  return undecided.length > 0 ? 'undecided' : 'clean'
}

/** `2 errors, 1 warning`, or '' for none. */
export function countsInWords(findings: readonly Finding[]): string {
  const words = (severity: Severity, one: string, many: string): string[] => {
    const count = findings.filter((finding) => finding.severity === severity).length
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`]
  }
  return [
    ...words('error', 'error', 'errors'),
    ...words('warning', 'warning', 'warnings'),
    ...words('info', 'note', 'notes'),
  ].join(', ')
}

/** One sentence. */
export function verdictOf(outcome: Outcome, findings: readonly Finding[], attacked: boolean): string {
  if (outcome === 'undecided') return 'It could not be decided whether organizations are apart.'
  const found = countsInWords(findings)
  if (outcome === 'clean')
    return `${attacked ? 'Organizations are apart' : 'No rule found a way between organizations'}${found === '' ? '.' : `; ${found}.`}`
  return `${found} found.`.replace(/^./, (letter) => letter.toUpperCase())
}
