// JUnit XML, for test reports: one case for each rule. What counts fails, what is accepted is skipped.
import { rules } from '../findings/rules.ts'
import { counts, partInWords } from './outcome.ts'
import type { Finding, Severity, VerifyReport } from './report.ts'

export function renderJunit(report: VerifyReport, failOn: Severity): string {
  const { findings, accepted, undecided, durationMs, startedAt } = report
  const byRule = Map.groupBy(findings, ({ rule }) => rule)
  const acceptedByRule = Map.groupBy(accepted, ({ rule }) => rule)
  const names = new Map<string, string>(rules.map(({ id, code }) => [id, code]))
  for (const { rule, code } of findings) names.set(rule, code)
  const failed = [...names.keys()].filter((id) => byRule.get(id)?.some((finding) => counts(finding, failOn)) === true)
  const cases = [...names].map(([id, code]) => {
    const of = byRule.get(id) ?? []
    const failing = of.filter((finding) => counts(finding, failOn))
    const noted = of.filter((finding) => !counts(finding, failOn))
    const skipped = failing.length === 0 ? (acceptedByRule.get(id)?.[0] ?? null) : null
    const body = [
      ...(skipped === null
        ? []
        : [`<skipped message="${xml(`accepted: ${skipped.reason} (until ${skipped.expires})`)}"/>`]),
      ...(failing.length === 0
        ? []
        : [
            `<failure type="${code}" message="${xml(`${failing.length} found`)}">${xml(failing.map(lineOf).join('\n'))}</failure>`,
          ]),
      ...(noted.length === 0 ? [] : [`<system-out>${xml(noted.map(lineOf).join('\n'))}</system-out>`]),
    ]
    return `    <testcase classname="rowhouse.verify" name="${id} ${code}" time="0">${body.join('')}</testcase>`
  })
  const errors = undecided.map(
    (reason) =>
      `    <testcase classname="rowhouse.verify" name="undecided" time="0"><error message="${xml(reason)}"/></testcase>`,
  )
  const leftOut = partInWords(report.attack?.part).map(
    (sentence) =>
      `    <testcase classname="rowhouse.verify" name="left out by choice" time="0"><skipped message="${xml(sentence)}"/></testcase>`,
  )
  const skippedCount = [...acceptedByRule.keys()].filter((id) => !failed.includes(id)).length + leftOut.length
  const tally = `tests="${cases.length + errors.length + leftOut.length}" failures="${failed.length}" errors="${errors.length}" skipped="${skippedCount}" time="${(durationMs / 1000).toFixed(3)}"`
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites ${tally}>
  <testsuite name="rowhouse verify ${xml(report.database.name)}" ${tally} timestamp="${startedAt.slice(0, 19)}">
${[...cases, ...errors, ...leftOut].join('\n')}
  </testsuite>
</testsuites>
`
}

const lineOf = ({ severity, object, message, fix }: Finding): string => `${severity}: ${object}: ${message} Fix: ${fix}`

/** XML 1.0 has no place for most control characters, not even escaped. */
const xml = (text: string): string =>
  text
    .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, (letter) => (/[\t\n\r]/.test(letter) ? letter : '\uFFFD'))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
