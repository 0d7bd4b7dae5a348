// What is not written yet, in one form: a connection pauses and says it, and the folder's test lists it.
import { advise, failed } from '../src/kit/answers.ts'
import type { Failure } from '../src/kit/failure.ts'

/** The answer of a function that has to be written. @example unfilled('read.ts, list', 'all records, in pages') */
export function unfilled(where: string, what: string): Promise<{ readonly ok: false; readonly failure: Failure }> {
  return Promise.resolve(failed(advise(`${where}: ${what}.`)))
}
