// What may be said of a failure outside of the organization's home: in the catalogue, in events, in a log. A
// provider's or a database's own text may quote the value it refused, so none of it; a code, and our sentence for it.
import { errorCodes, isRowhouseError } from '@rowhouse/contracts'
import type { ErrorCode } from '@rowhouse/contracts'

export const sentenceOf = (code: ErrorCode): string => errorCodes[code].message

export interface PublicError {
  readonly code: ErrorCode
  readonly message: string
}

/** Of what was thrown: the code, and of a bug the place, which is a line of our own code. */
export function publicError(error: unknown): PublicError {
  if (isRowhouseError(error)) return { code: error.code, message: sentenceOf(error.code) }
  const place = placeOf(error)
  return { code: 'internal', message: place === null ? sentenceOf('internal') : `${sentenceOf('internal')} ${place}` }
}

function placeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  // The stack begins with the message, which may have any text in any number of lines.
  const frames = (error.stack ?? '').replace(error.message, '')
  const frame = /\n\s+at [^\n]*?([\w.-]+\.[jt]s:\d+:\d+)/.exec(frames)?.[1]
  return frame === undefined ? error.name : `${error.name} at ${frame}`
}
