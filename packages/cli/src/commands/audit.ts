// `rowhouse audit …`: what proves the change log, and what it brings back. Sealing and verifying read every organization as
// rowhouse_migrator; history and undelete enter one as an operator, with a reason that its log keeps.
import { RowhouseError } from '@rowhouse/contracts'
import type { DataDatabase } from '@rowhouse/contracts'
import { loginUrl, pruneOrganization, sealKeyOf, sealOrganization, verifyOrganization } from '@rowhouse/database'
import type { ChainReport } from '@rowhouse/database'
import type { Command } from 'commander'
import { createRowhouse } from 'rowhouse'
import type { Organization } from 'rowhouse'
import type { Client } from 'pg'
import { withMigrator } from '../as-migrator.ts'
import { openApi, requireUrl } from '../environment.ts'
import { inEveryDatabase } from '../every-database.ts'
import type { Unreachable } from '../every-database.ts'
import { agreed } from '../output/agreed.ts'
import { renderAgo } from '../output/moment.ts'
import { makePrinter } from '../output/printer.ts'
import { renderTable } from '../output/table.ts'
import { requireSigningKey } from '../signing-key.ts'
import { findOrganization } from './find-organization.ts'

interface ChainOptions {
  readonly organization?: string
  readonly expectHead?: string
  readonly json?: boolean
}

interface RecordOptions {
  readonly organization: string
  readonly reason: string
  readonly operator: string
  readonly at?: string
  readonly json?: boolean
}

interface RetentionOptions {
  readonly days?: string
  readonly keep?: boolean
  readonly followPlan?: boolean
  readonly yes?: boolean
  readonly json?: boolean
}

interface HistoryLine {
  readonly seq: string
  readonly at: Date
  readonly action: string
  readonly actorKind: string
  readonly actor: string | null
  readonly reason: string | null
  /** JSON as it is stored: a number keeps digits that JavaScript would round. */
  readonly old: string | null
  readonly new: string | null
}

const HISTORY_LINES_MAX = 1000
const LOST =
  'Lines that are sealed and older are gone for good: no history, no undelete of what they say. Workers remove them too.'

