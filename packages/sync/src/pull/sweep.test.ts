import { describe, expect, it } from 'vitest'
import { afterPage, beginSweep } from './sweep.ts'
import type { StoredPosition } from './sweep.ts'

const at = (second: number, id = ''): { modifiedAt: string; id: string } => ({
  modifiedAt: new Date(Date.parse('2026-01-01T00:00:00Z') + second * 1000).toISOString(),
  id,
})
const msOf = (second: number): number => Date.parse(at(second).modifiedAt)

describe('a sweep', () => {
  it('begins an overlap before the furthest position, and remembers that one when nothing was found', () => {
    const sweep = beginSweep(at(100, '7'), msOf(500), 10_000)
    expect(sweep.at).toEqual(at(90))
    expect(afterPage(sweep, sweep.at, false).stored).toEqual(at(100, '7'))
  })

  it('that is cut off goes on where it was, in another run', () => {
    const first = afterPage(beginSweep(at(100), msOf(500), 10_000), at(95, '3'), true)
    const again = beginSweep(first.stored, msOf(900), 10_000)
    expect(again).toMatchObject({ at: at(95, '3'), resumed: true, startedAt: at(498).modifiedAt })
    expect(first.stored).toMatchObject(at(100))
  })

  it('of many pages counts the next overlap from its start, and never from later', () => {
    const young = afterPage(afterPage(beginSweep(at(100), msOf(200), 10_000), at(150, '1'), true).sweep, at(260), false)
    expect(young.stored).toEqual(at(198))
    const crowd = afterPage(
      afterPage(beginSweep(at(100), msOf(200), 10_000), at(100, '5'), true).sweep,
      at(100, '9'),
      false,
    )
    expect(crowd.stored).toEqual(at(198))
  })

  it('passes a crowd larger than a run, whatever its size, and then leaves it behind', () => {
    const ids = Array.from({ length: 12_000 }, (_, n) => String(n).padStart(5, '0'))
    let stored: StoredPosition = at(100)
    const seen = new Set<string>()
    let pages = 0
    const run = (nowMs: number, pagesMax: number): number => {
      let sweep = beginSweep(stored, nowMs, 10_000)
      for (let page = 0; page < pagesMax; page++) {
        const from =
          sweep.at.modifiedAt < at(100).modifiedAt ? '' : sweep.at.modifiedAt > at(100).modifiedAt ? '~' : sweep.at.id
        const found = ids.filter((id) => id > from).slice(0, 200)
        for (const id of found) seen.add(id)
        pages += 1
        const last = found.at(-1)
        const next = afterPage(sweep, last === undefined ? sweep.at : at(100, last), found.length === 200)
        ;({ stored, sweep } = next)
        if (found.length < 200) return page + 1
      }
      return pagesMax
    }
    expect(run(msOf(101), 50)).toBe(50)
    expect(run(msOf(111), 50)).toBe(11)
    expect(seen.size).toBe(12_000)
    expect(pages).toBe(61)
    // The overlap still reaches the crowd once; the sweep after that does not.
    run(msOf(113), 50)
    run(msOf(123), 50)
    expect(run(msOf(130), 50)).toBe(1)
  })
})
