import { expect, it } from 'vitest'

import { BUCKETS, boundMs, bucketOf } from './histogram.ts'

it('puts each duration into the first bucket whose bound is not below it', () => {
  for (let bucket = 0; bucket < BUCKETS - 1; bucket += 1) {
    const bound = boundMs(bucket)
    expect(bucketOf(bound * 0.999)).toBe(bucket)
    expect(bucketOf(bound * 1.001)).toBe(bucket + 1)
  }
})

it('has a place for everything: nothing, a clock that went back, what is no number, an hour', () => {
  expect([0, -1, Number.NaN, 3_600_000].map(bucketOf)).toEqual([0, 0, 0, BUCKETS - 1])
  expect(boundMs(BUCKETS - 1)).toBe(Number.POSITIVE_INFINITY)
})
