// A text that matches a regular expression of the kind that stands in CHECK constraints: classes, groups, choices,
// repeats, anchors. What it does not understand it gives back as a plain character; the database has the last word.

const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'abcdefghijklmnopqrstuvwxyz',
  alnum: 'abcdefghijklmnopqrstuvwxyz0123456789',
  digit: '0123456789',
  lower: 'abcdefghijklmnopqrstuvwxyz',
  upper: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  xdigit: '0123456789abcdef',
  space: ' ',
  punct: '.-_',
  word: 'abcdefghijklmnopqrstuvwxyz0123456789_',
}
const PRINTABLE = 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.@:/+ #'
/** How often `*` and `+` repeat at most. */
const REPEATS_MAX = 6

/**
 * @example
 * textMatching('^[a-z]{3}-\\d+$', 7) // 'hhh-77'-like, another for each ordinal
 */
export function textMatching(pattern: string, ordinal: number): string {
  let at = 0
  let state = (ordinal + 1) * 2_654_435_761
  /** A small generator, so that the same ordinal always gives the same text. */
  const below = (bound: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 0x9e3779b9) >>> 0
    return bound <= 0 ? 0 : state % bound
  }
  const pick = (from: string): string => from[below(from.length)] ?? ''

  const choice = (): string => {
    const branches = [sequence()]
    while (pattern[at] === '|') {
      at += 1
      branches.push(sequence())
    }
    return branches[below(branches.length)] ?? ''
  }
  const sequence = (): string => {
    let text = ''
    while (at < pattern.length && pattern[at] !== '|' && pattern[at] !== ')') text += repeated()
    return text
  }
  const repeated = (): string => {
    const start = at
    const first = atom()
    const end = at
    const [least, most] = bounds()
    const after = at
    let text = ''
    const count = least + below(Math.min(most, Math.max(least, REPEATS_MAX)) - least + 1)
    for (let made = 0; made < count; made += 1) {
      if (made === 0) {
        text += first
        continue
      }
      at = start
      text += atom()
      at = end
    }
    at = after
    return text
  }
  const bounds = (): [number, number] => {
    const mark = pattern[at]
    let found: [number, number] = [1, 1]
    if (mark === '*') found = [0, REPEATS_MAX]
    else if (mark === '+') found = [1, REPEATS_MAX]
    else if (mark === '?') found = [0, 1]
    else {
      const counted = /^\{(\d+)(,(\d*))?\}/.exec(pattern.slice(at))
      if (counted === null) return found
      at += counted[0].length
      const least = Number(counted[1])
      return [least, counted[2] === undefined ? least : counted[3] === '' ? least + REPEATS_MAX : Number(counted[3])]
    }
    at += 1
    if (pattern[at] === '?') at += 1
    return found
  }
  const atom = (): string => {
    const character = pattern[at] ?? ''
    at += 1
    if (character === '^' || character === '$') return ''
    if (character === '.') return pick(CLASSES['alnum'] as string)
    if (character === '(') {
      const lookAround = /^\?(?:[:=]|<?!|<=)/.exec(pattern.slice(at))?.[0] ?? ''
      at += lookAround.length
      const text = choice()
      if (pattern[at] === ')') at += 1
      return lookAround === '' || lookAround === '?:' ? text : ''
    }
    if (character === '[') return pick(bracket())
    if (character === '\\') return escape()
    return character
  }
  const escape = (): string => {
    const character = pattern[at] ?? ''
    at += 1
    if (character === 'd') return pick(CLASSES['digit'] as string)
    if (character === 'w') return pick(CLASSES['word'] as string)
    if (character === 's') return ' '
    if (character === 'S' || character === 'D' || character === 'W')
      return pick(character === 'S' ? (CLASSES['alnum'] as string) : character === 'D' ? 'abc' : '-')
    if (/[AZmMyYbB]/.test(character)) return ''
    return character
  }
  const bracket = (): string => {
    const negated = pattern[at] === '^'
    if (negated) at += 1
    let members = ''
    for (let first = true; at < pattern.length && (first || pattern[at] !== ']'); first = false) {
      const named = /^\[:(\w+):\]/.exec(pattern.slice(at))
      if (named !== null) {
        members += CLASSES[named[1] as string] ?? ''
        at += named[0].length
        continue
      }
      if (pattern[at] === '\\') {
        const kind = pattern[at + 1] ?? ''
        at += 2
        members += kind === 'd' ? CLASSES['digit'] : kind === 'w' ? CLASSES['word'] : kind === 's' ? ' ' : kind
        continue
      }
      const low = pattern[at] ?? ''
      if (pattern[at + 1] === '-' && pattern[at + 2] !== ']' && pattern[at + 2] !== undefined) {
        const high = pattern[at + 2] as string
        for (let code = low.charCodeAt(0); code <= high.charCodeAt(0); code += 1) members += String.fromCharCode(code)
        at += 3
      } else {
        members += low
        at += 1
      }
    }
    at += 1
    return negated
      ? PRINTABLE.split('')
          .filter((character) => !members.includes(character))
          .join('')
      : members
  }
  return choice()
}
