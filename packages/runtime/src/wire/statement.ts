// A statement that a connection has parsed under a name, what the server said its rows look like,
// and the bounded cache of them. It never sends anything: names to close are handed to whoever writes next.
import type { Field, TypeParser } from '../driver.ts'

/** How rows of one statement become objects. Kept with the statement, so that only its first run asks for it. */
export interface RowShape {
  readonly fields: Field[]
  readonly parsers: readonly TypeParser[]
  /** A row with every column null, copied for each row: columns keep their order and objects their hidden class. */
  readonly empty: Readonly<Record<string, unknown>>
}

export interface Statement {
  readonly name: string
  readonly text: string
  /** What Describe answered; undefined until the statement ran once, null where it returns no rows. */
  shape: RowShape | null | undefined
}

/**
 * Parsed statements of one connection, least recently used first.
 *
 * A name is `rh_<random, per connection>_<count>`, used for one text and never again. A name made from the text
 * could be guessed: SQL on this connection could DEALLOCATE it and PREPARE another text under it, to be run
 * under the next organization's seal.
 */
export class StatementCache {
  readonly #statements = new Map<string, Statement>()
  readonly #prefix: string
  readonly #max: number
  #count = 0
  #closing: string[] = []

  constructor(nonce: string, max: number) {
    this.#prefix = `rh_${nonce}_`
    this.#max = max
  }

  find(text: string): Statement | undefined {
    // While less than half full nothing is near eviction, and the order need not be kept.
    const statement = this.#statements.get(text)
    if (statement === undefined || this.#statements.size < this.#max / 2) return statement
    this.#statements.delete(text)
    this.#statements.set(text, statement)
    return statement
  }

  /** A statement yet to be parsed; it joins the cache with `keep`, or its name is closed with `forget`. */
  create(text: string): Statement {
    this.#count += 1
    return { name: this.#prefix + this.#count.toString(36), text, shape: undefined }
  }

  keep(statement: Statement): void {
    this.#statements.set(statement.text, statement)
    if (this.#statements.size <= this.#max) return
    const oldest = this.#statements.values().next().value
    if (oldest !== undefined) this.forget(oldest)
  }

  /** After a failure nobody knows whether Parse went through; closing a name that never was is no error. */
  forget(statement: Statement): void {
    this.#statements.delete(statement.text)
    this.#closing.push(statement.name)
  }

  /** Forgets all of them, where the server has. */
  clear(): void {
    this.#statements.clear()
  }

  /** Names the server should let go of, handed out once. */
  takeClosing(): readonly string[] {
    if (this.#closing.length === 0) return this.#closing
    const names = this.#closing
    this.#closing = []
    return names
  }
}
