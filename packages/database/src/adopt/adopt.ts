// rowhouse adopt: an existing table gets the one key and the one policy while its application goes on reading and
// writing. This drives the plan; what each step does is in the modules beside it.
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseError } from 'pg'
import type { ClientBase } from 'pg'

import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { runBackfill } from './backfill.ts'
import type { RowsProgress } from './backfill.ts'
import { readFacts, resolveTables } from './facts.ts'
import { checkOptions } from './options.ts'
import type { AdoptOptions } from './options.ts'
import { makePlan } from './plan.ts'
import type { Plan } from './plan.ts'
import { buildIndex, defaultPace, runLong, runShort } from './run-step.ts'
import type { Pace, Surroundings } from './run-step.ts'
import { holdTriggers, prepareSession, releaseTriggers } from './session.ts'
import { findAdoption, readSteps, recordState, recordStep, storePlan } from './state.ts'
import type { Adoption, StoredStep } from './state.ts'
import { errorCodeOf } from '../sqlstate.ts'

export type AdoptEvent =
  | { readonly type: 'resumed'; readonly tables: readonly string[]; readonly finished: number; readonly of: number }
  | {
      readonly type: 'step'
      readonly position: number
      readonly of: number
      readonly table: string
      readonly name: string
      readonly state: 'started' | 'done' | 'undone'
      /** With `done`: from the first try to the commit. */
      readonly tookMs: number
    }
  | ({
      readonly type: 'rows'
      readonly table: string
      readonly rowsPerSecond: number
      readonly leftMs: number | null
    } & RowsProgress)
  | { readonly type: 'waiting'; readonly table: string; readonly for: string }

export interface AdoptRun {
  readonly pace?: Partial<Pace>
  readonly onEvent?: (event: AdoptEvent) => void
  /** Asked before the last steps, which cannot be undone. @default never: the tables stay prepared */
  readonly confirm?: (steps: readonly StoredStep[]) => Promise<boolean>
  /** Ends the run between two batches or steps; it is resumed by the next. */
  readonly signal?: AbortSignal
  readonly now?: () => number
  readonly wait?: (ms: number) => Promise<unknown>
  readonly random?: () => number
}

export interface AdoptResult {
  /** `prepared`: all but the last steps is done. */
  readonly state: 'done' | 'prepared' | 'undone'
  readonly tables: readonly string[]
  /** Statements that make the policies again that the last step dropped, or will drop. */
  readonly droppedPolicies: readonly string[]
}

const CLAIMS_MAX = 15
const CLAIM_MS = 200

/**
 * Makes the plan, changing nothing.
 *
 * @param client connected directly, not through a transaction pooler
 * @throws RowhouseError whatever keeps a table from being adopted
 */
export async function planAdoption(client: ClientBase, options: AdoptOptions): Promise<Plan> {
  await prepareSession(client)
  return makePlan(client, options)
}

/**
 * Adopts tables, or goes on with an adoption that was interrupted.
 *
 * @example
 * await adopt(client, { tables: ['contacts'], from: { contacts: 'tenant_id' } }, { confirm: async () => true })
 * // alter table public.contacts add column organization_id uuid; … ; select rowhouse.protect('public.contacts', '{}')
 *
 * @throws RowhouseError adopt_running, adopt_orphans, adopt_options_differ, adopt_lock_timeout, adopt_step_failed,
 *   adopt_interrupted and what keeps a table from being adopted
 */
export async function adopt(client: ClientBase, options: AdoptOptions, run: AdoptRun = {}): Promise<AdoptResult> {
  await prepareSession(client)
  const adoption = await openAdoption(client, options, run)
  const around = surroundingsOf(client, run)
  const steps = await readSteps(client, adoption)
  const droppedPolicies = await readSaved(client, adoption)
  const finished = steps.filter(({ isFinished }) => isFinished).length
  if (finished > 0) run.onEvent?.({ type: 'resumed', tables: adoption.tables, finished, of: steps.length })
  for (const step of steps) {
    if (step.isFinished) continue
    if (step.isFinal === true && adoption.state === 'running' && !steps.some((one) => one.isFinal && one.isFinished)) {
      const left = steps.filter(({ isFinal }) => isFinal)
      if (step === left[0] && (await run.confirm?.(left)) !== true)
        return { state: 'prepared', tables: adoption.tables, droppedPolicies }
    }
    await runStep(around, adoption, step, steps.length, options, run)
  }
  await client.query(recordState(adoption, 'done'))
  return { state: 'done', tables: adoption.tables, droppedPolicies }
}

