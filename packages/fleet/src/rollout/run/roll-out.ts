// A rollout from beginning to end: who leads, what is allowed, wave by wave, and what it comes to. It may be killed at any
// moment; the next one goes on, since every home knows itself what it has.
import { setTimeout as delay } from 'node:timers/promises'
import type { ErrorCode } from '@rowhouse/contracts'
import { RowhouseError } from '@rowhouse/contracts'
import type { Client } from 'pg'
import { judgeShared } from '../apply/judge-shared.ts'
import { segmentsOf } from '../apply/segments.ts'
import { openSession } from '../apply/session.ts'
import { databaseKeyOf, homeConnection, nameOfHome, readHomes } from '../ledger/homes.ts'
import type { Home } from '../ledger/homes.ts'
import { recordMigrations } from '../ledger/record-migrations.ts'
import {
  addLateHomes,
  beat,
  closeRollout,
  enterWave,
  lead,
  ledgerLost,
  openRollout,
  raiseFence,
  readWaveOf,
  recordHomes,
  releaseMigrations,
} from '../ledger/rollout-row.ts'
import type { RolloutRow } from '../ledger/rollout-row.ts'
import { KeptSessions } from './kept-sessions.ts'
import { migrateDatabase } from './migrate-database.ts'
import { errorsMaxOf, readPace } from './options.ts'
import type { RolloutOptions, RolloutPace } from './options.ts'
import type { Pace } from './pace.ts'
import { planOn, refuseProblems } from './plan.ts'
import { makeTally } from './tally.ts'
import type { Tally } from './tally.ts'
import { inParallel } from '../../in-parallel.ts'
import { weaknessesIn } from './weaknesses.ts'

export interface RolloutResult {
  /** `nothing`: every home had all of it. */
  readonly state: 'nothing' | 'done'
  readonly rolloutId: string | null
  readonly target: string | null
  /** Homes that this run brought to the target. */
  readonly homes: number
  readonly tookMs: number
}

const HEARTBEAT_MS = 5000
/** Looks for homes that came up while the waves ran. */
const LATE_ROUNDS_MAX = 10

/**
 * Brings every home to the last migration of the folder.
 *
 * @throws RowhouseError rollout_running, migration_refused, tenant_migration_changed, tenant_migration_missing,
 *   migration_out_of_order, rollout_unconfirmed; rollout_canary_failed, rollout_stopped, rollout_interrupted,
 *   rollout_incomplete, rollout_cancelled, rollout_superseded, all of which the same call goes on from; database_unreachable
 * @example
 * await rollOut({ catalogueUrl, migrations: await readMigrations('migrations'), pace: { canaries: ['acme'] } })
 */
export async function rollOut(options: RolloutOptions): Promise<RolloutResult> {
  const begun = performance.now()
  const pace = readPace(options.pace)
  const catalogue = await openSession({ connectionString: options.catalogueUrl }, 'rowhouse migrate')
  try {
    const plan = await planOn(catalogue, options.catalogueUrl, options.migrations, pace, options.reaches)
    if (plan.target === null || plan.isNothing) {
      return { state: 'nothing', rolloutId: null, target: plan.target, homes: 0, tookMs: performance.now() - begun }
    }
    await lead(catalogue)
    refuseProblems(plan.pending)
    const isAsked = plan.destroys.length > 0
    if (isAsked) {
      const agreed = await options.confirm?.({
        destroys: plan.destroys,
        homes: plan.behind.length,
        migrations: plan.migrations,
      })
      if (agreed !== true)
        throw new RowhouseError('rollout_unconfirmed', undefined, { details: { destroys: plan.destroys } })
    }
    await recordMigrations(catalogue, plan.migrations)
    const { target, migrations } = plan
    const rollout = await openRollout(catalogue, { target, plan, options: pace, startedBy: options.startedBy })
    // Whoever was asked may have taken an hour to answer.
    const behind = isAsked ? await readHomes(catalogue, target) : plan.behind
    const { homes } = await new Run({ ...options, migrations, behind }, pace, catalogue, rollout).toTheEnd()
    return { state: 'done', rolloutId: rollout.id, target: plan.target, homes, tookMs: performance.now() - begun }
  } finally {
    await catalogue.end().catch(() => undefined)
  }
}

