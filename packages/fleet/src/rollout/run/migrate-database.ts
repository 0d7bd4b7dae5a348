// The homes of one database, in one wave: lanes take them from one queue, several at a time where that is safe, and whoever
// cannot have its locks is tried again later, when the others are done.
import type { ErrorCode } from '@rowhouse/contracts'
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import type { Client } from 'pg'
import { applyAlone } from '../apply/apply-alone.ts'
import type { Judging } from '../apply/apply-alone.ts'
import { PartlyApplied, applyTogether, homesOfMessage } from '../apply/apply-together.ts'
import type { Judge } from '../apply/judge-shared.ts'
import { isDisconnected, throwIfSuperseded } from '../apply/outcome.ts'
import type { Outcome } from '../apply/outcome.ts'
import type { Segment } from '../apply/segments.ts'
import type { SessionLimits } from '../apply/session.ts'
import type { Home } from '../ledger/homes.ts'
import { makePace, readLocksHeld, readLocksMax } from './pace.ts'
import type { Pace } from './pace.ts'
import type { RolloutPace } from './options.ts'

export interface DatabaseRun {
  readonly homes: readonly Home[]
  /** What the homes lack, in order; each home takes from the first that it has not. */
  readonly segments: readonly Segment[]
  readonly fence: string
  readonly pace: RolloutPace
  /** What was learnt of a segment in earlier waves, by its version: how many homes go together, how many locks one takes. */
  readonly learnt: Map<string, Pace>
  readonly open: () => Promise<Client>
  /** Takes a connection back that nothing is wrong with. */
  readonly release: (client: Client) => Promise<void>
  /** Of what many share. */
  readonly judge: Judge
  /** The homes went through a segment; `isLast`: they have the target. */
  readonly onDone: (homes: readonly Home[], segment: Segment, isLast: boolean) => Promise<void>
  readonly onFailed: (home: Home, outcome: Extract<Outcome, { state: 'failed' }>) => Promise<void>
  readonly onBlocked: (homes: readonly Home[], code: ErrorCode, message: string) => Promise<void>
  readonly onWaiting: (homes: number, forMs: number, reason: string) => void
  /** Whether nothing more is to be begun. */
  readonly isStopped: () => boolean
  readonly wait: (ms: number) => Promise<unknown>
  readonly random: () => number
}

const RECONNECTS_MAX = 3
const BACKOFF_MS = 100
const BACKOFF_MAX_MS = 5000

export async function migrateDatabase(run: DatabaseRun): Promise<void> {
  let open = run.homes
  for (const [index, segment] of run.segments.entries()) {
    const isLast = index === run.segments.length - 1
    open = await migrateSegment(run, segment, open, isLast)
    if (open.length === 0 || run.isStopped()) return
  }
}

