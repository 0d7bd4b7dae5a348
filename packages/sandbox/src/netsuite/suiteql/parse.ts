// SuiteQL text to a query: the subset that sync needs. Owns the grammar; names are checked when the query
// is compiled. Not there: subqueries, CASE, UNION, HAVING, analytic functions; each is refused.
// https://docs.oracle.com/en/cloud/saas/netsuite/ns-online-help/section_156257770590.html
import { NetsuiteRefusal } from '../errors.ts'
import type { Expression, Order, Query, Selected, Source } from './ast.ts'

const lengthMax = 100_000
const depthMax = 60

export const invalidQuery = (why: string): NetsuiteRefusal =>
  new NetsuiteRefusal(
    400,
    'INVALID_PARAMETER',
    `Invalid search query. Detailed unprocessed description follows. Search error occurred: ${why}`,
  )

interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'symbol' | 'end'
  readonly text: string
}

const pattern =
  /(?<space>\s+|--[^\n]*)|(?<number>\d+(?:\.\d+)?)|'(?<string>(?:[^']|'')*)'|"(?<quoted>[^"]*)"|(?<name>[A-Za-z_][\w$]*)|(?<symbol><=|>=|<>|!=|\|\||[=<>(),.*+\-/])/y

function tokenize(text: string): Token[] {
  if (text.length > lengthMax) throw invalidQuery(`The query is longer than ${lengthMax} characters.`)
  const tokens: Token[] = []
  pattern.lastIndex = 0
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const groups = pattern.exec(text)?.groups
    if (!groups) throw invalidQuery(`Invalid or unsupported search: unexpected character at position ${at}.`)
    if (groups['space'] !== undefined) continue
    if (groups['string'] !== undefined) tokens.push({ kind: 'string', text: groups['string'].replaceAll("''", "'") })
    else if (groups['number'] !== undefined) tokens.push({ kind: 'number', text: groups['number'] })
    else if (groups['symbol'] !== undefined) tokens.push({ kind: 'symbol', text: groups['symbol'] })
    else tokens.push({ kind: 'name', text: (groups['name'] ?? groups['quoted'])! })
  }
  tokens.push({ kind: 'end', text: 'the end' })
  return tokens
}

const reserved = new Set(
  'SELECT FROM WHERE ORDER GROUP BY JOIN LEFT INNER OUTER ON AND OR NOT AS OFFSET FETCH IN IS LIKE BETWEEN HAVING UNION ASC DESC NULLS'.split(
    ' ',
  ),
)

/** Throws INVALID_PARAMETER. */
export function parseQuery(text: string): Query {
  const reader = new Reader(tokenize(text))
  reader.expect('SELECT')
  const distinct = reader.accept('DISTINCT')
  const selected = list(reader, readSelected)
  reader.expect('FROM')
  const sources = readSources(reader)
  const where = reader.accept('WHERE') ? readOr(reader, 0) : undefined
  const groups = reader.accept('GROUP', 'BY') ? list(reader, (inner) => readOr(inner, 0)) : []
  const orders = reader.accept('ORDER', 'BY') ? list(reader, readOrder) : []
  const skip = reader.accept('OFFSET') ? readRows(reader) : 0
  const fetch = reader.accept('FETCH', 'FIRST') || reader.accept('FETCH', 'NEXT') ? readRows(reader) : undefined
  if (fetch !== undefined) reader.expect('ONLY')
  if (reader.token.kind !== 'end') throw reader.unexpected()
  return { distinct, selected, sources, where, groups, orders, skip, fetch }
}

class Reader {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  get token(): Token {
    return this.#tokens[this.#at]!
  }

  next(): Token {
    const { token } = this
    if (token.kind !== 'end') this.#at++
    return token
  }

  accept(...words: readonly string[]): boolean {
    const matches = words.every((word, index) => {
      const token = this.#tokens[this.#at + index]
      return token !== undefined && token.kind !== 'string' && token.text.toUpperCase() === word
    })
    if (matches) this.#at += words.length
    return matches
  }

  expect(word: string): void {
    if (!this.accept(word)) throw this.unexpected()
  }

  name(): string {
    if (this.token.kind !== 'name') throw this.unexpected()
    return this.next().text
  }

  unexpected(): NetsuiteRefusal {
    return invalidQuery(`Invalid or unsupported search: ${this.token.text.slice(0, 40)} is not expected there.`)
  }
}

function list<T>(reader: Reader, read: (reader: Reader) => T): T[] {
  const items = [read(reader)]
  while (reader.accept(',')) items.push(read(reader))
  return items
}

function readRows(reader: Reader): number {
  if (reader.token.kind !== 'number') throw reader.unexpected()
  const count = Number(reader.next().text)
  if (!reader.accept('ROWS')) reader.accept('ROW')
  return count
}

function readSelected(reader: Reader): Selected {
  if (reader.accept('*')) return { expression: undefined, name: '*' }
  const expression = readOr(reader, 0)
  if (expression.kind === 'column' && expression.name === '*') {
    return { expression: undefined, table: expression.table, name: '*' }
  }
  const plain = expression.kind === 'column' ? expression.name.toLowerCase() : ''
  const aliased =
    reader.accept('AS') || (reader.token.kind === 'name' && !reserved.has(reader.token.text.toUpperCase()))
  return { expression, name: aliased ? reader.name().toLowerCase() : plain }
}

