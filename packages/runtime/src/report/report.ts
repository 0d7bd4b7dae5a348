// Runs an approved report: enters every organization, a bounded number at a time, and has the database combine what
// they answered. It has no way to a row that the organizations' own policies do not give.
import { setTimeout as delay } from 'node:timers/promises'

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
/** A database that has not heard of the report is asked again after so long, then twice as long … */
const UNHEARD_MS = 25
const UNHEARD_MS_MAX = 400
/** Organizations of one server that were tried in vain before the others there are left alone in this run. */
const UNREACHABLE_MAX = 3
/** In the message of a run that failed; details have more of them. */
const NAMED_MAX = 5

type Act = (context: Context) => Organization

interface Candidate {
  readonly id: string
  readonly status: string
  readonly cluster: string
  /** In another database, which has a copy of the report. */
  readonly isElsewhere: boolean
}

/**
 * @param copyWaitMs how long a database elsewhere may take to hear of the report as it is
 * @throws RowhouseError report_not_approved, report_too_large, report_incomplete naming the organizations that could not
 * be read, or what the statements failed with
 */
export async function runReport<Row>(
  act: Act,
  name: string,
  options: ReportOptions,
  copyWaitMs: number,
): Promise<ReportResult<Row>> {
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

  const revision = await revisionOf(as(null))
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

  const queue = chosen.filter(({ status }) => status === 'active')
  const answers: string[] = []
  const unreachable = new Map<string, number>()
  const total = queue.length
  const run: Run = { values, revision, copyWaitMs }
  let done = 0
  let failure: unknown = null
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined && failure === null; next = queue.shift()) {
      const { id, cluster, isElsewhere } = next
      try {
        signal?.throwIfAborted()
        if (isElsewhere && (unreachable.get(cluster) ?? 0) >= UNREACHABLE_MAX) throw serverDown(cluster)
        const rows = isElsewhere ? await readElsewhere(as, id, run) : await read(as(id), run)
        unreachable.delete(cluster)
        for (const row of rows) answers.push(`{"organization_id":"${id}",${row.slice(1)}`)
      } catch (cause) {
        let error: unknown = cause
        if (isElsewhere && isServerAway(error)) unreachable.set(cluster, (unreachable.get(cluster) ?? 0) + 1)
        if (isRowhouseError(error) && error.code === 'report_outdated' && !isElsewhere) error = changed()
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

interface Run {
  readonly values: string
  /** Of the report, when the run began: every organization is asked the same. */
  readonly revision: string
  readonly copyWaitMs: number
}

/** @param nobody the report, without an organization: in the catalogue @throws RowhouseError report_not_approved */
async function revisionOf(nobody: Organization): Promise<string> {
  const { rows } = await nobody.query<{ revision: string }>('select rowhouse.report_revision()::text as revision')
  return (rows[0] as { revision: string }).revision
}

async function organizationsOf(nobody: Organization): Promise<readonly Candidate[]> {
  const { rows } = await nobody.query<Candidate>(
    `select organization_id as id, status, cluster, is_elsewhere as "isElsewhere" from rowhouse.report_organizations()`,
  )
  return rows
}

/** The rows of one organization, as JSON objects that are never parsed here: numbers stay exact. */
async function read(organization: Organization, { values, revision }: Run): Promise<readonly string[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { rows } = await organization.query<{ row: string }>(
        'select row::text from rowhouse.run_report($1, $2) as row',
        [values, revision],
      )
      return rows.map(({ row }) => row)
    } catch (error) {
      if (attempt === TRIES_MAX || !isRowhouseError(error) || !error.retryable || isFinal(error.code)) throw error
    }
  }
}

/** Tried as often as the pool tries; once more would only take longer. */
const isFinal = (code: string): boolean => code === 'home_unreachable' || code === 'report_outdated'

/**
 * The same in another database, which knows the report by a copy. The catalogue says before whether the run may go on: what
 * was revoked or changed there is refused here, however old the copy is. A copy that is on its way is waited for.
 */
async function readElsewhere(
  as: (organizationId: string | null) => Organization,
  organizationId: string,
  run: Run,
): Promise<readonly string[]> {
  for (let waitedMs = 0, pauseMs = UNHEARD_MS; ; pauseMs = Math.min(pauseMs * 2, UNHEARD_MS_MAX)) {
    if ((await revisionOf(as(null))) !== run.revision) throw changed()
    try {
      return await read(as(organizationId), run)
    } catch (error) {
      if (!isRowhouseError(error) || !isUnheard(error.code)) throw error
      if (waitedMs + pauseMs > run.copyWaitMs) {
        throw new RowhouseError('report_outdated', `The home of ${organizationId} has not heard of the report yet.`, {
          details: { organizationId },
          cause: error,
        })
      }
      waitedMs += pauseMs
      await delay(pauseMs)
    }
  }
}

const changed = (): RowhouseError =>
  new RowhouseError('report_not_approved', 'The report was changed while it ran.', {
    hint: 'Run it again: every organization is asked the same.',
  })

/** How a copy answers that is older than the approval. */
const isUnheard = (code: string): boolean => code === 'report_not_approved' || code === 'report_outdated'

/** And not only a database of it, which is full or lets nobody in: then it says so itself, and the others there answer. */
const isServerAway = (error: unknown): boolean =>
  isRowhouseError(error) &&
  error.code === 'home_unreachable' &&
  (!isRowhouseError(error.cause) || error.cause.details['sqlState'] === undefined)

const serverDown = (cluster: string): RowhouseError =>
  new RowhouseError('home_unreachable', `The cluster ${cluster} did not answer for the organizations before.`, {
    details: { cluster },
  })

/** What would fail in every organization alike. */
function isAboutTheReport(code: string): boolean {
  return code === 'report_not_approved' || code === 'invalid_option' || code === 'closed'
}

function incomplete(name: string, failed: ReportResult['refused'], total: number): RowhouseError {
  const listed = failed.slice(0, NAMED_MAX).map(({ organizationId, code }) => `${organizationId} (${code})`)
  const others = failed.length > listed.length ? ` and ${failed.length - listed.length} more` : ''
  return new RowhouseError(
    'report_incomplete',
    `The report ${name} could not read ${failed.length} of ${total} organizations: ${listed.join(', ')}${others}. The first: ${failed[0]?.message ?? ''}`,
    { details: { refused: failed.slice(0, 100) } },
  )
}
