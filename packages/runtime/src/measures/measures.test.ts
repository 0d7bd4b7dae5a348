import { describe, expect, it } from 'vitest'

import { CELLS_MAX, Measures, SHAPES_MAX } from './measures.ts'
import type { Cell, Counted } from './measures.ts'
import { OTHERS, Shapes } from './shapes.ts'

interface Told {
  first: number
  full: number
}

const open = (): { measures: Measures; told: Told } => {
  const told = { first: 0, full: 0 }
  return {
    told,
    measures: new Measures(
      () => (told.first += 1),
      () => (told.full += 1),
    ),
  }
}
const cellsOf = ({ own }: Counted): Cell[] => [...own.values()].flatMap((shapes) => [...shapes.values()])

describe('measures', () => {
  it('count calls, errors, time, rows and bytes of each organization and shape, and begin anew when they are taken', () => {
    const { measures, told } = open()
    measures.record('a', "select * from t where id = 'x'", 2, 3, 100, false)
    measures.record('a', "select * from t where id = 'y'", 4, 5, 200, true)
    measures.record('b', 'select 1', 1, 1, 10, false)
    const { own: counted } = measures.take()
    const [a] = [...(counted.get('a')?.values() ?? [])]
    expect(a).toMatchObject({ calls: 2, errors: 1, timeMs: 6, rows: 8, bytes: 300, maxMs: 4 })
    expect(a?.shape.text).toBe('select * from t where id = ?')
    expect([...(a?.buckets ?? [])].reduce((sum, count) => sum + count)).toBe(2)
    expect(counted.get('b')?.size).toBe(1)
    expect(cellsOf(measures.take())).toEqual([])
    measures.record('a', 'select 1', 1, 1, 1, false)
    expect(told).toEqual({ first: 2, full: 0 })
  })

  it('tell what an organization asked from what was asked on its behalf', () => {
    const { measures, told } = open()
    measures.record('a', 'select 1', 1, 1, 1, false, true)
    measures.record('a', 'select 1', 1, 1, 1, false)
    measures.record('a', 'select 1', 1, 1, 1, false)
    const { own, background } = measures.take()
    const calls = [own, background].map((table) => [...(table.get('a')?.values() ?? [])].map((cell) => cell.calls))
    expect(calls).toEqual([[2], [1]])
    expect(told.first).toBe(1)
  })

  it('hold a bounded number of cells under 100,000 distinct statements of one organization, and lose no call', () => {
    const { measures } = open()
    for (let index = 0; index < 100_000; index += 1) measures.record('a', `select c${index} from t`, 0.1, 1, 1, false)
    expect(measures.cells).toBe(SHAPES_MAX + 1)
    expect(measures.texts).toBeLessThanOrEqual(1_000)
    const cells = cellsOf(measures.take())
    expect(cells.reduce((sum, { calls }) => sum + calls, 0)).toBe(100_000)
    expect(measures.dropped).toBe(0)
  })

  it('keep the slow one of 100,000 distinct statements', () => {
    const { measures } = open()
    for (let index = 0; index < 100_000; index += 1) {
      measures.record('a', `select c${index} from t`, 0.1, 1, 1, false)
      if (index % 5_000 === 0) measures.record('a', 'select slow from t', 80, 1, 1, false)
    }
    const slow = cellsOf(measures.take()).find(({ shape }) => shape.text === 'select slow from t')
    expect(slow).toMatchObject({ calls: 20 })
  })

  it('hold a bounded number of cells under 100,000 organizations, say that they are full, and count what they drop', () => {
    const { measures, told } = open()
    for (let index = 0; index < 100_000; index += 1) measures.record(`o${index}`, 'select 1', 1, 1, 1, false)
    expect(measures.cells).toBe(CELLS_MAX)
    expect(measures.dropped).toBe(100_000 - CELLS_MAX)
    expect(told.full).toBe(100_000 - CELLS_MAX)
    measures.take()
    measures.record('o', 'select 1', 1, 1, 1, false)
    expect(measures.cells).toBe(1)
  })

  it('know no text of 2,001 characters for longer than it takes to count it', () => {
    const shapes = new Shapes()
    shapes.of(`select '${'x'.repeat(2_000)}'`)
    expect(shapes.size).toBe(0)
    const [once, again] = [shapes.of('select 1'), shapes.of('select 1')]
    expect(again).toBe(once)
    expect(once.fingerprint).toMatch(/^[0-9a-f]{16}$/)
    expect(once.fingerprint).not.toBe(OTHERS.fingerprint)
  })
})
