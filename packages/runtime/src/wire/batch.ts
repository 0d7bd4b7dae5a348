// One batch: everything between two Syncs, written at once, answered at once, and one transaction unless it
// begins one. It reads the answers and keeps the rows of its last step; it decides nothing about what they mean.
import type { Field, QueryResult, Submittable, TypeParser, WireConnection } from '../driver.ts'
import type { RowShape, Statement } from './statement.ts'

/** ReadyForQuery's word on the connection: idle, in a transaction, in a failed transaction. */
export type WireStatus = 'I' | 'T' | 'E'

export interface Outcome {
  readonly status: WireStatus | 'broken'
  readonly error: Error | null
  /** Steps that completed; at an error, the index of the one that failed. */
  readonly completed: number
  /** Whether the last step was reached: all before it completed. */
  readonly reached: boolean
  /** What was sent, and the rows that came back, in bytes on the wire. */
  readonly bytes: number
  readonly result: QueryResult
  /** Whether the last step described rows: a SELECT without any made a table (SELECT INTO, CREATE TABLE AS). */
  readonly returnsRows: boolean
}

type GetTypeParser = (oid: number, format: string) => TypeParser

const COMMAND_TAG = /^([A-Z]+)(?: (\d+))?(?: (\d+))?/

class BatchResult implements QueryResult {
  command = ''
  rowCount: number | null = null
  oid: number | null = null
  fields: Field[] = []
  rows: Record<string, unknown>[] = []

  /** As pg reads it: "INSERT 0 5" is the command, an oid nobody uses any more, and the count. */
  complete(tag: string): void {
    const match = COMMAND_TAG.exec(tag)
    if (match === null) return
    this.command = match[1] ?? ''
    if (match[3] !== undefined) this.oid = Number(match[2])
    const count = match[3] ?? match[2]
    if (count !== undefined) this.rowCount = Number(count)
  }
}

function shapeOf(fields: Field[], getTypeParser: GetTypeParser): RowShape {
  const empty: Record<string, unknown> = {}
  for (const { name } of fields) empty[name] = null
  return { fields, parsers: fields.map((field) => getTypeParser(field.dataTypeID, field.format)), empty: { ...empty } }
}

export class Batch implements Submittable {
  readonly #bytes: Uint8Array | null
  readonly #sentBytes: number
  readonly #last: Statement
  readonly #lastStep: number
  readonly #getTypeParser: GetTypeParser
  readonly #done: (outcome: Outcome) => void
  readonly #result = new BatchResult()
  #completed = 0
  #received = 0
  #error: Error | null = null
  #settled = false

  /** @param bytes their number where an earlier batch's write already carried them */
  constructor(
    bytes: Uint8Array | number,
    last: Statement,
    stepCount: number,
    getTypeParser: GetTypeParser,
    done: (outcome: Outcome) => void,
  ) {
    this.#bytes = typeof bytes === 'number' ? null : bytes
    this.#sentBytes = typeof bytes === 'number' ? bytes : bytes.length
    this.#last = last
    this.#lastStep = stepCount - 1
    this.#getTypeParser = getTypeParser
    this.#done = done
  }

  submit(connection: WireConnection): null {
    if (this.#bytes !== null) connection.stream.write(this.#bytes)
    return null
  }

  handleRowDescription(message: { readonly fields: Field[] }): void {
    if (this.#completed === this.#lastStep) this.#last.shape = shapeOf(message.fields, this.#getTypeParser)
  }

  handleDataRow(message: { readonly fields: (string | null)[]; readonly length: number }): void {
    this.#received += message.length
    const shape = this.#last.shape
    if (this.#completed !== this.#lastStep || this.#error !== null || !shape) return
    const { fields, parsers, empty } = shape
    const values = message.fields
    const row: Record<string, unknown> = { ...empty }
    try {
      for (let index = 0; index < values.length; index += 1) {
        const value = values[index]
        const field = fields[index]
        const parse = parsers[index]
        if (value !== null && value !== undefined && field !== undefined && parse !== undefined) {
          row[field.name] = parse(value)
        }
      }
      this.#result.rows.push(row)
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error))
    }
  }

  handleCommandComplete(message: { readonly text: string }): void {
    if (this.#completed === this.#lastStep) this.#result.complete(message.text)
    this.#completed += 1
  }

  handleEmptyQuery(): void {
    this.#completed += 1
  }

  /** The server only suspends a portal when asked for a number of rows, and it never is. */
  handlePortalSuspended(): void {
    this.#error ??= new Error('The server suspended a portal.')
  }

  /** While it copies in, the server reads no Sync: the connection can only be given up. */
  handleCopyInResponse(connection: WireConnection): void {
    this.#error ??= new Error('COPY needs a protocol of its own.')
    connection.stream.destroy()
  }

  handleCopyData(): void {
    this.#error ??= new Error('COPY needs a protocol of its own.')
  }

  handleError(error: Error): void {
    this.#error ??= error
  }

  /** Settled by `finish`: pg does not call this after an error. */
  handleReadyForQuery(): void {}

  /** Called once, at ReadyForQuery or when the connection broke. */
  finish(status: WireStatus | 'broken', cause?: Error): void {
    if (this.#settled) return
    this.#settled = true
    if (status === 'broken') this.#error ??= cause ?? new Error('The connection broke.')
    else if (this.#error === null && this.#last.shape === undefined) this.#last.shape = null
    this.#result.fields = this.#last.shape?.fields ?? []
    this.#done({
      status,
      error: this.#error,
      completed: this.#completed,
      reached: this.#completed >= this.#lastStep,
      bytes: this.#sentBytes + this.#received,
      result: this.#result,
      returnsRows: Boolean(this.#last.shape),
    })
  }
}
