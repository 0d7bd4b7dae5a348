// What an attack takes, with its bounds.
import type { Finding, Coverage } from '../report/report.ts'

export const ATTACK_SECONDS = 300

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
   * Attacks these alone: tables, views, functions, procedures, sequences, by `schema.name`, a star for any letters; a function
   * by its signature too. The whole schema is copied and planted, and the ways in (the gate, the doors and borders of homes)
   * are tried all the same. What is left out is counted, and a run that found nothing is no proof of the rest.
   * @default everything
   */
  readonly only?: readonly string[]
  /**
   * Whether every table is written once more, at the end, in transactions that are committed. An arena can then not be
   * used again: A's rows are no longer what they were. @default true
   */
  readonly commits?: boolean
  /** Findings whose SQL is made as short as it can be; the rest show the shortest probe as it ran. @default 60 */
  readonly shrinksMax?: number
  /** Told of every probe that was tried, once for each context: the log of an attack. @default nobody */
  readonly onProbe?: (tried: TriedProbe) => void
  /** Called as it goes on. */
  readonly onProgress?: (event: AttackProgress) => void
  /** Milliseconds, from any start. @default performance.now */
  readonly now?: () => number
}

export interface TriedProbe {
  /** `table public.contacts`. */
  readonly object: string
  readonly probe: string
  readonly statement: string
  /** Who ran it, and how it acted: `rowhouse seal as rowhouse_app`. */
  readonly context: string
  /** The code of a finding; `same` in both worlds, or refused in both; what no schema prevents; differs by itself; says nothing. */
  readonly outcome: string
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
