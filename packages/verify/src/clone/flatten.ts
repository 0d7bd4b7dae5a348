// Parentheses that Postgres writes or leaves out by how a condition was first put together: `((a OR b) OR c)` comes back
// from a copy as `(a OR b OR c)`. They are taken away only where AND or OR is the same inside and outside.

interface Group {
  readonly parts: (string | Group)[]
}

/** @returns the text with such parentheses gone; quotes and the grouping of unlike operators stay as they are */
export function flatten(text: string): string {
  const root: Group = { parts: [''] }
  const open: Group[] = [root]
  let quote = ''
  for (const letter of text) {
    const current = open.at(-1) as Group
    if (quote !== '' || letter === "'" || letter === '"') {
      quote = quote === '' ? letter : letter === quote ? '' : quote
      append(current, letter)
    } else if (letter === '(') {
      const group: Group = { parts: [''] }
      current.parts.push(group, '')
      open.push(group)
    } else if (letter === ')' && open.length > 1) open.pop()
    else append(current, letter)
  }
  return write(root)
}

function append({ parts }: Group, letter: string): void {
  const last = parts.length - 1
  parts[last] = `${parts[last] as string}${letter}`
}

const wordsOf = ({ parts }: Group): Set<string> =>
  new Set(parts.flatMap((part) => (typeof part === 'string' ? (part.match(/\b(?:AND|OR)\b/g) ?? []) : [])))

function write(group: Group): string {
  const outside = wordsOf(group)
  return group.parts
    .map((part, at) => {
      if (typeof part === 'string') return part
      const inside = wordsOf(part)
      const before = group.parts[at - 1] as string
      const isOperand = before === '' || /\b(?:AND|OR)\s$/.test(before)
      const isSame = inside.size === 1 && outside.size === 1 && [...inside][0] === [...outside][0]
      return isOperand && isSame ? write(part) : `(${write(part)})`
    })
    .join('')
}
