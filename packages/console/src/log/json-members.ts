// The members of a JSON object as they are written. A program's numbers would round what the log keeps digit by digit, so
// values are cut out of the text and never parsed, but for strings. Pure.

/** Last of a name wins, as in Postgres. Empty for what is no object. */
export function membersOf(json: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>()
  if (!json.trimStart().startsWith('{')) return members
  let depth = 0
  let start = -1
  let name: string | null = null
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at] as string
    if (character === '"') {
      const end = endOfString(json, at)
      if (depth === 1 && name === null) {
        name = JSON.parse(json.slice(at, end)) as string
        at = json.indexOf(':', end)
        if (at < 0) break
        start = at + 1
      } else at = end - 1
      continue
    }
    if (depth === 1 && name !== null && (character === ',' || character === '}')) {
      members.set(name, json.slice(start, at).trim())
      name = null
    }
    if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
  }
  return members
}

/** @returns where the string that begins at `from` has ended */
function endOfString(json: string, from: number): number {
  let at = from + 1
  while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}

/** A member as a person reads it: text without quotes, null for none, everything else as it is written. */
export function valueOf(written: string | undefined): string | null {
  if (written === undefined || written === 'null') return null
  return written.startsWith('"') ? (JSON.parse(written) as string) : written
}
