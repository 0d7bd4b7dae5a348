// The report as one page that a security reviewer can be sent: no server, no script, nothing loaded from anywhere.
// Everything that comes from the database is escaped; the page's own policy forbids what is left.
import { docsUrl } from '../findings/rules.ts'
import { pageStyle } from './html-style.ts'
import { classNames, matrixOf } from './matrix.ts'
import type { Cell } from './matrix.ts'
import { notCoveredInWords } from './not-covered.ts'
import { countsInWords, isPartOnly, partInWords, verdictOf } from './outcome.ts'
import type { AcceptedFinding, Finding, Severity, VerifyReport } from './report.ts'
import { costInWords, visible } from './text.ts'

const words: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' }

export function renderHtml(report: VerifyReport): string {
  const { database, examined, findings, known, accepted, attack, undecided, warnings, outcome } = report
  const title = `Isolation of ${database.name}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>${text(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
  <p class="brand"><svg viewBox="0 0 24 16" width="27" height="18" aria-hidden="true"><path d="M1.5 14.5v-7L5 3.5l3.5 4 3.5-4 3.5 4 3.5-4 3.5 4v7z"/></svg> rowhouse verify</p>
  <h1>${text(title)}</h1>
  <p class="verdict ${outcome}">${text(verdictOf(outcome, findings, attack !== null, isPartOnly(report)))}</p>
  <dl class="facts">
    ${fact('Server', `Postgres ${database.serverVersion}${database.supabase ? ', Supabase' : ''}${database.rowhouse === null ? '' : `, Rowhouse ${database.rowhouse}`}`)}
    ${fact('Tables of tenants', `${examined.tables.length}${examined.tenantTable === null ? '' : `, of ${examined.tenantTable}`}${examined.tenantSchemas.length === 0 ? '' : `; ${examined.tenantSchemas.length} schemas of tenants`}`)}
    ${fact('Requests come as', examined.roles.join(', ') || 'no role that was found')}
    ${fact('Read by', `${database.login}, ${examined.rules} rules`)}
    ${fact('Attacks', attack === null ? 'not asked for' : `${attack.cells} cells, ${attack.statements} statements`)}
    ${fact('When', `${report.startedAt.slice(0, 16).replace('T', ' ')} UTC, ${(report.durationMs / 1000).toFixed(1)} s`)}
  </dl>
</header>
<main>
${listOf('Not decided', [...undecided, ...partInWords(attack?.part)])}
${matrixSection(report)}
${(['error', 'warning', 'info'] as const).map((severity) => findingsSection(severity, findings)).join('\n')}
${listOf(
  'There before',
  known.map(({ severity, rule, code, object }) => `${words[severity]} ${rule} ${code}, ${object}`),
)}
${acceptedSection(accepted)}
${listOf('Baseline', warnings)}
${listOf('Not covered', attack === null ? [] : notCoveredInWords(attack.notCovered))}
${listOf('What no schema prevents', attack?.limits ?? [])}
</main>
<footer><p>Rules read the catalogue only. ${attack === null ? 'Nothing was attacked.' : 'Attacks ran in scratch copies with synthetic rows; nothing was written to this database.'}</p></footer>
</body>
</html>
`
}

const text = (raw: string): string =>
  visible(raw)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')

const fact = (name: string, value: string): string => `<div><dt>${text(name)}</dt><dd>${text(value)}</dd></div>`

const listOf = (heading: string, lines: readonly string[]): string =>
  lines.length === 0
    ? ''
    : `<section><h2>${text(heading)}</h2><ul class="plain">${lines.map((line) => `<li>${text(line)}</li>`).join('')}</ul></section>`

function matrixSection(report: VerifyReport): string {
  const { columns, rows, soundLeftOut } = matrixOf(report)
  if (rows.length === 0) return ''
  const head = columns
    .map((column) => `<th scope="col"><span>${text(classNames[column] ?? column)}</span></th>`)
    .join('')
  const body = rows
    .map(
      ({ object, cells }) =>
        `<tr><th scope="row" title="${text(object)}">${text(object)}</th>${cells.map(cellOf).join('')}</tr>`,
    )
    .join('\n')
  const rest =
    soundLeftOut === 0
      ? ''
      : `<p class="rest">and ${soundLeftOut} more ${soundLeftOut === 1 ? 'table' : 'tables'} with nothing found</p>`
  return `<section><h2>What was looked at</h2>
<div class="scroll" tabindex="0" role="region" aria-label="Objects by kind of finding"><table class="matrix"><thead><tr><th scope="col">Object</th>${head}</tr></thead><tbody>
${body}
</tbody></table></div>
<p class="legend"><span class="mark error">E</span> error <span class="mark warning">W</span> warning <span class="mark info">N</span> note <span class="mark sound">·</span> nothing found</p>${rest}</section>`
}

function cellOf(cell: Cell | null): string {
  if (cell === null) return '<td><span class="mark sound" role="img" aria-label="nothing found">·</span></td>'
  const letter = { error: 'E', warning: 'W', info: 'N' }[cell.severity]
  const label = `${cell.count} ${words[cell.severity]}${cell.count === 1 ? '' : 's'}`
  return `<td><a class="mark ${cell.severity}" href="#f${cell.first}" aria-label="${label}" title="${label}">${letter}${cell.count === 1 ? '' : cell.count}</a></td>`
}

function findingsSection(severity: Severity, all: readonly Finding[]): string {
  const of = all.map((finding, at) => ({ finding, at })).filter(({ finding }) => finding.severity === severity)
  if (of.length === 0) return ''
  const heading = countsInWords(of.map(({ finding }) => finding))
  return `<section><h2>${text(heading)}</h2>${of.map(({ finding, at }) => findingOf(finding, at)).join('\n')}</section>`
}

function findingOf({ rule, code, object, message, fix, evidence, details, severity }: Finding, at: number): string {
  return `<article id="f${at}" class="${severity}">
<h3><code>${text(object)}</code></h3>
<p class="id"><a href="${text(docsUrl(rule))}">${text(rule)} ${text(code)}</a></p>
<p>${text(message)}</p>
${details?.['plannedCost'] === undefined ? '' : `<p class="cost">${text(costInWords(details))}</p>`}
${evidence === undefined ? '' : `<p class="label">Try</p><pre>${preformatted(evidence)}</pre>`}
<p class="label">Fix</p><pre>${preformatted(fix)}</pre>
</article>`
}

const preformatted = (raw: string): string => raw.split('\n').map(text).join('\n')

function acceptedSection(accepted: readonly AcceptedFinding[]): string {
  return listOf(
    'Accepted',
    accepted.map(
      ({ rule, code, object, reason, expires }) => `${rule} ${code}, ${object}: ${reason} Until ${expires}.`,
    ),
  )
}