function readSources(reader: Reader): Source[] {
  const sources = [readTable(reader, false)]
  for (;;) {
    const outer = reader.accept('LEFT')
    if (outer) reader.accept('OUTER')
    else reader.accept('INNER')
    if (!reader.accept('JOIN')) {
      if (outer) throw reader.unexpected()
      return sources
    }
    const source = readTable(reader, outer)
    reader.expect('ON')
    sources.push({ ...source, on: readOr(reader, 0) })
  }
}

function readTable(reader: Reader, outer: boolean): Source {
  const table = reader.name().toLowerCase()
  reader.accept('AS')
  const aliased = reader.token.kind === 'name' && !reserved.has(reader.token.text.toUpperCase())
  return { table, alias: aliased ? reader.name().toLowerCase() : table, outer }
}

function readOrder(reader: Reader): Order {
  const expression = readOr(reader, 0)
  const descending = reader.accept('DESC')
  if (!descending) reader.accept('ASC')
  const nullsFirst = reader.accept('NULLS', 'FIRST') ? true : reader.accept('NULLS', 'LAST') ? false : undefined
  return { expression, descending, nullsFirst }
}

function readOr(reader: Reader, depth: number): Expression {
  if (depth > depthMax) throw invalidQuery(`Conditions may be nested ${depthMax} deep.`)
  const parts = [readAnd(reader, depth)]
  while (reader.accept('OR')) parts.push(readAnd(reader, depth))
  return parts.length === 1 ? parts[0]! : { kind: 'or', parts }
}

function readAnd(reader: Reader, depth: number): Expression {
  const parts = [readNot(reader, depth)]
  while (reader.accept('AND')) parts.push(readNot(reader, depth))
  return parts.length === 1 ? parts[0]! : { kind: 'and', parts }
}

function readNot(reader: Reader, depth: number): Expression {
  if (reader.accept('NOT')) return { kind: 'not', part: readNot(reader, depth + 1) }
  const part = readSum(reader, depth)
  if (reader.accept('IS')) {
    const negated = reader.accept('NOT')
    reader.expect('NULL')
    return { kind: 'null', part, negated }
  }
  const negated = reader.accept('NOT')
  if (reader.accept('IN')) {
    reader.expect('(')
    const values = list(reader, (inner) => readSum(inner, depth + 1))
    reader.expect(')')
    return { kind: 'in', part, values, negated }
  }
  if (reader.accept('BETWEEN')) {
    const low = readSum(reader, depth)
    reader.expect('AND')
    return { kind: 'between', part, low, high: readSum(reader, depth), negated }
  }
  if (reader.accept('LIKE')) {
    const like: Expression = { kind: 'binary', operator: 'LIKE', left: part, right: readSum(reader, depth) }
    return negated ? { kind: 'not', part: like } : like
  }
  if (negated) throw reader.unexpected()
  for (const operator of ['=', '<>', '!=', '<=', '>=', '<', '>']) {
    if (reader.accept(operator)) return { kind: 'binary', operator, left: part, right: readSum(reader, depth) }
  }
  return part
}

function readSum(reader: Reader, depth: number): Expression {
  return readChain(reader, ['+', '-', '||'], () => readChain(reader, ['*', '/'], () => readValue(reader, depth)))
}

function readChain(reader: Reader, operators: readonly string[], read: () => Expression): Expression {
  let left = read()
  for (;;) {
    const operator = operators.find((candidate) => reader.accept(candidate))
    if (!operator) return left
    left = { kind: 'binary', operator, left, right: read() }
  }
}

function readValue(reader: Reader, depth: number): Expression {
  if (reader.accept('(')) {
    const inner = readOr(reader, depth + 1)
    reader.expect(')')
    return inner
  }
  if (reader.accept('-')) {
    const part = readValue(reader, depth + 1)
    return { kind: 'binary', operator: '-', left: { kind: 'literal', value: 0 }, right: part }
  }
  const token = reader.next()
  if (token.kind === 'string') return { kind: 'literal', value: token.text }
  if (token.kind === 'number') return { kind: 'literal', value: Number(token.text) }
  if (token.kind !== 'name') throw invalidQuery(`Invalid or unsupported search: ${token.text} is not expected there.`)
  if (token.text.toUpperCase() === 'NULL') return { kind: 'literal', value: null }
  if (reader.accept('(')) return readCall(reader, token.text.toUpperCase(), depth)
  if (!reader.accept('.')) return { kind: 'column', table: undefined, name: token.text }
  if (reader.accept('*')) return { kind: 'column', table: token.text.toLowerCase(), name: '*' }
  const name = reader.name()
  if (reader.accept('(')) return readCall(reader, `${token.text}.${name}`.toUpperCase(), depth)
  return { kind: 'column', table: token.text.toLowerCase(), name }
}

function readCall(reader: Reader, name: string, depth: number): Expression {
  if (reader.accept('*')) {
    reader.expect(')')
    return { kind: 'call', name, values: [], star: true }
  }
  if (reader.accept(')')) return { kind: 'call', name, values: [], star: false }
  reader.accept('DISTINCT')
  const values = list(reader, (inner) => readOr(inner, depth + 1))
  reader.expect(')')
  return { kind: 'call', name, values, star: false }
}
