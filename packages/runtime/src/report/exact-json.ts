// JSON whose numbers keep their value: what a double cannot hold stays the text it was, as pg gives int8 and numeric.

/** The reviver's third argument: https://github.com/tc39/proposal-json-parse-with-source */
interface Source {
  readonly source?: string
}

const reviveExactly = (_key: string, value: unknown, context?: Source): unknown => {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined || String(value) === source) return value
  // 1.50 and 1e2 are exact, though written otherwise.
  return isExact(value, source) ? value : source
}

function isExact(value: number, source: string): boolean {
  if (/[eE]/.test(source)) return false
  const trimmed = source.includes('.') ? source.replace(/0+$/, '').replace(/\.$/, '') : source
  return String(value) === trimmed
}

export function parseExactly(text: string): unknown {
  return JSON.parse(text, reviveExactly)
}
