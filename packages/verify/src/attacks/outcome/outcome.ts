// What a probe came to, as values that two worlds can be compared by.
import type { DatabaseError, QueryResult } from 'pg'

export interface Outcome {
  /** `00000` when every statement was done. */
  readonly sqlstate: string
  /** Message, detail and hint of the error; empty when there was none. */
  readonly message: string
  readonly notices: readonly string[]
  /** One a statement: the tag with its count, then each row's cells. */
  readonly results: readonly { readonly tag: string; readonly rows: readonly (readonly (string | null)[])[] }[]
  /** Relations in which rows of B are not what they were. */
  readonly changed: readonly string[]
  /** Temporary tables that were read although nothing in the probe names them. */
  readonly temporaryReads: number
}

export const done = '00000'
/** Not an SQLSTATE of the server: the connection ended under the probe. */
export const lost = 'lost!'

export const succeeded = ({ sqlstate }: Outcome): boolean => sqlstate === done

type RawResult = QueryResult<(string | null)[]>

export function outcomeOf(results: readonly RawResult[], notices: readonly string[]): Outcome {
  return {
    sqlstate: done,
    message: '',
    notices,
    results: results.map(({ command, rowCount, rows }) => ({
      tag: `${command} ${rowCount ?? ''}`.trim(),
      rows: rows ?? [],
    })),
    changed: [],
    temporaryReads: 0,
  }
}

export function refusal(error: DatabaseError | Error, notices: readonly string[]): Outcome {
  const { code, detail, hint } = error as Partial<DatabaseError>
  return {
    sqlstate: code ?? lost,
    message: [error.message, detail, hint].filter(Boolean).join(' | '),
    notices,
    results: [],
    changed: [],
    temporaryReads: 0,
  }
}

/** Everything an attacker sees, as lines; two outcomes are the same when their lines are. */
export function linesOf({ sqlstate, message, notices, results }: Outcome): string[] {
  const lines = [sqlstate, message, `${notices.length} notices`, ...notices]
  for (const { tag, rows } of results) {
    lines.push(tag, `${rows.length} rows`)
    for (const row of rows) for (const cell of row) lines.push(cell === null ? 'null' : `=${cell}`)
  }
  return lines
}

/** Makes equal what differs between two databases by being two: names, ids of the install, numbers of temporary schemas. */
export function equaliser(
  pairs: readonly (readonly [string, string])[],
): (lines: readonly string[], world: 0 | 1) => string[] {
  const used = pairs.filter(([first, second]) => first !== second && first !== '' && second !== '')
  return (lines, world) =>
    lines.map((line) => {
      let text = line.replaceAll(/pg_(toast_)?temp_\d+/g, 'pg_$1temp')
      for (const pair of used) text = text.replaceAll(pair[world], pair[0])
      return text
    })
}
