// What severities are called and how they are marked, and the address of a finding.
import type { Finding, FindingSeverity } from '@rowhouse/contracts'
import { plural } from '../words/numbers.ts'
import type { Tone } from '../words/connection.ts'

export const severities = ['error', 'warning', 'info'] as const

export const severityWords: Record<
  FindingSeverity,
  { readonly word: string; readonly many: string; readonly letter: string; readonly tone: Tone }
> = {
  error: { word: 'Error', many: 'Errors', letter: 'E', tone: 'bad' },
  warning: { word: 'Warning', many: 'Warnings', letter: 'W', tone: 'warn' },
  info: { word: 'Note', many: 'Notes', letter: 'N', tone: 'off' },
}

const KEY_LENGTH_MAX = 200

/** What stands in the URL for a finding; another run finds it under the same. */
export const keyOf = ({ rule, object }: Pick<Finding, 'rule' | 'object'>): string =>
  `${rule} ${object}`.slice(0, KEY_LENGTH_MAX)

/** `2 errors, 1 note`, or '' for none. */
export const countsOf = (findings: readonly Finding[]): string =>
  severities
    .map((severity) => [severity, findings.filter((finding) => finding.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => plural(count, severityWords[severity].word.toLowerCase()))
    .join(', ')
