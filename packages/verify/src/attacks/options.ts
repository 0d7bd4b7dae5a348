// What an attack takes, with its bounds.
import type { Finding, Coverage } from '../report/report.ts'

export interface AttackOptions {
  /** Longest time one probe may run. @default 2_000 */
  readonly statementTimeoutMs?: number
  /** Longest time all of it may take; what is left then is reported as not covered. @default 300 */
  readonly attackSeconds?: number
  /** Pairs of connections, one to each world. @default 2 */
  readonly lanes?: number
  /** Order of the probes; the same seed, the same order. @default 1 */
  readonly seed?: number
  /**
   * Whether every table is written once more, at the end, in transactions that are committed. An arena can then not be
   * used again: A's rows are no longer what they were. @default true
   */
  readonly commits?: boolean
  /** Findings whose SQL is made as short as it can be; the rest show the shortest probe as it ran. @default 60 */
  readonly shrinksMax?: number
  /** Called as it goes on. */
  readonly onProgress?: (event: AttackProgress) => void
  /** Milliseconds, from any start. @default performance.now */
  readonly now?: () => number
}

export interface AttackProgress {
  readonly phase: 'reading' | 'attacking' | 'shrinking' | 'committing' | 'done'
  readonly done: number
  readonly total: number
  readonly findings: number
}

export interface AttackResult {
  readonly findings: readonly Finding[]
  readonly coverage: Coverage
  /** Why it could not decide; empty otherwise. */
  readonly undecided: readonly string[]
}
