// The shape of a statement: its text without what it was asked about. Literals, comments and the case of words go; lists of
// values become one mark, so that `in ($1, $2)` and `in ($1, $2, $3)` are one shape. What might be a value goes as well
// where that is not certain: a shape is kept and shown, and must not hold a row of anybody.
// It reads tokens as Postgres' scanner does (https://www.postgresql.org/docs/current/sql-syntax-lexical.html) and knows no
// grammar.

/** Read of a text; what comes after is not part of its shape. */
const SCANNED_MAX = 10_000
/** Of a shape. */
export const SHAPE_LENGTH_MAX = 500

/** One token: blanks and line comments, what begins a comment or a literal, a parameter, a number, a word, or signs. */
const token =
  /((?:\s|--[^\n\r]*)+)|(\/\*)|(')|(")|(\$(?:[a-z_\u0080-\uFFFF][\w\u0080-\uFFFF]*)?\$)|(\$\d+)|(0[xob][\da-f_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:e[+-]?\d+)?)|([a-z_\u0080-\uFFFF][\w$\u0080-\uFFFF]*)|[^\s\w'"$/.\-\u0080-\uFFFF]+|[\s\S]/iy
/** An identifier that could not be written without its quotes may be anything, so it is not kept. */
const plainIdentifier = /^[A-Za-z_][\w$]{0,62}$/

/** The shape of a text: at most 500 characters, in lower case. */
export function shapeOf(text: string): string {
  const scanned = text.length > SCANNED_MAX ? text.slice(0, SCANNED_MAX) : text
  let shape = ''
  let at = 0
  while (at < scanned.length) {
    token.lastIndex = at
    const found = token.exec(scanned) as RegExpExecArray
    const [piece, blank, comment, string, identifier, dollarQuote, parameter, number, word] = found
    at += piece.length
    if (word !== undefined) {
      const next = scanned[at]
      if (next === "'" && /^[ebxn]$/i.test(word)) {
        at = endOfQuoted(scanned, at, "'", /^e$/i.test(word))
        shape += '?'
      } else if (next === '&' && /^u$/i.test(word) && /["']/.test(scanned[at + 1] ?? '')) {
        at = endOfQuoted(scanned, at + 1, scanned[at + 1] as string, false)
        shape += '?'
      } else {
        shape += word.toLowerCase()
      }
    } else if (blank !== undefined) {
      shape += ' '
    } else if (number !== undefined) {
      shape += '?'
    } else if (comment !== undefined) {
      at = endOfComment(scanned, at - 2)
      shape += ' '
    } else if (string !== undefined) {
      at = endOfQuoted(scanned, at - 1, "'", false)
      shape += '?'
      // Where standard_conforming_strings is off the literal goes on, and nobody here knows whether it is.
      if (scanned[at - 2] === '\\') {
        shape += '…'
        break
      }
    } else if (identifier !== undefined) {
      const start = at
      at = endOfQuoted(scanned, at - 1, '"', false)
      const name = scanned.slice(start, at - 1)
      shape += plainIdentifier.test(name) ? `"${name}"` : '"?"'
    } else if (dollarQuote !== undefined) {
      const end = scanned.indexOf(dollarQuote, at)
      at = end < 0 ? scanned.length : end + dollarQuote.length
      shape += '?'
    } else {
      shape += parameter ?? piece
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
