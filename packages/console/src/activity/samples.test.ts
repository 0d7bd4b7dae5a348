import { describe, expect, it } from 'vitest'
import { FIXTURE_NOW_MS, activityOf, connectionOf } from '../../dev/fixtures.ts'
import { BIN_MS, SAMPLES_MAX, deliveryTimes, volume, withSample } from './samples.ts'
import type { Sample } from './samples.ts'

const connection = connectionOf(0, 'live')

describe('samples', () => {
  it('keeps one a second, the latest, and a bounded number', () => {
    let samples: readonly Sample[] = []
    samples = withSample(samples, connection, 1000)
    samples = withSample(samples, { ...connection, lagMs: 7 }, 1900)
    expect(samples).toEqual([{ atMs: 1900, lagMs: 7, outboundMs: 212, inboundMs: 640 }])
    expect(withSample(samples, connection, 1000)).toBe(samples)
    for (let second = 2; second < SAMPLES_MAX + 50; second += 1)
      samples = withSample(samples, connection, second * 1000)
    expect([samples.length, samples.at(-1)?.atMs]).toEqual([SAMPLES_MAX, (SAMPLES_MAX + 49) * 1000])
  })

  it('reads delivery times from what was delivered, oldest first', () => {
    const items = [400, 398, 397, 395, 390].map((seq) => activityOf(0, seq, 400))
    const times = deliveryTimes(items, FIXTURE_NOW_MS - 60_000)
    expect(times.map(({ durationMs }) => durationMs)).toEqual([180 + ((395 * 37) % 420), 180 + ((397 * 37) % 420)])
    expect(deliveryTimes(items, FIXTURE_NOW_MS)).toEqual([])
  })

  it('counts changes per bin and shows the empty ones', () => {
    const items = [400, 399, 398, 397].map((seq) => activityOf(0, seq, 400))
    const bins = volume(items, FIXTURE_NOW_MS - 3 * BIN_MS, FIXTURE_NOW_MS)
    expect(bins.map(({ outbound, inbound }) => [outbound, inbound])).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 0],
    ])
  })
})
