import { describe, expect, it } from 'vitest'
import { formatDuration, formatInterval, formatLag } from './duration.ts'
import { formatBytes, formatCount, percentOf, plural } from './numbers.ts'
import { formatAgo } from './time.ts'

describe('durations', () => {
  it.each([
    [-5, '0 ms'],
    [0, '0 ms'],
    [999.4, '999 ms'],
    [1000, '1 s'],
    [1449, '1.4 s'],
    [9999, '9.9 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [125_000, '2 min 5 s'],
    [3_600_000, '1 h'],
    [11_400_000, '3 h 10 min'],
    [2 * 86_400_000 + 3_600_000, '2 d 1 h'],
  ])('%d is %s', (ms, words) => expect(formatDuration(ms)).toBe(words))

  it('says "in step" for a lag of none', () => {
    expect(formatLag(0)).toBe('in step')
    expect(formatLag(1)).toBe('1 ms')
  })

  it('fits behind "every"', () => {
    expect([200, 1000, 30_000, 60_000, 300_000, 3_600_000, 7_200_000].map(formatInterval)).toEqual([
      'second',
      'second',
      '30 seconds',
      'minute',
      '5 minutes',
      'hour',
      '2 hours',
    ])
  })
})

describe('counts', () => {
  it('groups thousands and agrees in number', () => {
    expect([formatCount(1234567), plural(1, 'record'), plural(0, 'record'), plural(2, 'entry', 'entries')]).toEqual([
      '1,234,567',
      '1 record',
      '0 records',
      '2 entries',
    ])
  })

  it('says bytes in the unit that fits', () => {
    expect([0, 640, 1400, 14_000, 1_400_000, 3e13].map(formatBytes)).toEqual([
      '0 B',
      '640 B',
      '1.4 kB',
      '14 kB',
      '1.4 MB',
      '30 TB',
    ])
  })

  it('never claims to be done early, nor to have not begun', () => {
    expect([
      percentOf(0, 10),
      percentOf(1, 10_000),
      percentOf(9_999, 10_000),
      percentOf(12, 10),
      percentOf(1, 0),
    ]).toEqual([0, 1, 99, 100, 0])
  })
})

describe('instants', () => {
  const nowMs = Date.parse('2026-03-10T12:00:00Z')
  it.each([
    [nowMs + 500, 'now'],
    [nowMs - 1000, 'now'],
    [nowMs - 12_000, '12 s ago'],
    [nowMs - 4500, '4 s ago'],
    [nowMs - 3 * 60_000 - 5000, '3 min ago'],
    [nowMs - 26 * 3_600_000, '1 d ago'],
    [nowMs - 60 * 86_400_000, '9 Jan 2026'],
  ])('%d is %s', (atMs, words) => expect(formatAgo(new Date(atMs).toISOString(), nowMs)).toBe(words))
})