/**
 * Takes back all that an adoption added. Possible until its last steps begin.
 *
 * @throws RowhouseError adopt_nothing_to_undo, adopt_undo_too_late, adopt_running
 */
export async function undoAdoption(
  client: ClientBase,
  tables: readonly string[],
  run: AdoptRun = {},
): Promise<AdoptResult> {
  await prepareSession(client)
  const oids = await resolveTables(client, tables)
  await claim(client, oids, surroundingsOf(client, run))
  const adoption = await findAdoption(client, oids)
  if (adoption === null) throw await nothingToUndo(client, tables, oids)
  if (adoption.state === 'switching')
    throw new RowhouseError('adopt_undo_too_late', `The last steps of ${adoption.tables.join(', ')} have begun.`)
  const around = surroundingsOf(client, run)
  const steps = await readSteps(client, adoption)
  const droppedPolicies = await readSaved(client, adoption)
  for (const step of steps.toReversed()) {
    if (!step.wasStarted || step.isUndone || step.undo.length === 0) continue
    const startedAt = around.now()
    const undone = recordStep(adoption, step, 'undone_at')
    await failingAs(step, async () => {
      if (step.mode !== 'index') return runShort(around, adoption, [...step.undo, undone])
      // Not in a transaction: an index is dropped concurrently.
      for (const sql of [...step.undo, undone]) await client.query(sql)
    })
    run.onEvent?.({
      type: 'step',
      position: step.position,
      of: steps.length,
      table: step.table,
      name: step.name,
      state: 'undone',
      tookMs: around.now() - startedAt,
    })
  }
  await client.query(recordState(adoption, 'undone'))
  return { state: 'undone', tables: adoption.tables, droppedPolicies }
}

async function nothingToUndo(
  client: ClientBase,
  tables: readonly string[],
  oids: readonly number[],
): Promise<RowhouseError> {
  const isProtected = (await readFacts(client, oids)).some((table) => table.isProtected)
  if (isProtected) return new RowhouseError('adopt_undo_too_late', `The last step of ${tables.join(', ')} is done.`)
  return new RowhouseError('adopt_nothing_to_undo', `No adoption of ${tables.join(', ')} is under way.`)
}

async function openAdoption(client: ClientBase, options: AdoptOptions, run: AdoptRun): Promise<Adoption> {
  checkOptions(options)
  const oids = await resolveTables(client, options.tables)
  await claim(client, oids, surroundingsOf(client, run))
  const found = await findAdoption(client, oids)
  if (found === null) {
    await checkOrganization(client, options)
    const plan = await makePlan(client, options)
    return storePlan(client, plan, options)
  }
  for (const given of ['from', 'parent', 'protect'] as const)
    for (const [key, value] of Object.entries(options[given] ?? {}))
      if (JSON.stringify(found.options[given]?.[key]) !== JSON.stringify(value))
        throw new RowhouseError('adopt_options_differ', `The adoption under way was begun with another ${given}.`, {
          details: { begunWith: found.options[given] ?? null },
        })
  return found
}

async function checkOrganization(client: ClientBase, { orphansTo }: AdoptOptions): Promise<void> {
  if (orphansTo === undefined) return
  const { rowCount } = await client.query('select from rowhouse.organizations where id = $1', [orphansTo])
  if (rowCount === 0) throw new RowhouseError('organization_not_found', `No organization has the id ${orphansTo}.`)
}

/** A run that was killed is gone from the server within a moment; one that lives is not. */
async function claim(client: ClientBase, oids: readonly number[], { wait }: Surroundings): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.query('select rowhouse.claim_adoption($1::bigint[]::oid[])', [[...oids].sort((a, b) => a - b)])
      return
    } catch (cause) {
      if (!(cause instanceof DatabaseError) || errorCodeOf(cause.code) !== 'adopt_running') throw cause
      if (attempt === CLAIMS_MAX) throw new RowhouseError('adopt_running', cause.message, { cause })
    }
    await client.query('select pg_advisory_unlock_all()')
    await wait(CLAIM_MS)
  }
}

async function readSaved(client: ClientBase, adoption: Adoption): Promise<string[]> {
  const { rows } = await client.query<{ saved: string[] | null }>(
    "select options -> 'saved' as saved from rowhouse.adoptions where id = $1",
    [adoption.id],
  )
  return rows[0]?.saved ?? []
}

