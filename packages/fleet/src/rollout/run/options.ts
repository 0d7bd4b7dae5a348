// What a rollout may be told, with its defaults, checked once.
import { RowhouseError } from '@rowhouse/contracts'
import type { Judge } from '../apply/judge-shared.ts'
import type { Home } from '../ledger/homes.ts'
import type { RolloutEvent } from './events.ts'
import type { TenantMigration } from '../migration/prepare.ts'

export interface RolloutPace {
  /** Percent of the homes reached by the end of each wave after the canaries, ascending. @default [5, 25, 100] */
  readonly waves: readonly number[]
  /** Ids or slugs of organizations that come first, beside those that are marked. @default [] */
  readonly canaries: readonly string[]
  /** Homes that may fail before it stops: a number, or a share as '1%'. @default '1%' */
  readonly errors: number | `${number}%`
  /** Connections to one database. @default 2 */
  readonly connections: number
  /** Databases at the same time. @default 8 */
  readonly databases: number
  /** Longest wait for a lock, in the queue of which others wait too. @default 250 */
  readonly lockTimeoutMs: number
  /** How often a home whose locks are not granted is tried. @default 6 */
  readonly lockAttempts: number
  /** Longest transaction of several homes. @default 400 */
  readonly transactionMs: number
  /** Most homes of one transaction. @default 100 */
  readonly homesMax: number
  /** Longest statement of a transaction. @default 60_000 */
  readonly statementTimeoutMs: number
  /** Longest judgement of what many share, which is locked meanwhile. @default 10_000 */
  readonly judgeTimeoutMs: number
  /** Longest wait of a statement that stops nobody, such as CREATE INDEX CONCURRENTLY. @default 300_000 */
  readonly outsideLockTimeoutMs: number
}

export const defaultRolloutPace: RolloutPace = {
  waves: [5, 25, 100],
  canaries: [],
  errors: '1%',
  connections: 2,
  databases: 8,
  lockTimeoutMs: 250,
  lockAttempts: 6,
  transactionMs: 400,
  homesMax: 100,
  statementTimeoutMs: 60_000,
  judgeTimeoutMs: 10_000,
  outsideLockTimeoutMs: 300_000,
}

export interface RolloutOptions {
  /** rowhouse_migrator's URL of the catalogue, a direct connection: a transaction pooler would lose its lock. */
  readonly catalogueUrl: string
  /** All of the folder, prepared. */
  readonly migrations: readonly TenantMigration[]
  readonly pace?: Partial<RolloutPace>
  /** Ends it between two homes; with a RowhouseError rollout_cancelled as the reason, it is noted as cancelled. */
  readonly signal?: AbortSignal
  /** Who is said to run it. @default the login */
  readonly startedBy?: string | undefined
  /** How often it says that it is alive, and looks whether it was cancelled. @default 5000 */
  readonly heartbeatMs?: number
  readonly onEvent?: (event: RolloutEvent) => void
  /** Asked before something goes that cannot come back. @default refuses */
  readonly confirm?: (plan: {
    readonly destroys: readonly Destruction[]
    readonly homes: number
    /** All that homes are to have. */
    readonly migrations: readonly TenantMigration[]
  }) => Promise<boolean>
  /**
   * Looks at the homes of the first wave beside rowhouse.home_weaknesses(), before the others get the migrations; gives what
   * is wrong, one line each. It is asked before the wave as well: what was wrong already stops no rollout.
   * @default nothing more is asked
   */
  readonly verify?: (homes: readonly Home[]) => Promise<readonly string[]>
  /**
   * Judges what many organizations share, beside rowhouse.home_weaknesses(), inside the transaction that changes it: called
   * before the first statement, and what it gives before the commit. What is wrong since keeps it from being committed.
   * @default nothing more is asked
   */
  readonly judge?: Judge
  /** Asked of homes that would go first by chance. @default connects to them */
  readonly reaches?: (home: Home) => Promise<boolean>
  /** Between attempts. @default setTimeout */
  readonly wait?: (ms: number) => Promise<unknown>
  /** @default Math.random */
  readonly random?: () => number
}

export interface Destruction {
  readonly file: string
  readonly line: number
  readonly check: string
  readonly message: string
  readonly reason: string
}

/** @throws RowhouseError invalid_option */
export function readPace(given: Partial<RolloutPace> = {}): RolloutPace {
  const pace = { ...defaultRolloutPace, ...given }
  const whole = (name: keyof RolloutPace, min: number, max: number): void => {
    const value = pace[name]
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return
    throw new RowhouseError(
      'invalid_option',
      `${name} takes a whole number from ${min} to ${max}, not ${String(value)}.`,
    )
  }
  whole('connections', 1, 64)
  whole('databases', 1, 256)
  whole('lockTimeoutMs', 1, 60_000)
  whole('lockAttempts', 1, 1000)
  whole('transactionMs', 1, 60_000)
  whole('homesMax', 1, 1000)
  whole('judgeTimeoutMs', 1, 3_600_000)
  whole('statementTimeoutMs', 0, 86_400_000)
  whole('outsideLockTimeoutMs', 0, 86_400_000)
  const ascend = pace.waves.every((share, index) => share > (pace.waves[index - 1] ?? 0) && share <= 100)
  if (!ascend || pace.waves.at(-1) !== 100) {
    throw new RowhouseError(
      'invalid_option',
      `waves takes ascending shares that end with 100, not ${pace.waves.join(',')}.`,
    )
  }
  errorsMaxOf(pace.errors, 0)
  return pace
}

/** Homes that may fail, of so many. @throws RowhouseError invalid_option */
export function errorsMaxOf(errors: RolloutPace['errors'], homes: number): number {
  const text = String(errors)
  const value = Number(text.replace(/%$/, ''))
  if (text === '' || !(value >= 0) || (text.endsWith('%') ? value > 100 : !Number.isInteger(value))) {
    throw new RowhouseError('invalid_option', `errors takes a number of homes or a share such as 1%, not ${text}.`)
  }
  return text.endsWith('%') ? Math.floor((homes * value) / 100) : value
}
