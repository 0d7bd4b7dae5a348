// The `q` parameter of record collections: conditions joined by AND and OR. Owns the operators and what
// each type of field takes; must not page. Dates are the company's wall clock in M/D/YYYY.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_1545222128.html
import { textOf } from '../http/text.ts'
import { readField, readInstant } from './company.ts'
import type { Company } from './company.ts'
import { invalidParameter } from './errors.ts'
import type { Field, RecordType } from './record-types.ts'
import type { NetsuiteRecord } from './records.ts'
import { parseWall } from './zone.ts'

export type Matches = (record: NetsuiteRecord) => boolean

const depthMax = 20
const lengthMax = 10_000
const dayMs = 86_400_000

interface Token {
  readonly text: string
  readonly quoted: boolean
}

/** Throws INVALID_PARAMETER. */
export function parseFilter(company: Company, type: RecordType, text: string): Matches {
  if (text.length > lengthMax) throw bad(`it is longer than ${lengthMax} characters`)
  const reader = new Reader(tokenize(text))
  const matches = readOr(company, type, reader, 0)
  if (reader.peek()) throw bad(`what does ${reader.peek()!.text} mean there`)
  return matches
}

const bad = (why: string): Error => invalidParameter('q', `Invalid search query. Provide a valid search query: ${why}.`)

