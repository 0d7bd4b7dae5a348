// Runs an approved report: enters every organization, a bounded number at a time, and has the database combine what
// they answered. It has no way to a row that the organizations' own policies do not give.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'

import type { Context } from '../context.ts'
import type { Organization } from '../organization.ts'
import { parseExactly } from './exact-json.ts'

export interface ReportOptions {
  /** Why it is read; every organization's audit log keeps it. 1 to 200 characters. */
  readonly reason: string
  /** What the statements see as `$1`, jsonb. @default {} */
  readonly arguments?: Readonly<Record<string, unknown>>
  /** Only these organizations; the suspended ones among them are refused. @default every active organization */
  readonly organizationIds?: readonly string[]
  /** Organizations entered at once, 1 to 100; each holds a connection of the pool for one round trip. @default 8 */
  readonly concurrency?: number
  /** Whether organizations that could not be read are left out and named, instead of failing the run. @default false */
  readonly partial?: boolean
  /** Correlates the entries of the audit logs. */
  readonly requestId?: string
  /** Told after each organization. */
  readonly onProgress?: (done: number, total: number) => void
  /** Stops the run before its next organization. */
  readonly signal?: AbortSignal
}

export interface ReportResult<Row = Record<string, unknown>> {
  /** What the combination returns; numbers that JavaScript cannot hold exactly are strings. */
  readonly rows: readonly Row[]
  /** How many organizations were read. */
  readonly organizations: number
  /** Those that were not: with `partial` the ones that failed, and always the suspended ones. */
  readonly refused: readonly { readonly organizationId: string; readonly code: string; readonly message: string }[]
  readonly durationMs: number
}

const CONCURRENCY_MAX = 100
/** An organization that is being moved is busy for a moment. */
const TRIES_MAX = 5

type Act = (context: Context) => Organization

/**
 * @throws RowhouseError report_not_approved, report_too_large, report_incomplete naming the organizations that could not
 * be read, or what the statements failed with
 */
export async function runReport<Row>(act: Act, name: string, options: ReportOptions): Promise<ReportResult<Row>> {
  const begunAt = performance.now()
  const { reason, arguments: given = {}, partial = false, concurrency = 8, requestId, onProgress, signal } = options
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > CONCURRENCY_MAX) {
    throw new RowhouseError('invalid_option', `concurrency takes a whole number from 1 to ${CONCURRENCY_MAX}.`, {
      details: { option: 'concurrency' },
    })
  }
  const values = JSON.stringify(given)
  const as = (organizationId: string | null): Organization =>
    act({ organizationId, report: name, reason, ...(requestId !== undefined && { requestId }) })

  const everybody = await organizationsOf(as(null))
  const wanted = options.organizationIds === undefined ? null : new Set(options.organizationIds)
  const chosen = wanted === null ? everybody : everybody.filter(({ id }) => wanted.has(id))
  const refused: ReportResult['refused'][number][] = chosen
    .filter(({ status }) => status !== 'active')
    .map(({ id, status }) => ({
      organizationId: id,
      code: 'organization_suspended',
      message: `Organization ${id} is ${status}.`,
    }))
  for (const id of wanted ?? []) {
    if (everybody.some((organization) => organization.id === id)) continue
    throw new RowhouseError('organization_not_found', `No organization has the id ${id}.`)
  }

  const queue = chosen.filter(({ status }) => status === 'active').map(({ id }) => id)
  const answers: string[] = []
  const total = queue.length
  let done = 0
  let failure: unknown = null
  const work = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined && failure === null; id = queue.shift()) {
      try {
        signal?.throwIfAborted()
        for (const row of await read(as(id), values)) answers.push(`{"organization_id":"${id}",${row.slice(1)}`)
      } catch (error) {
        if (!isRowhouseError(error) || isAboutTheReport(error.code)) {
          failure ??= error
          return
        }
        refused.push({ organizationId: id, code: error.code, message: error.message })
      }
      done += 1
      onProgress?.(done, total)
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, total) }, work))
  if (failure !== null) throw failure
  const failed = refused.filter(({ code }) => code !== 'organization_suspended')
  if (failed.length > 0 && !partial) throw incomplete(name, failed, total)

  const { rows } = await as(null).query<{ row: string }>(
    'select row::text from rowhouse.combine_report($1, $2) as row',
    [values, `[${answers.join(',')}]`],
  )
  return {
    rows: rows.map(({ row }) => parseExactly(row) as Row),
    organizations: total - failed.length,
    refused,
    durationMs: performance.now() - begunAt,
  }
}

async function organizationsOf(
  nobody: Organization,
): Promise<readonly { readonly id: string; readonly status: string }[]> {
  const { rows } = await nobody.query<{ id: string; status: string }>(
    'select organization_id as id, status from rowhouse.report_organizations()',
  )
  return rows
}

/** The rows of one organization, as JSON objects that are never parsed here: numbers stay exact. */
async function read(organization: Organization, values: string): Promise<readonly string[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { rows } = await organization.query<{ row: string }>(
        'select row::text from rowhouse.run_report($1) as row',
        [values],
      )
      return rows.map(({ row }) => row)
    } catch (error) {
      if (attempt === TRIES_MAX || !isRowhouseError(error) || !error.retryable) throw error
    }
  }
}

/** What would fail in every organization alike. */
function isAboutTheReport(code: string): boolean {
  return code === 'report_not_approved' || code === 'invalid_option' || code === 'closed'
}

function incomplete(name: string, failed: ReportResult['refused'], total: number): RowhouseError {
  const [first] = failed
  return new RowhouseError(
    'report_incomplete',
    `The report ${name} could not read ${failed.length} of ${total} organizations; the first: ${first?.message ?? ''}`,
    { details: { refused: failed.slice(0, 100) } },
  )
}
