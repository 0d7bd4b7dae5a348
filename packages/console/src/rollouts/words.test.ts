import { expect, it } from 'vitest'
import { formatVersion, leftMs } from './words.ts'

it('reads a version as the moment that it is', () => {
  expect(formatVersion('20260131120000')).toBe('2026-01-31 12:00:00 UTC')
  expect(['one', '10000101000001'].map(formatVersion)).toEqual(['one', '10000101000001'])
})

it.each([
  ['nothing was seen before', null, { atMs: 10, done: 5 }, null],
  ['no home was done since', { atMs: 0, done: 5 }, { atMs: 10, done: 5 }, null],
  ['homes were done since', { atMs: 1000, done: 10 }, { atMs: 3000, done: 30 }, 5000],
])('reckons what is left: %s', (_, first, now, expected) => {
  expect(leftMs(first, now, 50)).toBe(expected)
})
