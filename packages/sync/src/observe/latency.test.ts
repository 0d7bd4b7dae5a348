import { describe, expect, it } from 'vitest'
import { backoffMs } from '../schedule/run-unit.ts'
import { Latencies } from './latency.ts'

describe('latencies', () => {
  it('are null before the first, then the percentiles of the last', () => {
    const latencies = new Latencies()
    expect(latencies.percentiles()).toBeNull()
    for (let n = 0; n < 1000; n++) latencies.add(n < 744 ? 1_000_000 : n)
    expect(latencies.percentiles()).toEqual({ p50: 872, p99: 997 })
  })
})

describe('backoff', () => {
  it('doubles its cap up to a minute, with full jitter', () => {
    expect(backoffMs(0, () => 1)).toBe(250)
    expect(backoffMs(3, () => 0.5)).toBe(1000)
    expect(backoffMs(50, () => 1)).toBe(60_000)
    expect(backoffMs(5, () => 0)).toBe(0)
  })
})
