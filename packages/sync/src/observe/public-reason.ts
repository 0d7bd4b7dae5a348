// What may be said of a failure outside of the organization's home: in the catalogue, in events, in a log. A
// provider's or a database's own text may quote the value it refused, so none of it; a code, and our sentence for it.
import { errorCodes, isRowhouseError } from '@rowhouse/contracts'
import type { ErrorCode } from '@rowhouse/contracts'

export const sentenceOf = (code: ErrorCode): string => errorCodes[code].message

export interface PublicError {
  readonly code: ErrorCode
  readonly message: string
}

/** A column, table or type that is not what the mapping says, or a table that the engine may not touch any more. */
const unfit = new Set(['42703', '42P01', '42804', '42846', '42501', '3F000'])

/** Of what a lane met: that the tables do not fit the mapping any more is worth a code of its own. */
export function laneError(error: unknown): PublicError {
  const { sqlState } = isRowhouseError(error) ? error.details : {}
  if (typeof sqlState !== 'string' || !unfit.has(sqlState)) return publicError(error)
  return { code: 'mapping_invalid', message: sentenceOf('mapping_invalid') }
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
