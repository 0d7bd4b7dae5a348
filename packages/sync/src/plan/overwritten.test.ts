import { describe, expect, it } from 'vitest'
import { findDestroyed, findOverwritten } from './overwritten.ts'

const at = (second: number): string => `2026-01-01T00:00:0${second}.000Z`
const versions = (...values: readonly (readonly [value: string | null, second: number])[]) =>
  values.map(([value, second]) => ({ value, at: at(second) }))
const found = (...values: readonly (readonly [value: string | null, second: number])[]) =>
  findOverwritten({ a: 'ours' }, at(1), { a: versions(...values) })

describe('what our write went over', () => {
  it('is the value before it that nobody here had seen', () => {
    expect(found(['ours', 3], ['theirs', 2], ['agreed', 1])).toEqual([
      { field: 'a', base: 'agreed', local: 'ours', remote: 'theirs', winner: 'local' },
    ])
  })

  it('may have been cleared, and may be followed by what came after ours', () => {
    expect(found(['later', 4], ['ours', 3], [null, 2], ['agreed', 1])).toMatchObject([{ remote: null }])
  })

  it('is not hidden by a person who enters our value as well, before or after', () => {
    expect(found(['ours', 5], ['later', 4], ['ours', 3], ['theirs', 2], ['agreed', 1])).toMatchObject([
      { remote: 'later' },
      { remote: 'theirs' },
    ])
    expect(found(['ours', 4], ['theirs', 3], ['ours', 2], ['agreed', 1])).toMatchObject([{ remote: 'theirs' }])
  })

  it.each([
    { why: 'it was seen', values: [['ours', 3] as const, ['agreed', 1] as const, ['older', 0] as const] },
    {
      why: 'it was set back',
      values: [['ours', 4] as const, ['agreed', 3] as const, ['x', 2] as const, ['agreed', 1] as const],
    },
    { why: 'it was ours too', values: [['ours', 3] as const, ['ours', 2] as const, ['agreed', 1] as const] },
    { why: 'ours never came', values: [['theirs', 2] as const, ['agreed', 1] as const] },
    { why: 'ours is from before', values: [['ours', 1] as const, ['older', 0] as const] },
    { why: 'nothing is known', values: [] },
  ])('is nothing where $why', ({ values }) => {
    expect(found(...values)).toEqual([])
  })
})

describe('what our delete took along', () => {
  const destroyed = (...values: readonly (readonly [value: string | null, second: number])[]) =>
    findDestroyed(['a', 'unknown'], at(1), { a: versions(...values) })

  it('is the last value, if nobody here had seen it', () => {
    expect(destroyed(['last', 3], ['theirs', 2], ['agreed', 1])).toEqual([
      { field: 'a', base: 'agreed', local: null, remote: 'last', winner: 'local' },
    ])
  })

  it('is nothing where it was seen, or set back', () => {
    expect(destroyed(['agreed', 1])).toEqual([])
    expect(destroyed(['agreed', 3], ['theirs', 2], ['agreed', 1])).toEqual([])
  })
})
