// Candidates for a column that a CHECK restricts, read from the check's own text: its literals, their neighbours, texts
// of the lengths it names, texts that match its regular expressions. The database decides which of them hold.
import type { ColumnShape, TypeShape } from './describe-tables.ts'
import { textMatching } from './text-matching.ts'

/** Makes a text for a row, or null for SQL's NULL. */
export type Candidate = (ordinal: number) => string | null

const DAY_MS = 86_400_000

/** @param definitions deparsed checks that name the column, domains' and partitions' included */
export function candidatesOf(
  column: ColumnShape,
  definitions: readonly string[],
  types: ReadonlyMap<string, TypeShape>,
): Candidate[] {
  const base = baseOf(column.type, types)
  const text = definitions.join('\n')
  const strings = [...text.matchAll(/'((?:[^']|'')*)'/g)].map((match) => (match[1] as string).replaceAll("''", "'"))
  const numbers = [
    ...text
      .replaceAll(/'(?:[^']|'')*'/g, (quoted) => (/^'-?\d+(\.\d+)?'$/.test(quoted) ? quoted.slice(1, -1) : ' '))
      .matchAll(/(?<![\w.])-?\d+(?:\.\d+)?/g),
  ].map(([number]) => Number(number))
  const found: Candidate[] = []
  const add = (...values: (string | null)[]): void => {
    for (const value of values) found.push(() => value)
  }
  if (base?.labels) {
    for (const label of base.labels) add(label)
  } else if (base?.element) {
    add('{}')
    for (const value of strings) add(`{${JSON.stringify(value)}}`)
    for (const number of numbers)
      add(
        `{${Array.from({ length: Math.min(Math.max(Math.trunc(number), 0), LENGTH_MAX) }, (_, at) => at + 1).join(',')}}`,
      )
  } else {
    addBase(base?.name ?? '', { strings, numbers, text }, add, found)
  }
  if (!column.notNull) add(null)
  return found
}

const LENGTH_MAX = 1024

interface Hints {
  readonly strings: readonly string[]
  readonly numbers: readonly number[]
  readonly text: string
}

function addBase(
  type: string,
  { strings, numbers, text }: Hints,
  add: (...values: (string | null)[]) => void,
  found: Candidate[],
): void {
  switch (type) {
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'citext':
    case 'name':
      // LIKE and POSIX patterns are literals too; what does not read as one is tried as a plain text below.
      for (const pattern of strings) found.push((ordinal) => textMatching(pattern, ordinal))
      add(...strings)
      for (const number of numbers) {
        for (const length of [number, number - 1, number + 1]) {
          if (length >= 0 && length <= LENGTH_MAX)
            found.push((ordinal) =>
              ordinal
                .toString(36)
                .padStart(length, 'x')
                .slice(-length || Infinity),
            )
        }
      }
      found.push(
        (ordinal) => `row-${ordinal}`,
        (ordinal) => `row_${ordinal}`,
        (ordinal) => `R${ordinal}`,
        (ordinal) => String(100_000 + ordinal),
      )
      add('')
      return
    case 'int2':
    case 'int4':
    case 'int8':
    case 'float4':
    case 'float8':
    case 'numeric':
    case 'money':
      for (const number of numbers)
        found.push(
          (ordinal) => String(number + (ordinal % 7)),
          () => String(number),
          () => String(number + 1),
          () => String(number - 1),
        )
      for (const a of numbers) for (const b of numbers) if (a < b) add(String(Math.floor((a + b) / 2)))
      add('0', '1', '-1', '100')
      return
    case 'bool':
      add('true', 'false')
      return
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      for (const value of strings) {
        const at = Date.parse(value.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00'))
        if (Number.isNaN(at)) continue
        for (const sign of [1, -1]) found.push((ordinal) => new Date(at + sign * ordinal * DAY_MS).toISOString())
        add(value)
      }
      found.push(
        (ordinal) => new Date(Date.UTC(2000, 0, 1) + ordinal * DAY_MS).toISOString(),
        (ordinal) => new Date(Date.UTC(2098, 0, 1) + ordinal * DAY_MS).toISOString(),
      )
      return
    case 'json':
    case 'jsonb': {
      const keys = strings.filter(
        (value) => /^\w+$/.test(value) && !/^(object|array|string|number|boolean|null)$/.test(value),
      )
      found.push(
        (ordinal) => JSON.stringify({ ordinal }),
        (ordinal) => JSON.stringify(Object.fromEntries(keys.map((key) => [key, `row ${ordinal}`]))),
        (ordinal) => JSON.stringify(Object.fromEntries(keys.map((key) => [key, ordinal]))),
      )
      add('{}', '[]', '"text"', '1', 'true')
      return
    }
    case 'bytea':
      for (const number of numbers) {
        if (number >= 0 && number <= LENGTH_MAX)
          found.push((ordinal) => String.raw`\x${(ordinal & 255).toString(16).padStart(2, '0').repeat(number)}`)
      }
      return
    case 'uuid':
      add(...strings)
      return
    default:
      if (text !== '') add(...strings)
  }
}

/** The type behind domains. */
export function baseOf(oid: string, types: ReadonlyMap<string, TypeShape>): TypeShape | undefined {
  let type = types.get(oid)
  while (type?.kind === 'd' && type.base !== null) type = types.get(type.base)
  return type
}

/** Checks of all domains that a column's type goes through. */
export function domainChecksOf(oid: string, types: ReadonlyMap<string, TypeShape>): string[] {
  const checks: string[] = []
  for (let type = types.get(oid); type?.kind === 'd' && type.base !== null; type = types.get(type.base)) {
    checks.push(...(type.checks ?? []))
  }
  return checks
}
