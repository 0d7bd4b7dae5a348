// What became of one home, and which refusals of the database pass by themselves.
import { RowhouseError } from '@rowhouse/contracts'
import type { ErrorCode } from '@rowhouse/contracts'
import { errorCodeOf } from '@rowhouse/database'
import { DatabaseError } from 'pg'

export type Outcome =
  | { readonly state: 'done' }
  /** Someone held a lock for too long, or the like: nothing was changed, and it may go through later. */
  | { readonly state: 'later'; readonly code: ErrorCode; readonly message: string }
  | {
      readonly state: 'failed'
      readonly code: ErrorCode
      readonly message: string
      readonly version: string
      readonly line: number | null
    }

/** lock_not_available, deadlock_detected, serialization_failure, out of shared memory, a statement that ran too long. */
const PASSES = new Set(['55P03', '40P01', '40001', '53200', '57014'])

const isPassing = (error: DatabaseError): boolean => PASSES.has(error.code ?? '')

/** The connection is gone, whoever closed it. */
export const isDisconnected = (error: unknown): boolean =>
  !(error instanceof RowhouseError) &&
  error instanceof Error &&
  (!(error instanceof DatabaseError) || /^(08|57P)/.test(error.code ?? ''))

/** @throws RowhouseError rollout_superseded, for which there is no going on */
export function throwIfSuperseded(error: unknown): void {
  if (error instanceof DatabaseError && error.code === 'RH088') {
    throw new RowhouseError('rollout_superseded', error.message, { cause: error })
  }
}

export function outcomeOf(error: DatabaseError, version: string, line: number | null): Outcome {
  if (isPassing(error)) return { state: 'later', code: 'home_locked', message: error.message }
  const hint = error.hint === undefined ? '' : ` ${error.hint}`
  return {
    state: 'failed',
    code: errorCodeOf(error.code) ?? 'migration_failed',
    message: `${error.message}${error.message.endsWith('.') ? '' : '.'}${hint}`,
    version,
    line,
  }
}