export function addAuditCommands(audit: Command): void {
  audit
    .command('seal')
    .description('seal what is new in the change log, one chain an organization; run it every few minutes')
    .option('--organization <name>', 'only this one, by slug or id')
    .option('--json', 'print JSON')
    .action(async (options: ChainOptions) => {
      const { results, unreachable } = await withChains(options, async (client, id, key) => ({
        organizationId: id,
        seals: await sealOrganization(client, id, key),
      }))
      endUnreached(unreachable)
      makePrinter(options.json === true).print([...results, ...unreachable], () =>
        [
          `Made ${results.reduce((sum, { seals }) => sum + seals, 0)} seals for ${results.length} organizations.`,
          ...unreachable.map(renderUnreachable),
        ].join('\n'),
      )
    })

  audit
    .command('verify')
    .description('find every line that was changed, removed or added since it was sealed')
    .option('--organization <name>', 'only this one, by slug or id')
    .option('--expect-head <head>', 'number:mac of an earlier run, kept elsewhere; needs --organization')
    .option('--json', 'print JSON')
    .action(async (options: ChainOptions) => {
      if (options.expectHead !== undefined && options.organization === undefined)
        throw new RowhouseError('invalid_option', '--expect-head is of one organization: name it with --organization.')
      if (options.expectHead !== undefined && !/^\d+:[0-9a-f]{64}$/.test(options.expectHead))
        throw new RowhouseError('invalid_option', `${options.expectHead} is no head: it looks like 12:9f86d0….`)
      const { results, unreachable } = await withChains(options, (client, id, key) =>
        verifyOrganization(client, id, key, options.expectHead),
      )
      endUnreached(unreachable)
      if (results.some(({ problems }) => problems.length > 0)) process.exitCode = 1
      makePrinter(options.json === true).print([...results, ...unreachable], () =>
        [...results.map(renderReport), ...unreachable.map(renderUnreachable)].join('\n'),
      )
    })

  audit
    .command('prune')
    .description('remove what retention does not keep: sealed, read by every connection, and older')
    .option('--organization <name>', 'only this one, by slug or id')
    .option('--yes', 'do not ask')
    .option('--json', 'print JSON')
    .action(async (options: ChainOptions & { readonly yes?: boolean }) => {
      const whose = options.organization ?? 'every organization'
      if (!(await agreed(`Remove what retention does not keep of ${whose}?`, [LOST], options))) return
      const months: string[] = []
      const { results, unreachable } = await withChains(
        options,
        async (client, id, key) => ({ organizationId: id, lines: await pruneOrganization(client, id, key) }),
        async (client) => {
          const { rows } = await client.query<{ name: string }>(
            'select n as name from rowhouse.drop_empty_log_months() n',
          )
          months.push(...rows.map(({ name }) => name))
        },
      )
      endUnreached(unreachable)
      makePrinter(options.json === true).print({ organizations: results, months, unreachable }, () =>
        [
          `Removed ${results.reduce((sum, { lines }) => sum + lines, 0)} lines of ${results.length} organizations.`,
          ...months.map((name) => `Dropped ${name}.`),
          ...unreachable.map(renderUnreachable),
        ].join('\n'),
      )
    })

  audit
    .command('status')
    .description(
      'databases besides the catalogue’s, and whether their change logs are looked after; ends with 1 where one fails',
    )
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const status = await openApi(process.env).listDatabases({ query: { limit: 500 } })
      if (status.failing > 0) process.exitCode = 1
      makePrinter(options.json === true).print(status, () => renderStatus(status, Date.now()))
    })

  audit
    .command('retention <organization>')
    .description('how long its change log is kept; through the API, which records who set it')
    .option('--days <number>', '30 to 36500')
    .option('--keep', 'for ever')
    .option('--follow-plan', 'as its plan says')
    .option('--yes', 'do not ask where it is kept for less long from now on')
    .option('--json', 'print JSON')
    .action(async (name: string, options: RetentionOptions) => {
      const body = readRetentionOptions(options)
      const api = openApi(process.env)
      const params = { organizationId: (await findOrganization(api, name)).id }
      const present = await api.getRetention({ params })
      if (body !== null && mayShorten(body, present.days)) {
        const now = present.days === null ? 'for ever' : `for ${present.days} days`
        if (!(await agreed(`Keep the change log of ${name}, kept ${now}, for less long?`, [LOST], options))) return
      }
      const retention = body === null ? present : await api.setRetention({ params, body })
      makePrinter(options.json === true).print(retention, () =>
        [
          `${name} keeps its change log ${retention.days === null ? 'for ever' : `for ${retention.days} days`}`,
          retention.source === 'plan' ? ', as its plan says.' : '.',
        ].join(''),
      )
    })

  recordCommand(audit, 'history', 'every change of a record, oldest first; with --at, what it looked like then')
    .option('--at <time>', 'such as 2026-03-10T09:00:00Z')
    .action(async (table: string, record: string, options: RecordOptions) => {
      const at = options.at === undefined ? null : new Date(options.at)
      if (at !== null && Number.isNaN(at.getTime()))
        throw new RowhouseError('invalid_option', `${options.at} is no time: it looks like 2026-03-10T09:00:00Z.`)
      const lines = await withOrganization(options, (organization) => readHistory(organization, table, record, at))
      const printer = makePrinter(options.json === true)
      const last = lines.at(-1)
      if (at === null) {
        printer.print(lines, () => renderHistory(lines))
      } else {
        const state = last === undefined ? null : last.new
        printer.print({ at, record: state === null ? null : (JSON.parse(state) as unknown), text: state }, () =>
          state === null ? 'There was no such record.' : state,
        )
      }
    })

  recordCommand(audit, 'undelete', 'bring a deleted record back as it last was').action(
    async (table: string, record: string, options: RecordOptions) => {
      const notRestored = await withOrganization(options, async (organization) => {
        const { rows } = await organization.query<{ column: string; reason: string }>(
          'select column_name as "column", reason from rowhouse.undelete($1::regclass, $2)',
          [table, record],
        )
        return rows
      })
      makePrinter(options.json === true).print({ table, record, notRestored }, () =>
        [
          `Undeleted ${record} of ${table}.`,
          ...notRestored.map(({ column, reason }) => `  not restored: ${column}, ${reason}`),
        ].join('\n'),
      )
    },
  )
}

/** @returns null to only look */
function readRetentionOptions({
  days,
  keep,
  followPlan,
}: RetentionOptions): { days: number | null } | { followPlan: true } | null {
  if ([days, keep, followPlan].filter((given) => given !== undefined).length > 1)
    throw new RowhouseError('invalid_option', 'Give one of --days, --keep and --follow-plan.')
  if (days !== undefined && !/^\d{1,9}$/.test(days))
    throw new RowhouseError('invalid_option', `${days} is no number of days: a whole number from 30 to 36500.`)
  if (days !== undefined) return { days: Number(days) }
  if (keep === true) return { days: null }
  return followPlan === true ? { followPlan: true } : null
}

/** What its plan says is known by the server alone. */
const mayShorten = (body: { readonly days: number | null } | { readonly followPlan: true }, present: number | null) =>
  'followPlan' in body || (body.days !== null && (present === null || body.days < present))

function recordCommand(audit: Command, name: string, description: string): Command {
  return audit
    .command(`${name} <table> <record>`)
    .description(description)
    .requiredOption('--organization <name>', 'slug or id')
    .requiredOption('--reason <text>', 'why; the organization’s log keeps it')
    .option('--operator <name>', 'who', process.env['USER'] ?? 'cli')
    .option('--json', 'print JSON')
}