class Reader {
  readonly #tokens: readonly Token[]
  #at = 0
  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }
  peek(): Token | undefined {
    return this.#tokens[this.#at]
  }
  next(): Token {
    const token = this.#tokens[this.#at++]
    if (!token) throw bad('it ends too early')
    return token
  }
  accept(word: string): boolean {
    const token = this.peek()
    if (!token || token.quoted || token.text.toUpperCase() !== word) return false
    this.#at++
    return true
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|([()[\],])|([^\s()[\],"]+))/gy
  let at = 0
  for (const match of text.matchAll(pattern)) {
    const [whole, quoted, symbol, word] = match
    tokens.push(
      quoted === undefined
        ? { text: (symbol ?? word)!, quoted: false }
        : { text: quoted.replace(/\\(.)/g, '$1'), quoted: true },
    )
    at = match.index + whole.length
  }
  if (text.slice(at).trim() !== '') throw bad('a quotation mark is not closed')
  return tokens
}

function readOr(company: Company, type: RecordType, reader: Reader, depth: number): Matches {
  if (depth > depthMax) throw bad(`it is nested more than ${depthMax} deep`)
  const parts = [readAnd(company, type, reader, depth)]
  while (reader.accept('OR')) parts.push(readAnd(company, type, reader, depth))
  return parts.length === 1 ? parts[0]! : (record) => parts.some((part) => part(record))
}

function readAnd(company: Company, type: RecordType, reader: Reader, depth: number): Matches {
  const parts = [readTerm(company, type, reader, depth)]
  while (reader.accept('AND')) parts.push(readTerm(company, type, reader, depth))
  return parts.length === 1 ? parts[0]! : (record) => parts.every((part) => part(record))
}

function readTerm(company: Company, type: RecordType, reader: Reader, depth: number): Matches {
  if (reader.accept('(')) {
    const inner = readOr(company, type, reader, depth + 1)
    if (!reader.accept(')')) throw bad('a parenthesis is not closed')
    return inner
  }
  const name = reader.next().text
  const field = type.fields.find((candidate) => candidate.name.toLowerCase() === name.toLowerCase())
  if (!field || field.type === 'object') throw bad(`${name} is not a field to filter by`)
  const operator = reader.next().text.toUpperCase()
  const negated = operator.endsWith('_NOT')
  const matches = condition(company, field, negated ? operator.slice(0, -4) : operator, reader)
  return negated ? (record) => !matches(record) : matches
}

function condition(company: Company, field: Field, operator: string, reader: Reader): Matches {
  if (operator === 'EMPTY') return (record) => readField(record, field) === null
  if (operator === 'ANY_OF') {
    const wanted = new Set(readList(reader).map((text) => text.toLowerCase()))
    return (record) => wanted.has(textOf(readField(record, field)).toLowerCase())
  }
  switch (field.type) {
    case 'boolean':
      return booleanCondition(field, operator, reader)
    case 'integer':
    case 'number':
      return numberCondition(field, operator, reader)
    case 'date':
    case 'datetime':
      return dateCondition(company, field, operator, reader)
    case 'string':
    case 'reference':
    case 'select':
    case 'object':
      break
  }
  // Ids are numbers to a filter, though the API writes them as text.
  if (/^(EQUAL|GREATER|LESS|BETWEEN|WITHIN)/.test(operator)) return numberCondition(field, operator, reader)
  return textCondition(field, operator, reader)
}

function booleanCondition(field: Field, operator: string, reader: Reader): Matches {
  if (operator !== 'IS' && operator !== 'IS_NOT') throw bad(`${operator} does not go with ${field.name}`)
  const wanted = /^(true|T)$/i.test(reader.next().text)
  return (record) => readField(record, field) === wanted
}

function numberCondition(field: Field, operator: string, reader: Reader): Matches {
  const value = (record: NetsuiteRecord): number => Number(readField(record, field) ?? Number.NaN)
  const bounds = operator === 'BETWEEN' || operator === 'WITHIN' ? readList(reader) : [reader.next().text]
  const [low, high = 0] = bounds.map((text) => {
    if (!/^[+-]?\d+(\.\d+)?$/.test(text)) throw bad(`${text} is no number`)
    return Number(text)
  }) as [number, number?]
  switch (operator) {
    case 'EQUAL':
      return (record) => value(record) === low
    case 'GREATER':
      return (record) => value(record) > low
    case 'GREATER_OR_EQUAL':
      return (record) => value(record) >= low
    case 'LESS':
      return (record) => value(record) < low
    case 'LESS_OR_EQUAL':
      return (record) => value(record) <= low
    case 'BETWEEN':
    case 'WITHIN':
      return (record) => value(record) >= low && value(record) <= high
    default:
      throw bad(`${operator} does not go with ${field.name}`)
  }
}

function textCondition(field: Field, operator: string, reader: Reader): Matches {
  const wanted = reader.next().text.toLowerCase()
  const value = (record: NetsuiteRecord): string => textOf(readField(record, field)).toLowerCase()
  switch (operator) {
    case 'IS':
      return (record) => value(record) === wanted
    case 'CONTAIN':
      return (record) => value(record).includes(wanted)
    case 'START_WITH':
      return (record) => value(record).startsWith(wanted)
    case 'END_WITH':
      return (record) => value(record).endsWith(wanted)
    default:
      throw bad(`${operator} does not go with ${field.name}`)
  }
}

function dateCondition(company: Company, field: Field, operator: string, reader: Reader): Matches {
  const text = reader.next().text
  const from = parseWall(text)
  if (from === undefined) throw bad(`${text.slice(0, 40)} is not a date in the format M/D/YYYY`)
  // A date stands for its day, a date with a time for its minute.
  const to = from + (text.includes(':') ? 60_000 : dayMs)
  const wall = (record: NetsuiteRecord): number => {
    const instant = readInstant(record, field)
    if (instant !== undefined) return company.zone.toWall(instant)
    const value = readField(record, field)
    if (value === null) return Number.NaN
    return field.type === 'date'
      ? Date.parse(`${textOf(value)}T00:00:00Z`)
      : company.zone.toWall(Date.parse(textOf(value)))
  }
  switch (operator) {
    case 'AFTER':
      return (record) => wall(record) >= to
    case 'BEFORE':
      return (record) => wall(record) < from
    case 'ON':
      return (record) => wall(record) >= from && wall(record) < to
    case 'ON_OR_AFTER':
      return (record) => wall(record) >= from
    case 'ON_OR_BEFORE':
      return (record) => wall(record) < to
    default:
      throw bad(`${operator} does not go with ${field.name}`)
  }
}

function readList(reader: Reader): string[] {
  if (!reader.accept('[')) throw bad('a list in brackets is needed')
  const values = [reader.next().text]
  while (reader.accept(',')) values.push(reader.next().text)
  if (!reader.accept(']')) throw bad('a bracket is not closed')
  return values
}
