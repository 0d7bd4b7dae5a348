// `-- rowhouse: allow <check> because <reason>`: what a migration allows past a check. It stands in the file, so that a
// reviewer sees it where the statement is, and the reason is kept in the ledger.
import type { Token } from './parser.ts'
import { isOverridable, overridableChecks } from './problem.ts'
import type { OverridableCheck } from './problem.ts'

const REASON_LENGTH_MAX = 1000
const PREFIX = 'rowhouse:'

export type Overrides = Partial<Readonly<Record<OverridableCheck, string>>>

export interface DirectiveProblem {
  readonly start: number
  readonly message: string
}

export function readDirectives(tokens: readonly Token[]): {
  readonly overrides: Overrides
  readonly problems: readonly DirectiveProblem[]
} {
  const overrides: Partial<Record<OverridableCheck, string>> = {}
  const problems: DirectiveProblem[] = []
  for (const { isComment, text, start } of tokens) {
    if (!isComment || !text.startsWith('--')) continue
    const words = text.slice(2).trim()
    if (!words.startsWith(PREFIX)) continue
    const read = readDirective(words.slice(PREFIX.length).trim())
    if ('message' in read) problems.push({ start, message: read.message })
    else overrides[read.check] = read.reason
  }
  return { overrides, problems }
}

function readDirective(words: string): { check: OverridableCheck; reason: string } | { message: string } {
  const [verb, check = '', because, ...reason] = words.split(' ').filter((word) => word !== '')
  if (verb !== 'allow' || because !== 'because' || reason.length === 0) {
    return { message: `'${words}' is not understood. Write: -- rowhouse: allow drop_column because nothing reads it` }
  }
  if (!isOverridable(check)) {
    return { message: `There is no check '${check}' that can be allowed. There are: ${overridableChecks.join(', ')}.` }
  }
  return { check, reason: reason.join(' ').slice(0, REASON_LENGTH_MAX) }
}
