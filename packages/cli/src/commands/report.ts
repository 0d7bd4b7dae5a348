// `rowhouse report …`: reading across organizations. Definitions are read and approved as rowhouse_migrator, and run as
// rowhouse_app, which row-level security holds.
import { readFileSync } from 'node:fs'
import { RowhouseError } from '@rowhouse/contracts'
import { loginUrl } from '@rowhouse/database'
import type { Command } from 'commander'
import { createRowhouse } from 'rowhouse'
import type { ReportResult } from 'rowhouse'
import { asMigrator } from '../as-migrator.ts'
import { requireUrl } from '../environment.ts'
import { isLive, makeLiveLine } from '../output/live-line.ts'
import { renderAgo } from '../output/moment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { requireSigningKey } from '../signing-key.ts'

interface Report {
  readonly name: string
  readonly description: string
  readonly statement: string
  readonly columns: string
  readonly combine: string | null
  readonly rowsMax: number
  readonly definedBy: string
  readonly definedAt: Date
  readonly approvedBy: string | null
  readonly approvedAt: Date | null
  readonly approvalReason: string | null
}

interface DefineOptions {
  readonly statement: string
  readonly columns: string
  readonly combine?: string
  readonly description?: string
  readonly rowsMax?: string
  readonly json?: boolean
}

interface RunOptions {
  readonly reason: string
  readonly arguments?: string
  readonly organization?: readonly string[]
  readonly concurrency?: string
  readonly partial?: boolean
  readonly json?: boolean
}

const COLUMNS = `name, description, statement, columns, combine, rows_max as "rowsMax", defined_by as "definedBy",
  defined_at as "definedAt", approved_by as "approvedBy", approved_at as "approvedAt", approval_reason as "approvalReason"`

export function addReportCommands(report: Command): void {
  report
    .command('list')
    .description('all reports, and whether they are approved')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const reports = await asMigrator<Report>(`select ${COLUMNS} from rowhouse.reports order by name`)
      makePrinter(options.json === true).print(reports, () =>
        reports.length === 0
          ? 'No reports yet. Define one: rowhouse report define --help'
          : renderTable(
              ['name', 'approved', 'by', 'description'],
              reports.map(({ name, approvedAt, approvedBy, description }) => [
                name,
                approvedAt === null ? 'no' : renderAgo(approvedAt.toISOString(), Date.now()),
                approvedBy ?? '–',
                description,
              ]),
            ),
      )
    })

  report
    .command('show <name>')
    .description('what a report runs: read it before you approve it')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      const [found] = await asMigrator<Report>(`select ${COLUMNS} from rowhouse.reports where name = $1`, [name])
      if (found === undefined) throw new RowhouseError('report_not_approved', `There is no report named ${name}.`)
      makePrinter(options.json === true).print(found, () => renderReport(found))
    })

  report
    .command('define <name>')
    .description('define a report, or define it anew; it runs once it is approved')
    .requiredOption('--statement <file>', 'one SELECT, run inside each organization; $1 is the arguments, jsonb')
    .requiredOption('--columns <columns>', 'what it returns, such as "folder text, notes bigint"')
    .option('--combine <file>', 'one SELECT over results (organization_id uuid, …the columns)')
    .option('--description <text>', 'what it is for')
    .option('--rows-max <number>', 'most rows of one organization (default: 10000)')
    .option('--json', 'print JSON')
    .action(async (name: string, options: DefineOptions) => {
      await asMigrator(`select rowhouse.define_report($1, $2, $3, $4, coalesce($5, ''), coalesce($6::int, 10000))`, [
        name,
        readStatement(options.statement),
        options.columns,
        options.combine === undefined ? null : readStatement(options.combine),
        options.description ?? null,
        options.rowsMax ?? null,
      ])
      makePrinter(options.json === true).print(
        { name },
        () => `Defined ${name}. Read it, then approve it: rowhouse report approve ${name} --reason …`,
      )
    })

  report
    .command('approve <name>')
    .description('let a report run')
    .requiredOption('--reason <text>', 'who asked for it, and why')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { reason: string; json?: boolean }) => {
      await asMigrator('select rowhouse.approve_report($1, $2)', [name, options.reason])
      makePrinter(options.json === true).print({ name }, () => `Approved ${name}.`)
    })

  report
    .command('revoke <name>')
    .description('take the approval back; a run ends with its next organization')
    .option('--json', 'print JSON')
    .action(async (name: string, options: { json?: boolean }) => {
      await asMigrator('select rowhouse.revoke_report($1)', [name])
      makePrinter(options.json === true).print({ name }, () => `Revoked ${name}.`)
    })

  report
    .command('run <name>')
    .description('enter every organization, read-only, and combine what they answer')
    .requiredOption('--reason <text>', "why; every organization's audit log keeps it")
    .option('--arguments <json>', 'what the statements see as $1')
    .option('--organization <id...>', 'only these')
    .option('--concurrency <number>', 'organizations entered at once (default: 8)')
    .option('--partial', 'leave out organizations that cannot be read, and name them')
    .option('--json', 'print JSON')
    .action(run)
}

