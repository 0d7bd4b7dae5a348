// What a report comes to, and what of it counts.
import type { Coverage, Finding, Outcome, Part, Severity, VerifyReport } from './report.ts'

const rank: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 }

export const counts = (finding: Finding, failOn: Severity): boolean => rank[finding.severity] <= rank[failOn]

/**
 * A finding that counts is an answer, whatever could not be asked; without one, an open question is none, and neither is what
 * was not attacked by choice.
 */
export function outcomeOf(
  findings: readonly Finding[],
  undecided: readonly string[],
  failOn: Severity,
  attack: Coverage | null = null,
): Outcome {
  if (findings.some((finding) => counts(finding, failOn))) return 'findings'
  return undecided.length > 0 || attack?.part !== undefined ? 'undecided' : 'clean'
}

/** What a run left out by choice; nothing for a whole one. */
export const partInWords = (part: Part | undefined): string[] =>
  part === undefined
    ? []
    : [
        `Attacked by choice: ${part.only.join(', ')} alone, ${counted(part.objects.length, 'object')}. Left out: ${counted(part.leftOutProbes, 'probe')} on ${counted(part.leftOutObjects, 'object')}.`,
      ]

/** Whether nothing is open but what was left out by choice. */
export const isPartOnly = ({ attack, undecided }: Pick<VerifyReport, 'attack' | 'undecided'>): boolean =>
  attack?.part !== undefined && undecided.length === 0

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

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

/**
 * One sentence.
 *
 * @param isPart whether nothing but a choice left it undecided
 */
export function verdictOf(
  outcome: Outcome,
  findings: readonly Finding[],
  attacked: boolean,
  isPart: boolean = false,
): string {
  if (outcome === 'undecided' && isPart)
    return 'Nothing was found in what was attacked; the rest was left out by choice, so nothing is said of it.'
  if (outcome === 'undecided') return 'It could not be decided whether organizations are apart.'
  const found = countsInWords(findings)
  if (outcome === 'clean')
    return `${attacked ? 'Organizations are apart' : 'No rule found a way between organizations'}${found === '' ? '.' : `; ${found}.`}`
  return `${found} found.`.replace(/^./, (letter) => letter.toUpperCase())
}
