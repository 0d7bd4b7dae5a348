// SARIF 2.1.0, for code scanning. https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
import { createHash } from 'node:crypto'
import { attackRules } from '../attacks/rules.ts'
import type { AttackRule } from '../attacks/rules.ts'
import { docsUrl, rules } from '../findings/rules.ts'
import { isPartOnly, partInWords } from './outcome.ts'
import type { AcceptedFinding, Finding, Severity, VerifyReport } from './report.ts'

const levels: Readonly<Record<Severity, 'error' | 'warning' | 'note'>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
}
const schema = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'

const attacks = new Map<string, AttackRule>(Object.values(attackRules).map((attack) => [attack.rule, attack]))

/** A database has no files: code scanning wants one, so results are shown at the file that makes the schema. */
const LOCATION = 'database'

export interface SarifOptions {
  /** The file of the repository that results are shown at. @default 'database' */
  readonly location?: string
}

export function renderSarif(report: VerifyReport, { location = LOCATION }: SarifOptions = {}): string {
  const all: readonly (Finding | AcceptedFinding)[] = [...report.findings, ...report.accepted]
  const described = new Map(
    rules.map(({ id, code, title, help, url }) => [
      id,
      {
        id,
        name: code,
        shortDescription: { text: title },
        fullDescription: { text: title },
        help: { text: help, markdown: help },
        helpUri: url,
      },
    ]),
  )
  for (const { rule, code } of all) {
    if (described.has(rule)) continue
    const { says, fix } = attacks.get(rule) ?? { says: code, fix: code }
    described.set(rule, {
      id: rule,
      name: code,
      shortDescription: { text: says },
      fullDescription: { text: says },
      help: { text: fix, markdown: fix },
      helpUri: docsUrl(rule),
    })
  }
  const ids = [...described.keys()]
  return `${JSON.stringify(
    {
      $schema: schema,
      version: '2.1.0',
      runs: [
        {
          tool: { driver: { name: 'rowhouse verify', informationUri: docsUrl(''), rules: [...described.values()] } },
          invocations: [
            {
              executionSuccessful: report.outcome !== 'undecided' || isPartOnly(report),
              startTimeUtc: report.startedAt,
              toolExecutionNotifications: [
                ...report.undecided,
                ...partInWords(report.attack?.part),
                ...report.warnings,
              ].map((text) => ({
                level: 'warning',
                message: { text },
              })),
            },
          ],
          results: all.map((finding) => resultOf(finding, ids.indexOf(finding.rule), location)),
        },
      ],
    },
    null,
    2,
  )}\n`
}

function resultOf(finding: Finding | AcceptedFinding, ruleIndex: number, location: string): object {
  const { rule, code, severity, object, message, fix, evidence, details } = finding
  const [kind = '', ...name] = object.split(' ')
  return {
    ruleId: rule,
    ruleIndex,
    level: levels[severity],
    message: { text: `${object}: ${message}\nFix: ${fix}${evidence === undefined ? '' : `\nTry: ${evidence}`}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: encodeURI(location) }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: name.join(' '), kind }],
      },
    ],
    // The same finding keeps its fingerprint when its message or its place in the list changes.
    partialFingerprints: { 'rowhouse/v1': createHash('sha256').update(`${code}\n${object}`).digest('hex') },
    ...(details !== undefined && { properties: details }),
    ...('reason' in finding && {
      suppressions: [
        { kind: 'external', status: 'accepted', justification: `${finding.reason} (until ${finding.expires})` },
      ],
    }),
  }
}
