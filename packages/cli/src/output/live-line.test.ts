import { describe, expect, it } from 'vitest'
import { renderBar } from './bar.ts'
import { isLive, makeLiveLine } from './live-line.ts'
import { seen } from './test-screen.ts'

function open(columns: number) {
  let text = ''
  const terminal = { isTTY: true, columns, write: (part: string) => (text += part) }
  return { terminal, live: makeLiveLine(terminal), screen: () => seen(text, terminal.columns) }
}

describe('a line that is written over', () => {
  it.each([80, 40, 12])('is one line of %i columns, however long its text', (columns) => {
    const { live, screen } = open(columns)
    live.show('a'.repeat(200))
    live.show(`b${'é'.repeat(200)}`)
    expect(screen()).toEqual([`b${'é'.repeat(columns - 2)}`])
    live.print('stays')
    live.show('over')
    live.leave()
    expect(screen()).toEqual(['stays', 'over', ''])
  })

  it('would leave lines behind if it were not cut', () => {
    const text = 'c'.repeat(100)
    expect(seen(`${text}\r\u001B[K${text}`, 40)).toHaveLength(5)
  })

  it('follows a window that gets narrower', () => {
    const { live, screen, terminal } = open(80)
    live.show('short')
    terminal.columns = 20
    live.show('d'.repeat(50))
    expect(screen()).toEqual(['d'.repeat(19)])
  })

  it('counts what may be wide as two columns, and lets nothing in it move the cursor', () => {
    const { live, screen } = open(21)
    live.show('東'.repeat(30))
    expect(screen()).toEqual(['東'.repeat(10)])
    live.show('a\nb\r\u001B[2Jc\u009Bd')
    expect(screen()).toEqual(['a b [2Jc d'])
  })

  it('leaves nothing where it is taken away, and writes nothing where there was none', () => {
    const { live, screen } = open(40)
    live.show('')
    live.leave()
    expect(screen()).toEqual([''])
    live.show('gone')
    live.show('')
    expect(screen()).toEqual([''])
  })

  it.each([
    ['a terminal', { isTTY: true }, {}, true],
    ['a terminal without colours', { isTTY: true }, { NO_COLOR: '1' }, true],
    ['a terminal that cannot', { isTTY: true }, { TERM: 'dumb' }, false],
    ['a pipe', {}, { TERM: 'xterm' }, false],
  ])('is for %s: %o %o %s', (_, stream, environment, is) => {
    expect(isLive({ ...stream, write: () => true }, environment)).toBe(is)
  })
})

describe('a bar', () => {
  const texts = ['430/1000 homes, 2 failed, 120.5/s, 12 s left', '430/1000 homes, 2 failed']

  it.each([
    [100, `  [${'#'.repeat(13)}${'.'.repeat(17)}] 43 %  430/1000 homes, 2 failed, 120.5/s, 12 s left`],
    [79, `  [${'#'.repeat(10)}${'.'.repeat(14)}] 43 %  430/1000 homes, 2 failed, 120.5/s, 12 s left`],
    [60, `  [${'#'.repeat(11)}${'.'.repeat(14)}] 43 %  430/1000 homes, 2 failed`],
    [39, '  43 %  430/1000 homes, 2 failed'],
  ])('says what fits into %i columns', (width, line) => {
    expect(renderBar(0.43, texts, width)).toBe(line)
    expect(line.length).toBeLessThanOrEqual(width)
  })
})