/** `behind`: homes that lacked the target shortly before. They are read once, which at ten thousand takes 0.1 s. */
type RunOptions = RolloutOptions & { readonly behind: readonly Home[] }

interface Stop {
  readonly code: ErrorCode
  readonly message: string
}

const cancelled: Stop = {
  code: 'rollout_cancelled',
  message: 'It was cancelled, and stopped between two homes. Those that are done keep the migrations.',
}

class Run {
  readonly #options: RunOptions
  readonly #pace: RolloutPace
  readonly #catalogue: Client
  readonly #rollout: RolloutRow
  readonly #fenced = new Set<string>()
  /** Databases that have more than one home. */
  readonly #shared = new Set<string>()
  readonly #sessions: KeptSessions
  /** By database. */
  readonly #learnt = new Map<string, Map<string, Pace>>()
  /** Of homes that are done, blocked or failed in this run. */
  readonly #seen = new Set<string>()
  #stop: Stop | null = null
  #fatal: unknown = null
  #tally: Tally
  #errorsMax = 0

  constructor(options: RunOptions, pace: RolloutPace, catalogue: Client, rollout: RolloutRow) {
    this.#options = options
    this.#pace = pace
    this.#catalogue = catalogue
    this.#rollout = rollout
    this.#tally = makeTally(0, options.onEvent ?? (() => undefined))
    this.#sessions = new KeptSessions(pace.connections, (key) => this.#shared.has(key))
  }