/** @returns the homes that have the segment now */
async function migrateSegment(
  run: DatabaseRun,
  segment: Segment,
  homes: readonly Home[],
  isLast: boolean,
): Promise<readonly Home[]> {
  const lacking = homes.filter(({ version }) => version === null || version < segment.version)
  const went = new Set<Home>()
  const lost = new Set<Home>()
  const later: { home: Home; reason: string }[] = []
  let next = 0
  const broken: { unreachable: RowhouseError | null } = { unreachable: null }
  // Two transactions that both add a reference to rowhouse.organizations wait for each other until one has committed.
  const lanes = Math.min(segment.refersToOrganizations ? 1 : run.pace.connections, lacking.length)

  const settle = async (settled: readonly Home[], outcome: Outcome, notes: Notes): Promise<void> => {
    if (outcome.state === 'done') {
      for (const home of settled) went.add(home)
      await notes.add(() => run.onDone(settled, segment, isLast))
      return
    }
    for (const home of settled) {
      if (outcome.state === 'later') {
        later.push({ home, reason: outcome.message })
      } else {
        lost.add(home)
        await run.onFailed(home, outcome)
      }
    }
  }

  const lane = async (): Promise<void> => {
    const connection = new Connection(run)
    const notes = new Notes()
    try {
      const locksMax = await connection.retrying((client) => readLocksMax(client, lanes))
      const pace =
        run.learnt.get(segment.version) ??
        makePace({
          transactionMs: run.pace.transactionMs,
          homesMax: segment.isQuick ? Math.min(run.pace.homesMax, homesOfMessage(segment)) : 1,
          locksMax,
        })
      run.learnt.set(segment.version, pace)
      while (next < lacking.length && !run.isStopped() && broken.unreachable === null) {
        const batch = lacking.slice(next, next + pace.size())
        next += batch.length
        const settled = new Set<Home>()
        await connection.retrying((client) =>
          migrateBatch(
            run,
            client,
            batch.filter((home) => !settled.has(home)),
            segment,
            pace,
            async (through, outcome) => {
              for (const home of through) settled.add(home)
              await settle(through, outcome, notes)
            },
          ),
        )
      }
      await notes.written()
      await connection.release()
    } catch (error) {
      if (!isUnreachable(error)) throw error
      broken.unreachable ??= error
    } finally {
      await notes.written().catch(() => undefined)
      await connection.end()
    }
  }
  const ended = await Promise.allSettled(Array.from({ length: lanes }, lane))
  for (const end of ended) if (end.status === 'rejected') throw end.reason

  if (broken.unreachable !== null) {
    // Whoever was in a batch that nobody could end is among them: the next run finds out what it has.
    const { code, message } = broken.unreachable
    const left = lacking.filter((home) => !lost.has(home) && (!isLast || !went.has(home)))
    await run.onBlocked(left, code, message)
    return []
  }
  for (const home of await retryLater(run, segment, later, isLast)) lost.add(home)
  return homes.filter((home) => !lost.has(home))
}

/** Of this database alone: the others go on. */
const isUnreachable = (error: unknown): error is RowhouseError =>
  isRowhouseError(error) && ['database_unreachable', 'database_login_refused', 'not_installed'].includes(error.code)

/** Together where the segment allows it; one by one to find out which home refuses. */
async function migrateBatch(
  run: DatabaseRun,
  client: Client,
  batch: readonly Home[],
  segment: Segment,
  pace: Pace,
  settle: (homes: readonly Home[], outcome: Outcome) => Promise<void>,
): Promise<void> {
  const limits = limitsOf(run.pace)
  // What many share is judged before it is committed, and alone() does that.
  if (segment.isQuick && batch.every(({ isolation }) => isolation !== 'shared')) {
    const begun = performance.now()
    let went = false
    try {
      const { changed, locks } = await applyTogether(
        client,
        batch.map(({ schemaName }) => schemaName),
        segment,
        {
          fence: run.fence,
          limits,
          countLocks: (homes) => (pace.isWorthCounting(homes) ? readLocksHeld(client) : null),
        },
      )
      if (locks !== null) pace.counted(changed, locks)
      pace.went(batch.length, performance.now() - begun)
      went = true
    } catch (error) {
      throwIfSuperseded(error)
      if (!(error instanceof PartlyApplied) && isDisconnected(error)) throw error
      pace.refused()
    }
    if (went) return settle(batch, { state: 'done' })
  }
  for (const home of batch) {
    if (run.isStopped()) return
    await settle([home], await alone(run, client, home, segment))
  }
}

const limitsOf = ({ lockTimeoutMs, statementTimeoutMs }: RolloutPace): SessionLimits => ({
  lockTimeoutMs,
  statementTimeoutMs,
})

const judgingOf = (run: DatabaseRun, home: Home): Judging => ({
  begin: (client) => run.judge(client, home),
  timeoutMs: run.pace.judgeTimeoutMs,
  cancel: async (backend) => {
    const other = await run.open()
    try {
      await other.query('select pg_cancel_backend($1)', [backend])
    } finally {
      await other.end().catch(() => undefined)
    }
  },
})

