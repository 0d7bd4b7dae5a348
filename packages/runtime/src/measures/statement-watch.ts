// Counts the statements of one handle for its organization, when they ended. Time is from the write to the last answer:
// waiting for a connection is no statement's time, and connecting neither.
import type { Actor } from '../context.ts'
import type { Outcome } from '../wire/batch.ts'
import type { Measures } from './measures.ts'

/** Who asks on an organization's behalf and not for it: nobody there waits for the answer. */
const background: ReadonlySet<Actor['kind']> = new Set(['sync', 'report', 'operator'])

export class StatementWatch {
  readonly #measures: Measures | null
  readonly #organization: string | null
  readonly #isBackground: boolean

  /** @param measures null where nothing is counted */
  constructor(measures: Measures | null, { org, kind }: Pick<Actor, 'org' | 'kind'>) {
    this.#measures = org === null ? null : measures
    this.#organization = org
    this.#isBackground = background.has(kind)
  }

  /**
   * What was refused at the door is not counted: whoever is not let in is no load of the organization, and could
   * otherwise write into what is known of it.
   */
  ended(text: string, startedMs: number, { reached, error, result, bytes }: Outcome): void {
    if (this.#measures === null || this.#organization === null || !reached) return
    const failed = error !== null
    const rows = failed ? 0 : (result.rowCount ?? result.rows.length)
    const durationMs = performance.now() - startedMs
    this.#measures.record(this.#organization, text, durationMs, rows, bytes, failed, this.#isBackground)
  }
}