async function run(name: string, options: RunOptions): Promise<void> {
  const signingKey = requireSigningKey(process.env)
  const concurrency = options.concurrency === undefined ? 8 : Number(options.concurrency)
  const rowhouse = createRowhouse({
    url: loginUrl(requireUrl(process.env), 'rowhouse_app', signingKey),
    signingKey,
    pool: { max: Number.isInteger(concurrency) && concurrency > 0 ? Math.min(concurrency, 100) : 1 },
  })
  const live = options.json !== true && isLive(process.stderr, process.env) ? makeLiveLine(process.stderr) : null
  try {
    const running = rowhouse.report(name, {
      reason: options.reason,
      arguments: parseArguments(options.arguments),
      concurrency,
      partial: options.partial === true,
      ...(options.organization !== undefined && { organizationIds: options.organization }),
      onProgress: (done, total) => live?.show(`${done} of ${total} organizations`),
    })
    const result = await running.finally(() => live?.show(''))
    if (result.refused.length > 0) process.exitCode = 1
    makePrinter(options.json === true).print(result, () => renderResult(result))
  } finally {
    await rowhouse.close()
  }
}

function renderResult({ rows, organizations, refused, durationMs }: ReportResult): string {
  const headings = Object.keys(rows[0] ?? {})
  const cell = (value: unknown): string =>
    value === null ? '–' : typeof value === 'string' ? value : JSON.stringify(value)
  const table = renderTable(
    headings,
    rows.map((row) => headings.map((heading) => cell(row[heading]))),
  )
  const left = refused.map(({ organizationId, code }) => `  not read: ${organizationId} (${code})\n`).join('')
  return `${table === '' ? 'No rows.\n' : table}\n${organizations} organizations in ${Math.round(durationMs)} ms\n${left}`
}

function renderReport(report: Report): string {
  return [
    `${report.name}${report.description === '' ? '' : `: ${report.description}`}`,
    report.approvedAt === null
      ? 'not approved'
      : `approved by ${report.approvedBy} ${renderAgo(report.approvedAt.toISOString(), Date.now())}: ${report.approvalReason}`,
    `defined by ${report.definedBy} ${renderAgo(report.definedAt.toISOString(), Date.now())}`,
    `\nIn each organization, at most ${report.rowsMax} rows (${report.columns}):\n\n${report.statement.trim()}`,
    ...(report.combine === null ? [] : [`\nOver the results:\n\n${report.combine.trim()}`]),
  ].join('\n')
}

function readStatement(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new RowhouseError('invalid_option', `${file} cannot be read.`, {
      cause,
      hint: 'Name a file with one SELECT.',
    })
  }
}

function parseArguments(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed }
  } catch {
    // Refused below, as what parses to no object is.
  }
  throw new RowhouseError('invalid_option', '--arguments takes a JSON object.', {
    hint: `For example: --arguments '{"since":"2026-01-01"}'`,
  })
}
