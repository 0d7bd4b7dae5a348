// Counts the statements of one handle for its organization, when they ended. Time is from the write to the last answer:
// waiting for a connection is no statement's time, and connecting neither.
import type { Outcome } from '../wire/batch.ts'
import type { Measures } from './measures.ts'

export class StatementWatch {
  readonly #measures: Measures | null
  readonly #organization: string | null

  /** @param measures null where nothing is counted */
  constructor(measures: Measures | null, organization: string | null) {
    this.#measures = organization === null ? null : measures
    this.#organization = organization
  }

  /**
   * What was refused at the door is not counted: whoever is not let in is no load of the organization, and could
   * otherwise write into what is known of it.
   */
  ended(text: string, startedMs: number, { reached, error, result, bytes }: Outcome): void {
    if (this.#measures === null || this.#organization === null || !reached) return
    const failed = error !== null
    const rows = failed ? 0 : (result.rowCount ?? result.rows.length)
    this.#measures.record(this.#organization, text, performance.now() - startedMs, rows, bytes, failed)
  }
}
