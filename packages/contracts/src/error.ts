// The one error of Rowhouse. Every refusal, in every package, is a RowhouseError with a code from
// error-codes/. It must not know where it is shown: the CLI, the API and the log each render it.
import { errorCodes } from './error-codes/index.ts'
import type { ErrorCode } from './error-codes/index.ts'

export interface RowhouseErrorOptions {
  /** Facts a program may read: the value seen, the limit, the id. Never a secret, never a tenant's data. */
  readonly details?: Readonly<Record<string, unknown>>
  /** What to do about it, one sentence. @default the code's own hint */
  readonly hint?: string
  readonly cause?: unknown
}

/**
 * What every part of Rowhouse throws.
 *
 * @example
 * throw new RowhouseError('organization_not_found', `No organization has the id ${id}.`, { details: { id } })
 */
export class RowhouseError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>
  readonly hint: string

  constructor(code: ErrorCode, message?: string, options: RowhouseErrorOptions = {}) {
    super(message ?? errorCodes[code].message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RowhouseError'
    this.code = code
    this.details = options.details ?? {}
    this.hint = options.hint ?? errorCodes[code].hint
  }

  /** HTTP status the API answers with. */
  get status(): number {
    return errorCodes[this.code].status
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return errorCodes[this.code].retryable
  }

  /** Exit code of the CLI: 1 found problems, 2 usage, 3 unavailable. */
  get exitCode(): 1 | 2 | 3 {
    return errorCodes[this.code].exit
  }
}

export function isRowhouseError(error: unknown): error is RowhouseError {
  return error instanceof RowhouseError
}
