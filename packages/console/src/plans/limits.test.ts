import { organizationLimits } from '@rowhouse/contracts'
import { expect, it } from 'vitest'
import { boundsOf, changesOf, formatLimit, limitNames, readLimits, textsOf } from './limits.ts'
import type { Limits } from './limits.ts'

const none = textsOf(Object.fromEntries(limitNames.map((name) => [name, null])) as Limits)

it('has words for every limit of the contracts', () => {
  expect([...limitNames].sort()).toEqual(Object.keys(organizationLimits.shape.own.shape).sort())
})

it.each([
  ['', null],
  [' 20 ', 20],
  ['2,000,000,000', 2_000_000_000],
  ['30 000', 30_000],
])('reads %j as %j', (text, limit) => {
  const { limits, problems } = readLimits({ ...none, concurrencyMax: text })
  expect([limits.concurrencyMax, problems]).toEqual([limit, {}])
})

it.each(['0', '-1', '1.5', '1e3', 'none', '2000000001', '1,0', '१'])('names what is wrong with %j', (text) => {
  const { problems } = readLimits({ ...none, statementTimeoutMs: text })
  expect(Object.keys(problems)).toEqual(['statementTimeoutMs'])
})

it('says limits exactly, and sends only those that are others', () => {
  expect([1500, 30_000, 90_000, 90_500, 3_600_000, 5_400_000].map((ms) => formatLimit('idleTimeoutMs', ms))).toEqual([
    '1,500 ms',
    '30 s',
    '1 min 30 s',
    '90,500 ms',
    '1 h',
    '5,400,000 ms',
  ])
  const { limits } = readLimits({ ...none, concurrencyMax: '1', statementTimeoutMs: '30000' })
  expect(boundsOf(limits)).toBe('1 transaction at a time · statements up to 30 s')
  expect(boundsOf(readLimits(none).limits)).toBe('Nothing is bounded')
  expect(changesOf(limits, { ...limits, concurrencyMax: null, connectionsMax: 4 })).toEqual({
    concurrencyMax: null,
    connectionsMax: 4,
  })
})
