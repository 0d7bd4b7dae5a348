// The report for people at a terminal: by severity, each finding with what to do and where to read about it.
import { docsUrl } from '../findings/rules.ts'
import { notCoveredInWords } from './not-covered.ts'
import { isPartOnly, partInWords, verdictOf } from './outcome.ts'
import type { Finding, Severity, VerifyReport } from './report.ts'

const headings: Readonly<Record<Severity, string>> = { error: 'Errors', warning: 'Warnings', info: 'Notes' }

export function renderText(report: VerifyReport): string {
  const { database, examined, findings, known, accepted, attack, undecided, warnings } = report
  const groups = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const of = findings.filter((finding) => finding.severity === severity)
    return of.length === 0 ? [] : [`${headings[severity]}\n\n${of.map(renderFinding).join('\n')}`]
  })
  const parts = [
    `${visible(database.name)}, Postgres ${database.serverVersion}${database.supabase ? ', Supabase' : ''}${database.rowhouse === null ? '' : `, Rowhouse ${database.rowhouse}`}: ${examined.tables.length} tables of tenants${examined.tenantTable === null ? '' : ` (${visible(examined.tenantTable)})`}${examined.tenantSchemas.length === 0 ? '' : `, ${examined.tenantSchemas.length} schemas of tenants`}, as ${examined.roles.map(visible).join(', ') || 'nobody'}; ${examined.rules} rules.`,
    ...groups,
    ...listOf(
      'There before',
      known.map(({ severity, code, object }) => `${severity}  ${code}  ${object}`),
    ),
    ...listOf(
      'Accepted',
      accepted.map((one) => `${one.code}  ${one.object}: ${one.reason} (until ${one.expires})`),
    ),
    ...listOf('Baseline', warnings),
    ...(attack === null
      ? []
      : [`Attacked ${attack.objects} objects with ${attack.probes} kinds of probe: ${attack.statements} statements.`]),
    ...partInWords(attack?.part).map(visible),
    ...listOf('Not covered', attack === null ? [] : notCoveredInWords(attack.notCovered)),
    ...listOf('What no schema prevents', attack?.limits ?? []),
    ...listOf('Not decided', undecided),
    verdictOf(report.outcome, findings, attack !== null, isPartOnly(report)),
  ]
  return `${parts.join('\n\n')}\n`
}

const listOf = (heading: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`${heading}\n\n${lines.map((line) => `  ${visible(line)}\n`).join('')}`.trimEnd()]

function renderFinding({ rule, code, object, message, fix, evidence, details }: Finding): string {
  const measured = details?.['plannedCost'] === undefined ? [] : [`cost  ${costInWords(details)}`]
  const shown = evidence === undefined ? [] : ['try', ...evidence.split('\n').map((line) => `  ${line}`)]
  const lines = [message, ...measured, ...shown, `fix   ${fix}`, `docs  ${docsUrl(rule)}`]
  return `  ${rule}  ${code}  ${visible(object)}\n${lines.map((line) => `         ${visible(line)}\n`).join('')}`
}

/** What the planner thinks a request pays, beside the same rows asked for by the tenant column. */
export const costInWords = (details: Readonly<Record<string, string | number>>): string =>
  `planned at ${details['plannedCost']} for one tenant of ${details['rows']} rows; by the tenant column alone ${details['plannedCostByTenant']}`

/** A name may hold anything, also what moves a terminal's cursor: control characters are written out. */
export const visible = (text: string): string =>
  text.replaceAll(/[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu, (letter) =>
    letter === '\n' ? String.raw`\n` : String.raw`\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
