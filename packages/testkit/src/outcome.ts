// What a statement came to, as a value a test can compare.
import { DatabaseError } from 'pg'

/** The SQLSTATE a promise was refused with, or 'done'. Any other error is thrown on. */
export async function sqlstateOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'done'
  } catch (error) {
    if (error instanceof DatabaseError && error.code !== undefined) return error.code
    throw error
  }
}
