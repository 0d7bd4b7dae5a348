// The shape of a statement: its text without what it was asked about. Literals, comments and the case of words go; lists of
// values become one mark, so that `in ($1, $2)` and `in ($1, $2, $3)` are one shape. What might be a value goes as well
// where that is not certain: a shape is kept and shown, and must not hold a row of anybody.
// It reads tokens as Postgres' scanner does (https://www.postgresql.org/docs/current/sql-syntax-lexical.html) and knows no
// grammar.

/** Read of a text; what comes after is not part of its shape. */
const SCANNED_MAX = 10_000
/** Of a shape. */
export const SHAPE_LENGTH_MAX = 500

const blank = /(?:\s|--[^\n\r]*)+/y
const dollarQuote = /\$(?:[A-Za-z_\u0080-\uFFFF][\w\u0080-\uFFFF]*)?\$/y
const parameter = /\$\d+/y
const number = /(?:0[xob][\da-f_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:e[+-]?\d+)?)/iy
const word = /[A-Za-z_\u0080-\uFFFF][\w$\u0080-\uFFFF]*/y
/** An identifier that could not be written without its quotes may be anything, so it is not kept. */
const plainIdentifier = /^[A-Za-z_][\w$]{0,62}$/

/** The shape of a text: at most 500 characters, in lower case. */
export function shapeOf(text: string): string {
  const scanned = text.length > SCANNED_MAX ? text.slice(0, SCANNED_MAX) : text
  let shape = ''
  let at = 0
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    return pattern.exec(scanned)?.[0] ?? null
  }
  const put = (piece: string): void => {
    shape += piece
  }
  while (at < scanned.length) {
    const char = scanned[at] as string
    const blanks = take(blank)
    if (blanks !== null) {
      at += blanks.length
      put(' ')
    } else if (scanned.startsWith('/*', at)) {
      at = endOfComment(scanned, at)
      put(' ')
    } else if (char === "'") {
      const end = endOfQuoted(scanned, at, "'", false)
      put('?')
      // Where standard_conforming_strings is off the literal goes on, and nobody here knows whether it is.
      if (scanned[end - 2] === '\\') {
        put('…')
        break
      }
      at = end
    } else if (char === '"') {
      const end = endOfQuoted(scanned, at, '"', false)
      const name = scanned.slice(at + 1, end - 1)
      put(plainIdentifier.test(name) ? `"${name}"` : '"?"')
      at = end
    } else if (char === '$') {
      const quote = take(dollarQuote)
      const end = quote === null ? -1 : scanned.indexOf(quote, at + quote.length)
      const placeholder = quote === null ? take(parameter) : null
      if (quote !== null) {
        at = end < 0 ? scanned.length : end + quote.length
        put('?')
      } else {
        at += placeholder?.length ?? 1
        put(placeholder ?? '$')
      }
    } else {
      const found = take(number)
      const name = found === null ? take(word) : null
      const next = name === null ? '' : scanned[at + name.length]
      if (found !== null) {
        at += found.length
        put('?')
      } else if (name !== null && next === "'" && /^(?:e|b|x|n)$/i.test(name)) {
        at = endOfQuoted(scanned, at + 1, "'", /^e$/i.test(name))
        put('?')
      } else if (name !== null && /^u$/i.test(name) && /^&['"]/.test(scanned.slice(at + 1, at + 3))) {
        at = endOfQuoted(scanned, at + 2, scanned[at + 2] as string, false)
        put('?')
      } else {
        at += name?.length ?? 1
        put(name === null ? char : name.toLowerCase())
      }
    }
  }
  return tidy(shape, text.length > SCANNED_MAX)
}

const value = String.raw`[+-]?(?:\?|\$\d+)(?:::\w+)?`
const values = new RegExp(`${value}(?:, ${value})+`, 'g')
/** What is left of a list that went on after what is read. */
const cutList = new RegExp(String.raw`[\s,(]*(?:…|${value})?[\s,]*$`)
const tuples = new RegExp(String.raw`(\((?:…|${value})\))(?:, \((?:…|${value})\))+`, 'g')

/** Values in a row, and rows of them, however many: what differs between them is how much was asked. */
function tidy(shape: string, isCut: boolean): string {
  const tidied = shape
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?, ?/g, ', ')
    .replaceAll('( ', '(')
    .replaceAll(' )', ')')
    .replaceAll(values, '…')
    .replaceAll(tuples, '$1')
    .trim()
  const joined = isCut ? `${tidied.replace(cutList, '')}…` : tidied
  // Half a character is no text, and no database takes it.
  return (joined.length <= SHAPE_LENGTH_MAX ? joined : `${joined.slice(0, SHAPE_LENGTH_MAX - 1)}…`).toWellFormed()
}

/** Comments nest in Postgres. */
function endOfComment(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at += 1) {
    if (text.startsWith('/*', at)) {
      depth += 1
      at += 1
    } else if (text.startsWith('*/', at)) {
      depth -= 1
      at += 1
      if (depth === 0) return at + 1
    }
  }
  return text.length
}

/** Past the closing quote; a doubled one is part of what is quoted, and so is an escaped one where escapes are read. */
function endOfQuoted(text: string, start: number, quote: string, escapes: boolean): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (escapes && text[at] === '\\') at += 1
    else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1
      at += 1
    }
  }
  return text.length + 1
}
