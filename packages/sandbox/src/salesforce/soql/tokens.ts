// SOQL text to tokens. Owns the lexical rules (strings, numbers, dates, names); must not know grammar.
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
import { malformedQuery } from '../errors.ts'

export interface Token {
  readonly kind: 'name' | 'string' | 'number' | 'date' | 'datetime' | 'symbol' | 'end'
  readonly text: string
  readonly at: number
}

/** A query may be this long. */
const queryLengthMax = 100_000

const patterns: readonly (readonly [Token['kind'] | 'space', RegExp])[] = [
  ['space', /\s+/y],
  ['datetime', /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)/iy],
  ['date', /\d{4}-\d\d-\d\d/y],
  ['number', /[+-]?\d+(?:\.\d+)?/y],
  ['name', /[A-Za-z_][\w.]*(?::\d+)?/y],
  ['string', /'(?:[^'\\]|\\.)*'/sy],
  ['symbol', /<=|>=|!=|<>|[=<>(),]/y],
]

export function tokenize(soql: string): Token[] {
  if (soql.length > queryLengthMax)
    throw malformedQuery(`SOQL statements cannot be longer than ${queryLengthMax} characters.`)
  const tokens: Token[] = []
  let at = 0
  while (at < soql.length) {
    const [kind, text] = nextMatch(soql, at)
    if (kind !== 'space') tokens.push({ kind, text: kind === 'string' ? unescape(text) : text, at })
    at += text.length
  }
  tokens.push({ kind: 'end', text: '<EOF>', at })
  return tokens
}

function nextMatch(soql: string, at: number): [Token['kind'] | 'space', string] {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at
    const match = pattern.exec(soql)
    if (match) return [kind, match[0]]
  }
  throw malformedQuery(`unexpected token: '${soql.slice(at, at + 1)}' at position ${at}`)
}

// \% and \_ keep their backslash: only LIKE gives them a meaning.
function unescape(text: string): string {
  const plain: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', "'": "'", '"': '"', '\\': '\\' }
  return text.slice(1, -1).replace(/\\(.)/gs, (whole, character: string) => {
    const value = plain[character]
    if (value !== undefined) return value
    if (character === '%' || character === '_') return whole
    throw malformedQuery(`Illegal string escape sequence: '${whole}'`)
  })
}
