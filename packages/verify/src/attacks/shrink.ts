// Makes a statement that found something as short as it can be while it still finds the same.
const TRIES_MAX = 40

/** Clauses that a statement may do without, longest first in what they take away. */
const clauses: readonly RegExp[] = [
  /^declare stolen cursor for |; fetch \d+ from stolen$/gs,
  / limit \d+$/s,
  / order by [^;]+$/s,
  / returning .*$/s,
  / on conflict .*$/s,
  / cascade$/s,
  / where .*$/s,
]

function* shorter(sql: string): Generator<string> {
  const statements = splitStatements(sql)
  if (statements.length > 1) {
    for (let gone = 0; gone < statements.length; gone += 1)
      yield statements.filter((_, index) => index !== gone).join('; ')
  }
  for (const clause of clauses) {
    const cut = sql.replace(clause, '')
    if (cut !== sql && cut.trim() !== '') yield cut
  }
  // One column and its value less.
  const insert = /^(insert into \S+) \((.+?)\) values \((.+)\)(.*)$/s.exec(sql)
  if (insert !== null) {
    const [, head, columns, values, tail] = insert as unknown as [string, string, string, string, string]
    const names = columns.split(', ')
    const given = splitValues(values)
    if (names.length === given.length && names.length > 1) {
      for (let gone = names.length - 1; gone >= 0; gone -= 1) {
        const keep = (_: string, index: number): boolean => index !== gone
        yield `${head} (${names.filter(keep).join(', ')}) values (${given.filter(keep).join(', ')})${tail}`
      }
    }
  }
  const all = sql.replace(/^select \* from/, 'select from')
  if (all !== sql) yield all
}

/** @param holds whether the effect is still there */
export async function shrink(sql: string, holds: (candidate: string) => Promise<boolean>): Promise<string> {
  let shortest = sql
  let tries = 0
  for (let found = true; found && tries < TRIES_MAX;) {
    found = false
    for (const candidate of shorter(shortest)) {
      if (tries >= TRIES_MAX) break
      tries += 1
      if (await holds(candidate)) {
        shortest = candidate
        found = true
        break
      }
    }
  }
  return shortest
}

/** At semicolons outside of quotes; the bodies of our own functions are quoted with '. */
export function splitStatements(sql: string): string[] {
  return split(sql, ';', false)
}

const splitValues = (values: string): string[] => split(values, ',', true)

function split(text: string, separator: string, nests: boolean): string[] {
  const parts: string[] = []
  let [start, depth] = [0, 0]
  let quote = ''
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] as string
    if (quote !== '') {
      if (letter === quote) quote = ''
    } else if (letter === "'" || letter === '"') {
      quote = letter
    } else if (nests && letter === '(') {
      depth += 1
    } else if (nests && letter === ')') {
      depth -= 1
    } else if (letter === separator && depth === 0) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  parts.push(text.slice(start))
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}
