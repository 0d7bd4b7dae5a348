// Errors of the catalogue as the rest of the product knows them.
import { DatabaseError } from 'pg'

import { RowhouseError } from '@rowhouse/contracts'
import { errorCodeOf } from '@rowhouse/database'

/** A refusal by Rowhouse's own SQL becomes its code, a lost connection database_unreachable; anything else stays what it is. */
export function coded(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof RowhouseError) return error
  const sqlstate = error instanceof DatabaseError ? error.code : undefined
  const refusal = errorCodeOf(sqlstate)
  if (refusal !== null) {
    const hint = error instanceof DatabaseError ? error.hint : undefined
    return new RowhouseError(refusal, error.message, { cause: error, ...(hint !== undefined && { hint }) })
  }
  if (sqlstate !== undefined ? /^(08|57P|53)/.test(sqlstate) : isSocketError(error)) {
    return new RowhouseError('database_unreachable', undefined, { cause: error })
  }
  return error
}

const isSocketError = (error: Error): boolean =>
  /^(ECONN|ETIMEDOUT|EPIPE|EHOSTUNREACH|ENOTFOUND)/.test((error as NodeJS.ErrnoException).code ?? '') ||
  /Connection terminated|timeout exceeded when trying to connect/.test(error.message)

export async function codedErrors<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (error) {
    throw coded(error)
  }
}
