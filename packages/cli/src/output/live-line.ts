// The line at the bottom of a terminal that is written over itself while something goes on. It never wraps: what wraps can no
// longer be written over, and each tick would leave a line behind.

/** Of process.stdout or process.stderr: what a line has to know. */
export interface Terminal {
  readonly isTTY?: boolean
  /** Asked at each line, because windows change. */
  readonly columns?: number
  write(text: string): unknown
}

export interface LiveLine {
  /** Shows this in place of what is shown, cut where the window ends; '' takes it away. */
  show(line: string): void
  /** Writes a line that stays, in place of what is shown. */
  print(line: string): void
  /** Lets what is shown stay, and has the next text begin on a line of its own. */
  leave(): void
  /** Columns that a line may fill. */
  readonly width: number
}

const COLUMNS_UNKNOWN = 80
const ERASE = '\r\u001B[K'
// oxlint-disable-next-line no-control-regex -- They are what is looked for.
const CONTROLS = /[\u0000-\u001F\u007F-\u009F\u2028\u2029]+/g

/** Whether a line can be written over: on a terminal that knows more than TERM=dumb, which shows `\u001B[K` as it is. */
export const isLive = ({ isTTY }: Terminal, { TERM }: NodeJS.ProcessEnv): boolean => isTTY === true && TERM !== 'dumb'

export function makeLiveLine(terminal: Terminal): LiveLine {
  let isOpen = false
  const erase = (): string => (isOpen ? ERASE : '')
  const width = (): number => Math.max(1, (terminal.columns ?? COLUMNS_UNKNOWN) - 1)
  return {
    show(line) {
      const text = cut(oneLine(line), width())
      if (text === '' && !isOpen) return
      terminal.write(`${erase()}${text}`)
      isOpen = text !== ''
    },
    print(line) {
      terminal.write(`${erase()}${oneLine(line)}\n`)
      isOpen = false
    },
    leave() {
      if (isOpen) terminal.write('\n')
      isOpen = false
    },
    get width() {
      return width()
    },
  }
}

/** Messages of a database may hold line ends, and values that move a cursor. */
export const oneLine = (text: string): string => text.replace(CONTROLS, ' ')

function cut(text: string, width: number): string {
  let used = 0
  let kept = ''
  for (const character of text) {
    used += columnsOf(character)
    if (used > width) return kept
    kept += character
  }
  return text
}

/** Two for all that may be wide: a line that is too short harms nothing, one that wraps does. */
const columnsOf = (character: string): number => ((character.codePointAt(0) ?? 0) < 0x11_00 ? 1 : 2)