  async toTheEnd(): Promise<{ homes: number }> {
    const heart = setInterval(() => {
      void this.#beat()
    }, this.#options.heartbeatMs ?? HEARTBEAT_MS)
    try {
      await this.#waves()
      if (this.#stop === null) await this.#late()
    } catch (error) {
      if (!(error instanceof RowhouseError) || error.code !== 'rollout_superseded') {
        const message = error instanceof Error ? error.message : String(error)
        await closeRollout(this.#catalogue, this.#rollout, 'stopped', { code: codeOf(error), message }).catch(
          () => undefined,
        )
      }
      throw ledgerLost(error)
    } finally {
      clearInterval(heart)
      await this.#sessions.end()
      this.#tally.tell()
    }
    return this.#end()
  }

  async #waves(): Promise<void> {
    const homes = this.#options.behind
    const waveOf = await readWaveOf(this.#catalogue, this.#rollout.id)
    const names = this.#rollout.waves
    for (const [key, inDatabase] of Map.groupBy(homes, databaseKeyOf)) if (inDatabase.length > 1) this.#shared.add(key)
    this.#errorsMax = errorsMaxOf(this.#pace.errors, Math.max(homes.length, waveOf.size))
    this.#tally = makeTally(homes.length, this.#options.onEvent ?? (() => undefined))
    const waves = names.map((name, index) => ({
      name,
      homes: homes.filter(({ id }) => (waveOf.get(id) ?? names.length - 1) === index),
    }))
    const { id, target, isResumed } = this.#rollout
    this.#options.onEvent?.({
      type: 'started',
      rolloutId: id,
      target,
      homes: homes.length,
      waves: waves.map(({ name, homes }) => ({ name, homes: homes.length })),
      isResumed,
    })
    // A home that the last run brought to the target shows nothing of before: then all that is wrong counts.
    const [first] = waves
    const before = new Set(first === undefined ? [] : await this.#options.verify?.(first.homes))
    for (const [index, wave] of waves.entries()) {
      if (wave.homes.length > 0) {
        await enterWave(this.#catalogue, this.#rollout, index)
        this.#options.onEvent?.({
          type: 'wave',
          name: wave.name,
          position: index + 1,
          of: waves.length,
          homes: wave.homes.length,
        })
        await this.#migrate(wave.homes, index === 0)
        if (this.#stop !== null) return
      }
      if (index === 0) await this.#release(waveOf, before)
      if (this.#stop !== null) return
    }
  }

  /** The first wave is looked at before anybody else, new homes included, gets the migrations. */
  async #release(waveOf: ReadonlyMap<string, number>, before: ReadonlySet<string>): Promise<void> {
    const ids = [...waveOf].flatMap(([id, wave]) => (wave === 0 ? [id] : []))
    const first = await readHomes(this.#catalogue, null, ids)
    this.#options.onEvent?.({ type: 'verifying', homes: first.length })
    const found = await this.#options.verify?.(first)
    const wrong = [
      ...(await weaknessesIn(first, (home, ask) => this.#inDatabaseOf(home, ask))),
      ...(found ?? []).filter((line) => !before.has(line)),
    ]
    if (wrong.length > 0) {
      this.#stop = {
        code: 'rollout_canary_failed',
        message: `Found in the first wave: ${wrong.slice(0, 5).join('; ')}`,
      }
      return
    }
    await releaseMigrations(this.#catalogue, this.#rollout.target)
  }

  /** Homes that were made or handed out while the waves ran. */
  async #late(): Promise<void> {
    for (let round = 1; round <= LATE_ROUNDS_MAX; round += 1) {
      const homes = (await readHomes(this.#catalogue, this.#rollout.target)).filter(({ id }) => !this.#seen.has(id))
      if (homes.length === 0 || this.#stop !== null) return
      await addLateHomes(this.#catalogue, this.#rollout, homes)
      this.#tally.grow(homes.length)
      await this.#migrate(homes, false)
    }
  }

  async #migrate(homes: readonly Home[], isCanary: boolean): Promise<void> {
    const moving = homes.filter(({ isMoving }) => isMoving)
    if (moving.length > 0) await this.#blocked(moving, 'organization_busy', 'The organization is being moved.')
    const groups = Map.groupBy(
      homes.filter(({ isMoving }) => !isMoving),
      databaseKeyOf,
    )
    await inParallel([...groups.values()], this.#pace.databases, async (inDatabase) => {
      if (this.#isStopped()) return
      const [home] = inDatabase
      if (home === undefined) return
      const oldest = inDatabase.reduce(
        (least, { version }) => ((version ?? '') < least ? (version ?? '') : least),
        inDatabase[0]?.version ?? '',
      )
      await migrateDatabase({
        homes: inDatabase,
        segments: segmentsOf(this.#options.migrations.filter(({ version }) => version > oldest)),
        fence: this.#rollout.fence,
        pace: this.#pace,
        learnt: this.#learntIn(home),
        open: () => this.#open(home),
        release: (client) => this.#sessions.give(databaseKeyOf(home), client),
        judge: judgeShared(this.#options.judge),
        onDone: (done, segment, isLast) => this.#done(done, segment.version, isLast),
        onFailed: (failed, outcome) => this.#failed(failed, outcome, isCanary),
        onBlocked: (blocked, code, message) => this.#blocked(blocked, code, message, isCanary),
        onWaiting: (count, forMs, reason) => this.#options.onEvent?.({ type: 'waiting', homes: count, forMs, reason }),
        isStopped: () => this.#isStopped(),
        // Whoever has it stop does not wait for the end of a pause.
        wait:
          this.#options.wait ?? ((ms) => delay(ms, undefined, { signal: this.#options.signal }).catch(() => undefined)),
        random: this.#options.random ?? Math.random,
      })
    })
    if (this.#fatal !== null) throw this.#fatal
  }

  #learntIn(home: Home): Map<string, Pace> {
    const key = databaseKeyOf(home)
    const learnt = this.#learnt.get(key) ?? new Map<string, Pace>()
    this.#learnt.set(key, learnt)
    return learnt
  }

  async #inDatabaseOf<Result>(home: Home, use: (client: Client) => Promise<Result>): Promise<Result> {
    const client = await this.#open(home)
    try {
      const result = await use(client)
      await this.#sessions.give(databaseKeyOf(home), client)
      return result
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
  }

  async #open(home: Home): Promise<Client> {
    const kept = await this.#sessions.take(databaseKeyOf(home))
    if (kept !== null) return kept
    const client = await openSession(homeConnection(this.#options.catalogueUrl, home), 'rowhouse migrate')
    try {
      if (!this.#fenced.has(databaseKeyOf(home))) await raiseFence(client, this.#rollout.fence)
      this.#fenced.add(databaseKeyOf(home))
      return client
    } catch (error) {
      await client.end().catch(() => undefined)
      throw error
    }
  }

  async #beat(): Promise<void> {
    try {
      const { isCancelled } = await beat(this.#catalogue, this.#rollout)
      if (isCancelled) this.#stop ??= cancelled
    } catch (error) {
      this.#fatal ??= ledgerLost(error)
    }
  }

  #isStopped(): boolean {
    if (this.#options.signal?.aborted === true) {
      const reason: unknown = this.#options.signal.reason
      this.#stop ??=
        reason instanceof RowhouseError && reason.code === 'rollout_cancelled'
          ? cancelled
          : { code: 'rollout_interrupted', message: 'It was asked to stop, and did so between two homes.' }
    }
    return this.#stop !== null || this.#fatal !== null
  }

  async #done(homes: readonly Home[], version: string, isLast: boolean): Promise<void> {
    const ids = homes.map(({ id }) => id)
    await recordHomes(this.#catalogue, this.#rollout, ids, { state: isLast ? 'done' : 'reached' }, version)
    if (!isLast) return
    for (const id of ids) this.#seen.add(id)
    this.#tally.add('done', homes.length)
  }

  async #failed(
    home: Home,
    outcome: {
      readonly state: 'failed'
      readonly code: ErrorCode
      readonly message: string
      readonly version: string
      readonly line: number | null
    },
    isCanary: boolean,
  ): Promise<void> {
    await recordHomes(this.#catalogue, this.#rollout, [home.id], outcome, outcome.version)
    this.#seen.add(home.id)
    this.#tally.add('failed', 1)
    this.#options.onEvent?.({ type: 'home', ...describe(home), ...outcome })
    if (isCanary) {
      this.#stop ??= { code: 'rollout_canary_failed', message: `${nameOfHome(home)}: ${outcome.message}` }
    } else if (this.#tally.failed > this.#errorsMax) {
      this.#stop ??= {
        code: 'rollout_stopped',
        message: `${this.#tally.failed} ${this.#tally.failed === 1 ? 'home' : 'homes'} failed, and ${this.#errorsMax === 0 ? 'none' : this.#errorsMax} may. The last: ${nameOfHome(home)}: ${outcome.message}`,
      }
    }
  }

  async #blocked(homes: readonly Home[], code: ErrorCode, message: string, isCanary = false): Promise<void> {
    if (homes.length === 0) return
    const ids = homes.map(({ id }) => id)
    await recordHomes(this.#catalogue, this.#rollout, ids, { state: 'blocked', code, message }, '')
    this.#tally.add('blocked', homes.length)
    for (const home of homes) {
      this.#seen.add(home.id)
      this.#options.onEvent?.({
        type: 'home',
        state: 'blocked',
        ...describe(home),
        code,
        message,
        version: null,
        line: null,
      })
    }
    const [home] = homes
    if (isCanary && home !== undefined) {
      this.#stop ??= { code: 'rollout_canary_failed', message: `${nameOfHome(home)}: ${message}` }
    }
  }

  async #end(): Promise<{ homes: number }> {
    const { done, failed, blocked } = this.#tally
    const details = { rolloutId: this.#rollout.id, done, failed, blocked }
    if (this.#stop !== null) {
      await closeRollout(this.#catalogue, this.#rollout, 'stopped', this.#stop)
      throw new RowhouseError(this.#stop.code, this.#stop.message, { details })
    }
    if (failed + blocked > 0) {
      const message = `${failed} ${failed === 1 ? 'home' : 'homes'} failed, ${blocked} could not be reached or locked; ${done} are done.`
      await closeRollout(this.#catalogue, this.#rollout, 'incomplete', { code: 'rollout_incomplete', message })
      throw new RowhouseError('rollout_incomplete', message, { details })
    }
    await closeRollout(this.#catalogue, this.#rollout, 'done', null)
    return { homes: done }
  }
}

const codeOf = (error: unknown): string => (error instanceof RowhouseError ? error.code : 'internal')

const describe = (home: Home): { homeId: string; name: string; organizationId: string | null } => ({
  homeId: home.id,
  name: nameOfHome(home),
  organizationId: home.organizationId,
})
