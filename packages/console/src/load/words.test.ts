import { expect, it } from 'vitest'
import { usageOf } from '../../dev/measures.ts'
import { headlineOf } from './words.ts'

it('names who takes most of the time, and nobody where nobody does', () => {
  const { total, items } = usageOf(5)
  const [first, second] = items
  if (first === undefined || second === undefined) throw new Error('the fixture has two')
  expect(headlineOf(total, items, 'the last hour')).toMatch(
    /^12 organizations took .+ of statements in the last hour, Acme Freight most of it\.$/,
  )
  expect(headlineOf(total, [{ ...first, timeMs: total.timeMs / 2 }], 'the last hour')).not.toContain('most of it')
  expect(headlineOf({ ...total, organizations: 1 }, [first], 'the last hour')).toMatch(/^1 organization took/)
  expect(headlineOf(total, [], 'the last 5 minutes')).toBe('No organization asked anything in the last 5 minutes.')
})
