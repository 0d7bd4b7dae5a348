// What came over the wire, as values: bytes to text to JSON, and nothing silently changed on the way. Numbers keep their
// digits, see `parseJson`; bytes that are no UTF-8 become halves of surrogate pairs, which no
// database takes as text, so that a record with such a value is refused by itself instead of being stored altered.
import { parseJson } from './reading.ts'

/** Text bodies are for messages to people; a page is cut here. */
export const textLengthMax = 64 * 1024

/** JSON where it is JSON, else the text, at most `textLengthMax` of it; null when empty. */
export function readBody(bytes: Uint8Array): unknown {
  const text = readText(bytes)
  if (text === '') return null
  return parseJson(text) ?? text.slice(0, textLengthMax)
}

/**
 * The text of UTF-8. A byte that belongs to no character becomes U+DC00 plus the byte, one for one.
 *
 * @example readText(Buffer.from([0x41, 0xff])) // 'A\udcff'
 */
export function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    return withHalves(bytes)
  }
}

const strict = (bytes: Uint8Array): string | null => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

function withHalves(bytes: Uint8Array): string {
  const parts: string[] = []
  let from = 0
  for (let at = 0; at < bytes.length;) {
    const length = lengthOf(bytes[at]!)
    const isWhole = length > 0 && strict(bytes.subarray(at, at + length)) !== null
    if (isWhole) {
      at += length
      continue
    }
    parts.push(strict(bytes.subarray(from, at)) ?? '', String.fromCharCode(0xdc00 + bytes[at]!))
    at += 1
    from = at
  }
  parts.push(strict(bytes.subarray(from)) ?? '')
  return parts.join('')
}

/** Bytes of the character that begins with this one; 0: none does. */
function lengthOf(first: number): number {
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
}

/** The whole number of a text in JSON, in all its digits. */
export function exactNumber(text: string): unknown {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : (JSON as RawJson).rawJSON(text)
}

type RawJson = typeof JSON & { rawJSON(text: string): unknown }

/** Names in lower case, one value each. Cookies are kept apart, because a comma may stand in one. */
export function flatHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      if (value === undefined) return []
      const lower = name.toLowerCase()
      return [[lower, Array.isArray(value) ? value.join(lower === 'set-cookie' ? '\n' : ', ') : value]]
    }),
  )
}
