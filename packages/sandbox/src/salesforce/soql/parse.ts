// SOQL text to a query: the subset that sync needs. Owns the grammar; field names are checked when the
// query is compiled. Not there: GROUP BY, subqueries, semi-joins, TYPEOF, FOR UPDATE; each is refused.
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select.htm
import { SalesforceRefusal, malformedQuery } from '../errors.ts'
import { parseInstant } from '../values.ts'
import type { Comparison, Condition, Literal, Order, Query, Selected } from './ast.ts'
import { tokenize } from './tokens.ts'
import type { Token } from './tokens.ts'

const offsetMax = 2000
const depthMax = 50

/** Throws MALFORMED_QUERY, and NUMBER_OUTSIDE_VALID_RANGE for an offset above 2,000. */
export function parseQuery(soql: string): Query {
  const reader = new Reader(tokenize(soql))
  reader.expect('SELECT')
  const selected = list(reader, readSelected)
  reader.expect('FROM')
  const from = reader.name()
  const where = reader.accept('WHERE') ? readCondition(reader, 0) : undefined
  const orders = reader.accept('ORDER', 'BY') ? list(reader, readOrder) : []
  const limit = reader.accept('LIMIT') ? reader.wholeNumber() : undefined
  const offset = reader.accept('OFFSET') ? reader.wholeNumber() : 0
  reader.end()
  if (offset > offsetMax) {
    throw new SalesforceRefusal(400, 'NUMBER_OUTSIDE_VALID_RANGE', `Maximum SOQL offset allowed is ${offsetMax}`)
  }
  return { selected, from, where, orders, limit, offset }
}

class Reader {
  readonly #tokens: readonly Token[]
  #position = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get token(): Token {
    return this.#tokens[this.#position]!
  }

  next(): Token {
    const { token } = this
    if (token.kind !== 'end') this.#position++
    return token
  }

  is(...words: readonly string[]): boolean {
    return words.every(
      (word, index) => this.#tokens[this.#position + index]?.text.toUpperCase() === word && !this.#isString(index),
    )
  }

  accept(...words: readonly string[]): boolean {
    if (!this.is(...words)) return false
    this.#position += words.length
    return true
  }

  expect(word: string): void {
    if (!this.accept(word)) throw this.unexpected()
  }

  name(): string {
    if (this.token.kind !== 'name') throw this.unexpected()
    return this.next().text
  }

  wholeNumber(): number {
    if (this.token.kind !== 'number' || !/^\d+$/.test(this.token.text)) throw this.unexpected()
    return Number(this.next().text)
  }

  end(): void {
    if (this.token.kind !== 'end') throw this.unexpected()
  }

  unexpected(): SalesforceRefusal {
    return malformedQuery(`unexpected token: '${this.token.text}' at position ${this.token.at}`)
  }

  #isString(ahead: number): boolean {
    return this.#tokens[this.#position + ahead]?.kind === 'string'
  }
}

function list<T>(reader: Reader, read: (reader: Reader) => T): T[] {
  const items = [read(reader)]
  while (reader.accept(',')) items.push(read(reader))
  return items
}

function readSelected(reader: Reader): Selected {
  const name = reader.name()
  if (!reader.accept('(')) return { kind: 'field', path: name }
  const called = name.toUpperCase()
  if (called === 'FIELDS') {
    const group = reader.name().toUpperCase()
    reader.expect(')')
    if (group === 'ALL' || group === 'STANDARD' || group === 'CUSTOM') return { kind: 'fields', group }
    throw malformedQuery(`FIELDS(${group}) is not known.`)
  }
  if (called !== 'COUNT' && called !== 'MIN' && called !== 'MAX')
    throw malformedQuery(`The function ${name} is not supported here.`)
  const path = reader.is(')') ? undefined : reader.name()
  reader.expect(')')
  if (path === undefined && called !== 'COUNT') throw reader.unexpected()
  const aliased = reader.token.kind === 'name' && !reader.is('FROM')
  return { kind: 'aggregate', name: called, path, alias: aliased ? reader.name() : undefined }
}

function readOrder(reader: Reader): Order {
  const path = reader.name()
  const descending = reader.accept('DESC')
  if (!descending) reader.accept('ASC')
  const nullsLast = reader.accept('NULLS', 'LAST')
  if (!nullsLast) reader.accept('NULLS', 'FIRST')
  return { path, descending, nullsLast }
}

// AND and OR may not be mixed without parentheses: SOQL refuses that, so this does.
function readCondition(reader: Reader, depth: number): Condition {
  if (depth > depthMax) throw malformedQuery(`Conditions may be nested ${depthMax} deep.`)
  const parts = [readTerm(reader, depth)]
  const kind = reader.is('OR') ? 'or' : 'and'
  while (reader.accept(kind.toUpperCase())) parts.push(readTerm(reader, depth))
  if (reader.is('AND') || reader.is('OR')) throw reader.unexpected()
  return parts.length === 1 ? parts[0]! : { kind, parts }
}

function readTerm(reader: Reader, depth: number): Condition {
  if (reader.accept('NOT')) return { kind: 'not', part: readTerm(reader, depth + 1) }
  if (reader.accept('(')) {
    const condition = readCondition(reader, depth + 1)
    reader.expect(')')
    return condition
  }
  const path = reader.name()
  const comparison = readComparison(reader)
  if (comparison !== 'IN' && comparison !== 'NOT IN')
    return { kind: 'compare', path, comparison, values: [readLiteral(reader)] }
  reader.expect('(')
  const values = list(reader, readLiteral)
  reader.expect(')')
  return { kind: 'compare', path, comparison, values }
}

function readComparison(reader: Reader): Comparison {
  if (reader.accept('NOT', 'IN')) return 'NOT IN'
  const token = reader.next()
  const text = token.text.toUpperCase()
  if (text === '<>') return '!='
  if (['=', '!=', '<', '<=', '>', '>=', 'LIKE', 'IN'].includes(text) && token.kind !== 'string')
    return text as Comparison
  throw malformedQuery(`unexpected token: '${token.text}' at position ${token.at}`)
}

function readLiteral(reader: Reader): Literal {
  const { kind, text } = reader.token
  const literal = toLiteral(kind, text)
  if (!literal) throw reader.unexpected()
  reader.next()
  return literal
}

function toLiteral(kind: Token['kind'], text: string): Literal | undefined {
  if (kind === 'string') return { kind, value: text }
  if (kind === 'number') return { kind, value: Number(text) }
  if (kind === 'date') return { kind, value: text }
  if (kind === 'datetime') {
    const instant = parseInstant(text)
    return instant === undefined ? undefined : { kind, value: instant }
  }
  if (kind !== 'name') return undefined
  const word = text.toUpperCase()
  if (word === 'NULL') return { kind: 'null' }
  if (word === 'TRUE' || word === 'FALSE') return { kind: 'boolean', value: word === 'TRUE' }
  return toDays(word)
}

function toDays(word: string): Literal | undefined {
  if (word === 'TODAY') return { kind: 'days', from: 0, to: 1 }
  if (word === 'YESTERDAY') return { kind: 'days', from: -1, to: 0 }
  if (word === 'TOMORROW') return { kind: 'days', from: 1, to: 2 }
  const match = /^(LAST|NEXT)_N_DAYS:(\d+)$/.exec(word)
  if (!match) return undefined
  const days = Number(match[2])
  return match[1] === 'LAST' ? { kind: 'days', from: -days, to: 1 } : { kind: 'days', from: 1, to: days + 1 }
}
