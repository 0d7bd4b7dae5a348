// How a failure looks: one line with its code, one with what to do. Programs get the same as JSON.
import { RowhouseError, isRowhouseError } from '@rowhouse/contracts'
import { isApiError } from '@rowhouse/client'

export interface ErrorOutput {
  readonly json: boolean
  readonly write: (text: string) => void
}

/** Writes the error and returns the exit code. */
export function reportError(error: unknown, { json, write }: ErrorOutput): 1 | 2 | 3 {
  const { code, message, details, hint, exitCode } = describe(error)
  if (json) write(`${JSON.stringify({ code, message, details, hint })}\n`)
  else write(`error[${code}]: ${message}\n${hint === '' ? '' : `  hint: ${hint}\n`}`)
  return exitCode
}

/** What commander says of words it cannot take, as an error like all others. */
export const usageError = ({ code, message }: { readonly code: string; readonly message: string }): RowhouseError =>
  new RowhouseError(
    'invalid_option',
    code === 'commander.help' ? 'The command is not whole: it wants a verb.' : message.replace(/^error: /, ''),
    { hint: 'See: rowhouse --help, and --help after any command.' },
  )

interface Described {
  readonly code: string
  readonly message: string
  readonly details: unknown
  readonly hint: string
  readonly exitCode: 1 | 2 | 3
}

function describe(error: unknown): Described {
  if (isRowhouseError(error)) return error
  if (isApiError(error)) {
    const { code, message, details, hint } = error
    return {
      code,
      message,
      details,
      hint: hint ?? '',
      exitCode: error.status === 400 ? 2 : error.status >= 500 || error.status === 0 ? 3 : 1,
    }
  }
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return describe(
    new RowhouseError('internal', reason, { hint: 'This is a defect: please report it with the text above.' }),
  )
}