async function findOrganizations(client: Client, name: string | undefined): Promise<string[]> {
  const { rows } = await client.query<{ id: string }>(
    'select id from rowhouse.organizations where $1::text is null or slug = $1 or id::text = $1 order by id',
    [name ?? null],
  )
  if (name !== undefined && rows.length === 0)
    throw new RowhouseError('organization_not_found', `There is no organization ${name}.`)
  return rows.map(({ id }) => id)
}

/** Every organization in the database it lives in, whose seals have a key of their own. */
function withChains<Result extends { readonly organizationId: string }>(
  options: ChainOptions,
  use: (client: Client, organizationId: string, key: Buffer) => Promise<Result>,
  afterwards: (client: Client) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly results: readonly Result[]; readonly unreachable: readonly Unreachable[] }> {
  return inEveryDatabase(options.organization, async (client, organizationIds) => {
    const key = await sealKeyOf(client, requireSigningKey(process.env))
    const results: Result[] = []
    for (const id of organizationIds) results.push(await use(client, id, key))
    await afterwards(client)
    return results
  })
}

function endUnreached(unreachable: readonly Unreachable[]): void {
  if (unreachable.length > 0) process.exitCode = 3
}

const renderUnreachable = ({ organizationId, unreachable }: Unreachable): string =>
  `${organizationId}: NOT REACHED in ${unreachable.database ?? 'the catalogue'} on ${unreachable.cluster}: ${unreachable.message}`

function renderStatus(
  { items, total, failing }: { items: readonly DataDatabase[]; total: number; failing: number },
  nowMs: number,
): string {
  if (total === 0) return 'Every organization lives in the catalogue’s database: nothing else is to be looked after.'
  return [
    `${total} databases, ${failing === 0 ? 'all looked after' : `${failing} FAIL`}.`,
    renderTable(
      ['cluster', 'database', 'looked after', 'error', 'not sealed'],
      items.map(({ cluster, databaseName, keptAt, error, failingSince, unsealed }) => [
        cluster,
        databaseName,
        keptAt === null ? 'not yet' : renderAgo(keptAt, nowMs),
        error === null || failingSince === null ? '–' : `${error}, since ${renderAgo(failingSince, nowMs)}`,
        unsealed.length === 0 ? '–' : String(unsealed.length),
      ]),
    ),
  ].join('\n')
}

async function withOrganization<Result>(
  { organization, operator, reason }: RecordOptions,
  use: (organization: Organization) => Promise<Result>,
): Promise<Result> {
  const [organizationId] = await withMigrator((client) => findOrganizations(client, organization))
  const signingKey = requireSigningKey(process.env)
  const rowhouse = createRowhouse({
    url: loginUrl(requireUrl(process.env), 'rowhouse_app', signingKey),
    signingKey,
    pool: { max: 1 },
  })
  try {
    return await use(rowhouse.as({ organizationId: organizationId as string, operator, reason }))
  } finally {
    await rowhouse.close()
  }
}

async function readHistory(
  organization: Organization,
  table: string,
  record: string,
  at: Date | null,
): Promise<HistoryLine[]> {
  const { rows } = await organization.query<HistoryLine>(
    `select seq::text, at, action, actor_kind as "actorKind", actor_id as actor, reason, old::text, new::text
     from (
       select l.* from rowhouse.change_log l
       join pg_class c on c.oid = $1::regclass
       join pg_namespace n on n.oid = c.relnamespace
       where l.record_hash = rowhouse.record_hash($2) and l.record_id = $2
         and l.table_schema = n.nspname and l.table_name = c.relname and l.action <> 'read'
         and ($3::timestamptz is null or l.at <= $3)
       order by l.seq desc limit $4
     ) newest
     order by newest.seq`,
    [table, record, at, HISTORY_LINES_MAX],
  )
  return rows
}

function renderHistory(lines: readonly HistoryLine[]): string {
  if (lines.length === 0) return 'The log has no change of such a record.'
  return renderTable(
    ['at', 'action', 'by', 'row'],
    lines.map((line) => [
      line.at.toISOString(),
      line.action,
      `${line.actorKind} ${line.actor ?? '–'}`,
      line.new ?? line.old ?? '–',
    ]),
  )
}

function renderReport(report: ChainReport): string {
  const { organizationId, seals, lines, pruned, prunedUntil, unsealed, head, problems } = report
  const state = problems.length === 0 ? 'intact' : `${problems.length} PROBLEMS`
  return [
    `${organizationId}: ${state}; ${lines} lines in ${seals} seals, ${unsealed} not sealed yet`,
    ...(prunedUntil === null
      ? []
      : [`  whole since ${prunedUntil}; ${pruned} lines sealed until then were removed by retention`]),
    ...problems.map(
      ({ kind, seal, seq }) => `  ${kind.replaceAll('_', ' ')}: seal ${seal}${seq === null ? '' : `, line ${seq}`}`,
    ),
    ...(head === null ? [] : [`  head ${head}`]),
  ].join('\n')
}