async function alone(run: DatabaseRun, client: Client, home: Home, segment: Segment): Promise<Outcome> {
  try {
    return await applyAlone(client, home.schemaName, segment, {
      fence: run.fence,
      limits: limitsOf(run.pace),
      outsideLockTimeoutMs: run.pace.outsideLockTimeoutMs,
      judge: home.isolation === 'shared' ? judgingOf(run, home) : null,
    })
  } catch (error) {
    throwIfSuperseded(error)
    throw error
  }
}

/** @returns the homes that never got their locks, and those of a database that is gone meanwhile */
async function retryLater(
  run: DatabaseRun,
  segment: Segment,
  waiting: readonly { readonly home: Home; readonly reason: string }[],
  isLast: boolean,
): Promise<Home[]> {
  const lost: Home[] = []
  if (waiting.length === 0) return lost
  const connection = new Connection(run)
  let later = [...waiting]
  try {
    for (let attempt = 1; attempt < run.pace.lockAttempts && later.length > 0 && !run.isStopped(); attempt += 1) {
      const forMs = Math.round(Math.min(BACKOFF_MS * 2 ** (attempt - 1), BACKOFF_MAX_MS) * (0.5 + run.random()))
      run.onWaiting(later.length, forMs, later[0]?.reason ?? '')
      await run.wait(forMs)
      const attempted = later
      for (const waited of attempted) {
        const { home } = waited
        const outcome = await connection.retrying((client) => alone(run, client, home, segment))
        later = later.filter((other) => other !== waited)
        if (outcome.state === 'done') await run.onDone([home], segment, isLast)
        if (outcome.state === 'later') later.push({ home, reason: outcome.message })
        if (outcome.state === 'failed') {
          lost.push(home)
          await run.onFailed(home, outcome)
        }
      }
    }
    await connection.release()
  } catch (error) {
    if (!isUnreachable(error)) throw error
    const left = later.map(({ home }) => home)
    await run.onBlocked(left, error.code, error.message)
    return [...lost, ...left]
  } finally {
    await connection.end()
  }
  for (const { home, reason } of later) {
    lost.push(home)
    await run.onBlocked([home], 'home_locked', reason)
  }
  return lost
}

/**
 * What the ledger is told of homes that are done: while it writes, the lane goes on with the next ones, and waits for it before
 * it tells more. The homes have noted it themselves, so what the ledger misses the next run finds.
 */
class Notes {
  #writing: Promise<void> = Promise.resolve()

  async add(write: () => Promise<void>): Promise<void> {
    await this.#writing
    this.#writing = write()
    // It is told when it is waited for.
    this.#writing.catch(() => undefined)
  }

  written(): Promise<void> {
    return this.#writing
  }
}

/** A connection that is opened when it is needed, and anew when it broke. What was under way is looked up in the home. */
class Connection {
  readonly #run: DatabaseRun
  #client: Client | null = null

  constructor(run: DatabaseRun) {
    this.#run = run
  }

  async #open(): Promise<Client> {
    this.#client ??= await this.#run.open()
    return this.#client
  }

  async retrying<Result>(use: (client: Client) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await use(await this.#open())
      } catch (error) {
        if (!isDisconnected(error)) throw error
        await this.end()
        if (attempt === RECONNECTS_MAX) {
          throw new RowhouseError('database_unreachable', `The connection broke: ${(error as Error).message}`, {
            cause: error,
          })
        }
        await this.#run.wait(BACKOFF_MS * 2 ** attempt)
      }
    }
  }

  /** Whoever needs one next goes on with it. */
  async release(): Promise<void> {
    const client = this.#client
    this.#client = null
    if (client !== null) await this.#run.release(client)
  }

  async end(): Promise<void> {
    await this.#client?.end().catch(() => undefined)
    this.#client = null
  }
}