async function runStep(
  around: Surroundings,
  adoption: Adoption,
  step: StoredStep,
  of: number,
  options: AdoptOptions,
  run: AdoptRun,
): Promise<void> {
  const { client, now } = around
  const report = (state: 'started' | 'done', tookMs: number): void =>
    run.onEvent?.({ type: 'step', position: step.position, of, table: step.table, name: step.name, state, tookMs })
  const startedAt = now()
  around.checkSignal()
  report('started', 0)
  const here = {
    ...around,
    onWaiting: (reason: string) => run.onEvent?.({ type: 'waiting', table: step.table, for: reason }),
  }
  await failingAs(step, async () => {
    await client.query(recordStep(adoption, step, 'started_at'))
    if (step.mode === 'short')
      await runShort(here, adoption, [
        ...step.statements.map(({ sql }) => sql),
        recordStep(adoption, step, 'finished_at'),
        ...(step.isFinal === true ? [recordState(adoption, 'switching')] : []),
      ])
    else if (step.mode === 'long') await runLong(here, adoption, step)
    else if (step.mode === 'index') await buildIndex(here, adoption, step)
    else await fillRows(here, adoption, step, options, run)
  })
  report('done', now() - startedAt)
}

async function fillRows(
  around: Surroundings,
  adoption: Adoption,
  step: StoredStep,
  options: AdoptOptions,
  run: AdoptRun,
): Promise<void> {
  const { client, now } = around
  const backfill = step.backfill
  const orphansTo = options.orphansTo ?? backfill?.orphansTo ?? null
  if (!(await holdTriggers(client)) && (options.fireTriggers ?? adoption.options.fireTriggers) !== true) {
    const [table] = await readFacts(client, [backfill?.oid ?? 0])
    if (table !== undefined && table.triggers.length > 0)
      throw new RowhouseError(
        'adopt_triggers_fire',
        `The triggers ${table.triggers.join(', ')} of ${step.table} would fire for every row.`,
        { details: { triggers: table.triggers } },
      )
  }
  const startedAt = now()
  const rowsBefore = step.rowsDone
  let first: RowsProgress | null = null
  try {
    await checkOrganization(client, { ...options, ...(orphansTo !== null && { orphansTo }) })
    await runBackfill(
      around,
      adoption,
      backfill === undefined ? step : { ...step, backfill: { ...backfill, orphansTo } },
      (progress) => {
        first ??= progress
        const seconds = Math.max(now() - startedAt, 1) / 1000
        const pages = progress.pagesDone - first.pagesDone
        run.onEvent?.({
          type: 'rows',
          table: step.table,
          ...progress,
          rowsPerSecond: Math.round((progress.rowsDone - rowsBefore) / seconds),
          leftMs: pages > 0 ? Math.round(((progress.pagesTotal - progress.pagesDone) / pages) * seconds * 1000) : null,
        })
      },
    )
  } finally {
    await releaseTriggers(client).catch(() => undefined)
  }
}

/** A refusal of ours passes; the database's own gets a code and says how to go on. */
async function failingAs(step: StoredStep, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    if (isRowhouseError(cause)) throw cause
    const refusal = cause instanceof DatabaseError ? errorCodeOf(cause.code) : null
    const reason = cause instanceof Error ? cause.message : String(cause)
    const lost = !(cause instanceof DatabaseError) || /^(57P|08)/.test(cause.code ?? '')
    throw new RowhouseError(
      refusal ?? (lost ? 'adopt_interrupted' : 'adopt_step_failed'),
      `The step ${step.name} of ${step.table} failed: ${reason}.`,
      {
        details: { step: step.name, table: step.table, sqlstate: cause instanceof DatabaseError ? cause.code : null },
        ...(cause instanceof DatabaseError &&
          cause.hint !== undefined && { hint: `${cause.hint} Then run the same command again.` }),
        cause,
      },
    )
  }
}

function surroundingsOf(client: ClientBase, run: AdoptRun): Surroundings {
  return {
    client,
    pace: Object.freeze({ ...defaultPace, ...run.pace }),
    now: run.now ?? (() => performance.now()),
    wait: run.wait ?? ((ms) => sleep(ms)),
    random: run.random ?? Math.random,
    checkSignal: () => {
      if (run.signal?.aborted === true) throw new RowhouseError('adopt_interrupted', 'Stopped as asked.')
    },
    onWaiting: () => undefined,
  }
}
