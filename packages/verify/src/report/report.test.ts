// A report in every form it is given: each is checked by what reads that form.
import { readFileSync } from 'node:fs'
import { join, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import Ajv from 'ajv-draft-04'
import { describe, expect, it } from 'vitest'
import { applyBaseline, parseBaseline, REASON_MISSING, writeBaseline } from './baseline.ts'
import { renderHtml } from './html.ts'
import { renderJunit } from './junit.ts'
import { matrixOf } from './matrix.ts'
import { outcomeOf } from './outcome.ts'
import type { Finding, VerifyReport } from './report.ts'
import { renderSarif } from './sarif.ts'
import { renderText } from './text.ts'

const hostile = `table public."a<script>alert('1')</script>\n\u001B[2J]]>&"`
const finding: Finding = {
  rule: 'V0101',
  code: 'rls_disabled',
  severity: 'error',
  object: hostile,
  message: `Row security of ${hostile} is off.`,
  fix: 'alter table x enable row level security',
  source: 'static',
  details: { plannedCost: 10, plannedCostByTenant: 2, rows: 100 },
}
const note: Finding = {
  ...finding,
  rule: 'V0204',
  code: 'policy_ignores_row',
  severity: 'info',
  object: 'policy p on public.x',
}
const attack: Finding = {
  ...finding,
  rule: 'V9001',
  code: 'rows_seen',
  object: 'table public.y',
  source: 'attack',
  evidence: 'select 1\nfrom y',
}

const report = (changes: Partial<VerifyReport> = {}): VerifyReport => ({
  version: 1,
  startedAt: '2026-03-01T10:00:00.000Z',
  durationMs: 1234,
  database: { name: 'shop', serverVersion: '18.4', rowhouse: null, supabase: false, login: 'reviewer' },
  examined: {
    rules: 3,
    tables: ['public.x', 'public.sound'],
    tenantTable: 'public.tenants',
    roles: ['app'],
    tenantSchemas: [],
  },
  findings: [finding, attack, note],
  known: [],
  accepted: [{ ...note, object: 'policy q on public.x', reason: 'The page is public.', expires: '2026-12-31' }],
  warnings: ['One has expired.'],
  attack: null,
  outcome: 'findings',
  undecided: ['One rule could not be asked.'],
  ...changes,
})

describe('SARIF', () => {
  const folder = dirname(fileURLToPath(import.meta.resolve('@microsoft/jest-sarif')))
  const schema = JSON.parse(readFileSync(join(folder, 'schemas/sarif-2.1.0-rtm.5.json'), 'utf8')) as object
  const validate = new Ajv.default({ strict: false, validateFormats: false, unicodeRegExp: false }).compile(schema)

  it('is valid by the schema of 2.1.0, for findings, none and undecided', () => {
    for (const of of [
      report(),
      report({ findings: [], accepted: [], outcome: 'clean' }),
      report({ outcome: 'undecided' }),
    ]) {
      const valid = validate(JSON.parse(renderSarif(of)))
      expect(validate.errors ?? []).toEqual([])
      expect(valid).toBe(true)
    }
  })

  it('is refused by the schema when it is not SARIF', () => {
    expect(validate({ version: '2.1.0', runs: [{ results: [] }] })).toBe(false)
  })

  it('says of an attack what it found, how it is mended, and where to read of it', () => {
    const { runs } = JSON.parse(renderSarif(report())) as {
      runs: [{ tool: { driver: { rules: { id: string; helpUri: string; fullDescription: { text: string } }[] } } }]
    }
    const described = runs[0].tool.driver.rules.find(({ id }) => id === 'V9001')
    expect(described).toMatchObject({
      fullDescription: { text: 'Organization A reads rows of organization B.' },
      help: { text: expect.stringContaining('Enable and force row level security') },
      helpUri: expect.stringMatching(/docs\/attacks\.md#what-is-found$/),
    })
  })

  it('keeps the fingerprint of a finding whose message changes, and suppresses what is accepted', () => {
    const results = (of: VerifyReport) =>
      (
        JSON.parse(renderSarif(of)) as {
          runs: [{ results: { partialFingerprints: object; suppressions?: unknown }[] }]
        }
      ).runs[0].results
    const [before] = results(report())
    const [after] = results(report({ findings: [{ ...finding, message: 'Other words.' }] }))
    expect(after?.partialFingerprints).toEqual(before?.partialFingerprints)
    expect(results(report()).filter(({ suppressions }) => suppressions !== undefined)).toHaveLength(1)
  })
})

describe('JUnit', () => {
  it('fails one case for each rule that counts, and is well-formed whatever names hold', () => {
    const text = renderJunit(report(), 'warning')
    expect(text).toMatch(/<testsuites tests="\d+" failures="2" errors="1" skipped="1"/)
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
    expect(
      text.replaceAll(
        /<\/?(testsuites?|testcase|failure|error|skipped|system-out)( [a-z]+="[^"<>]*")*\/?>|<\?xml[^>]*\?>/g,
        '',
      ),
    ).not.toMatch(/[<>]/)
    expect(renderJunit(report(), 'info')).toMatch(/failures="3"/)
  })
})

describe('the page', () => {
  it('carries no script and loads nothing, whatever names hold', () => {
    const page = renderHtml(report())
    expect(page).not.toMatch(/<script|<(img|link|iframe|object)\b|@import|url\(/i)
    expect(page.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
    expect(page).toContain("default-src 'none'")
    expect(
      [...page.matchAll(/(?:src|href)="([^"]*)"/g)].every(([, to]) =>
        /^(#|https:\/\/github\.com\/)/.test(to as string),
      ),
    ).toBe(true)
    expect(page).toContain('&lt;script&gt;')
  })

  it('shows a matrix in which every finding is counted once and what is sound is there too', () => {
    const { rows, columns } = matrixOf(report())
    expect(columns).not.toContain('00')
    const counted = rows.flatMap(({ cells }) => cells).reduce((sum, cell) => sum + (cell?.count ?? 0), 0)
    expect(counted).toBe(2)
    expect(
      matrixOf(report({ attack: { objects: 1, probes: 1, statements: 1, cells: 1, notCovered: [], limits: [] } }))
        .columns,
    ).toEqual(['01', '02', '03', '04', '05', '06', '07', '08', '9'])
    expect(rows.map(({ object }) => object)).toEqual([
      hostile,
      'table public.y',
      'table public.x',
      'table public.sound',
    ])
  })
})

describe('the table', () => {
  it('says object, message, cost, fix and page, and lets no name move the cursor', () => {
    const text = renderText(report())
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
    for (const part of [
      'Errors',
      'Notes',
      'V0101',
      'rls_disabled',
      'fix   alter table',
      'docs/rules/0101-rls-disabled.md',
      'planned at 10',
      'Accepted',
      'until 2026-12-31',
      'Not decided',
      'One has expired.',
    ])
      expect(text).toContain(part)
  })
})

describe('a part, attacked by choice', () => {
  const part = { only: [hostile, 'app.*'], objects: ['table app.x'], leftOutProbes: 1200, leftOutObjects: 7 }
  const coverage = { objects: 1, probes: 1, statements: 1, cells: 1, notCovered: [], limits: [], part }
  const sound = report({ findings: [], accepted: [], undecided: [], outcome: 'undecided', attack: coverage })

  it('is told in every form, and is never clean', () => {
    const texts = [renderText(sound), renderHtml(sound), renderSarif(sound), renderJunit(sound, 'warning')]
    for (const text of texts) {
      expect(text).toContain('app.* alone, 1 object. Left out: 1200 probes on 7 objects.')
      expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u)
    }
    expect(texts[0]).toContain('Nothing was found in what was attacked; the rest was left out by choice')
    expect(texts[1]).not.toContain('<script>')
    expect(texts[3]).toMatch(/<testsuites tests="\d+" failures="0" errors="0" skipped="1"/)
    expect(renderText({ ...sound, undecided: ['Open.'] })).toContain('It could not be decided')
    expect(outcomeOf([], [], 'warning', coverage)).toBe('undecided')
    expect(outcomeOf([finding], [], 'warning', coverage)).toBe('findings')
    expect(outcomeOf([], [], 'warning', { ...coverage, part: undefined as never })).toBe('clean')
  })
})

describe('the outcome', () => {
  it('is findings where one counts, undecided where none does and something is open, clean otherwise', () => {
    expect(outcomeOf([finding], ['open'], 'error')).toBe('findings')
    expect(outcomeOf([note], ['open'], 'warning')).toBe('undecided')
    expect(outcomeOf([note], [], 'warning')).toBe('clean')
    expect(outcomeOf([note], [], 'info')).toBe('findings')
  })
})

describe('a baseline', () => {
  const written = (expires: string) =>
    JSON.stringify({
      version: 1,
      accepted: [{ code: finding.code, object: finding.object, reason: 'Known.', expires }],
    })

  it('sets a finding apart until its day, and not a day longer', () => {
    const day = parseBaseline(written('2026-03-01'))
    expect(applyBaseline([finding, note], day, '2026-03-01')).toMatchObject({
      findings: [note],
      accepted: [{ reason: 'Known.' }],
      warnings: [],
    })
    const later = applyBaseline([finding, note], day, '2026-03-02')
    expect(later.accepted).toEqual([])
    expect(later.findings[0]?.message).toContain('Accepted until 2026-03-01, which has passed: Known.')
    expect(later.warnings[0]).toContain('it counts again')
  })

  it('warns of an entry that is not found', () => {
    expect(applyBaseline([], parseBaseline(written('2026-03-01')), '2026-03-01').warnings[0]).toContain('is not found')
  })

  it('is begun with every finding, and refused until each has a reason', () => {
    const begun = writeBaseline([finding], '2026-03-01')
    expect(() => parseBaseline(begun)).toThrow('still waits for its reason')
    const reasoned = begun.replace(REASON_MISSING, 'Known.')
    expect(applyBaseline([finding], parseBaseline(reasoned), '2026-03-01').findings).toEqual([])
  })

  it('is begun again beside an older one, whose reasons stay', () => {
    const old = parseBaseline(written('2026-03-01'))
    const { accepted } = JSON.parse(writeBaseline([note], '2026-02-01', old)) as { accepted: { reason: string }[] }
    expect(accepted.map(({ reason }) => reason)).toEqual([...old.accepted.map(({ reason }) => reason), REASON_MISSING])
    // What has expired is found again, and to be thought of again.
    const again = JSON.parse(writeBaseline([finding], '2026-04-01', old)) as { accepted: { reason: string }[] }
    expect(again.accepted.map(({ reason }) => reason)).toEqual([REASON_MISSING])
  })

  it.each([
    ['no JSON', '{', 'not JSON'],
    ['another shape', '[]', 'it wants'],
    [
      'no reason',
      '{"version":1,"accepted":[{"code":"x","object":"y","reason":" ","expires":"2026-01-01"}]}',
      'has no reason',
    ],
    ['no day', '{"version":1,"accepted":[{"code":"x","object":"y","reason":"z","expires":"soon"}]}', 'no day'],
    ['null', 'null', 'it wants'],
    ['an entry that is null', '{"version":1,"accepted":[null]}', 'entry 1 has no code'],
  ])('of %s is refused', (_, text, why) => {
    expect(() => parseBaseline(text)).toThrow(why)
  })
})
