// For a team's own `npm test`: fails when the schema lets one organization reach another. Knows no test runner: it
// throws an AssertionError, which vitest, jest and node:test all show.
import { AssertionError } from 'node:assert'

import type { AttackDatabaseOptions } from './attacks/attack-database.ts'
import type { RunOptions } from './findings/run.ts'
import type { Finding, Severity } from './report/report.ts'
import { verify } from './verify.ts'

export interface ExpectIsolatedOptions {
  /** Whether the schema is attacked in two scratch databases as well; a role that may create them is needed. @default true */
  readonly attack?: boolean
  /** What fails: `error`, or `warning` for those too. @default 'error' */
  readonly failOn?: Exclude<Severity, 'info'>
  /** Findings that the team lives with: `rule` or `code`, and of which object. @default none */
  readonly accept?: readonly { readonly finding: string; readonly object?: string }[]
  /** For the rules over the catalogue. */
  readonly findings?: RunOptions
  /**
   * For the attacks. The scratch databases stand beside the database, unless `clone.scratch` says otherwise. With `only` it
   * passes where nothing is found in what is named there: it says nothing of the rest.
   */
  readonly attacks?: AttackDatabaseOptions
}

const failing: Readonly<Record<Exclude<Severity, 'info'>, readonly Severity[]>> = {
  error: ['error'],
  warning: ['error', 'warning'],
}

/**
 * Resolves when the schema of `database` keeps organizations apart. The database is read, never written.
 *
 * @param database a URL, or `{ url }`
 * @throws AssertionError that lists each finding with the SQL that reproduces it, or why it could not be
 *   decided; RowhouseError when the database cannot be reached, or an option names what is not there
 *
 * @example
 * import { expectIsolated } from '@rowhouse/verify'
 * test('organizations are apart', () => expectIsolated(process.env.DATABASE_URL), 120_000)
 */
export async function expectIsolated(
  database: string | { readonly url: string },
  options: ExpectIsolatedOptions = {},
): Promise<void> {
  const url = typeof database === 'string' ? database : database.url
  const accepts = ({ rule, code, object }: Finding): boolean =>
    (options.accept ?? []).some(
      (accepted) =>
        (accepted.finding === rule || accepted.finding === code) &&
        (accepted.object === undefined || accepted.object === object),
    )
  const report = await verify({
    url,
    ...options.findings,
    ...(options.attack !== false && {
      // A database for tests is a place for scratch databases too.
      attack: { ...options.attacks, clone: { scratch: 'same-server', ...options.attacks?.clone } },
    }),
  })
  const fails = failing[options.failOn ?? 'error']
  const findings = report.findings.filter((finding) => fails.includes(finding.severity) && !accepts(finding))
  const { undecided } = report
  if (findings.length === 0 && undecided.length === 0) return
  throw new AssertionError({
    message: describe(findings, undecided),
    actual: findings,
    expected: [],
    operator: 'expectIsolated',
  })
}

function describe(findings: readonly Finding[], undecided: readonly string[]): string {
  const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`
  const lines = [
    findings.length > 0
      ? `Organizations are not apart: ${count}.`
      : 'Whether organizations are apart could not be decided.',
  ]
  for (const { rule, code, object, message, fix, evidence } of findings) {
    lines.push('', `${rule} ${code}: ${object}`, `  ${message}`, `  Fix: ${fix}`)
    if (evidence !== undefined) lines.push('  Reproduce:', ...evidence.split('\n').map((line) => `    ${line}`))
  }
  for (const reason of undecided) lines.push('', `Undecided: ${reason}`)
  return lines.join('\n')
}
