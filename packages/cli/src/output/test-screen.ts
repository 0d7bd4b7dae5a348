// A terminal's window for tests: what a person sees after a program wrote its bytes, wrapped lines and all.

/**
 * The lines of the window and of what was scrolled out of it, without blanks at their ends.
 *
 * @throws Error for an escape sequence that it does not know: what a terminal would do with it is not shown either
 */
export function seen(bytes: string, columns: number): string[] {
  const rows: string[][] = [[]]
  let row = 0
  let column = 0
  const newLine = (): void => {
    row += 1
    rows[row] ??= []
  }
  for (let at = 0; at < bytes.length; at += 1) {
    const character = bytes[at] as string
    if (character === '\r') column = 0
    else if (character === '\n') {
      newLine()
      // What a terminal's driver makes of it.
      column = 0
    } else if (bytes.startsWith('\u001B[K', at)) {
      rows[row]?.splice(column)
      at += 2
    } else if (character === '\u001B')
      throw new Error(`An unknown sequence: ${JSON.stringify(bytes.slice(at, at + 8))}`)
    else {
      if (column === columns) {
        newLine()
        column = 0
      }
      const line = rows[row] as string[]
      while (line.length < column) line.push(' ')
      line[column] = character
      column += 1
    }
  }
  return rows.map((line) => line.join('').trimEnd())
}
