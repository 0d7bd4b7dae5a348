// Which reads count as latency: a change, seen for the first time, of a connection that is live.
import type { RemoteRecord } from '@rowhouse/connectors'
import type { ConnectionState } from '@rowhouse/contracts'
import { describe, expect, it } from 'vitest'
import type { MappedObject } from '../mapping/mapping.ts'
import { Latencies } from '../observe/latency.ts'
import type { LaneRun } from '../schedule/lane-run.ts'
import { noteApplied } from './applied.ts'
import { PollMemory } from './poll-memory.ts'

const NOW_MS = Date.parse('2026-01-01T01:00:00Z')
const modifiedAt = '2026-01-01T00:59:58.000Z'
const record: RemoteRecord = { id: '1', fields: {}, references: {}, modifiedAt, createdAt: modifiedAt, deleted: false }
const contact = { object: 'contact' } as MappedObject
const applied = { applied: 1, readAtMs: NOW_MS }

function runIn(state: ConnectionState): LaneRun {
  const run: Partial<LaneRun> = {
    state,
    now: () => NOW_MS,
    observe: () => {},
    latencies: { outbound: new Latencies(), inbound: new Latencies() },
    pollMemory: new PollMemory(),
    scope: { organizationId: 'o', connectionId: 'c' } as LaneRun['scope'],
  }
  return run as LaneRun
}

describe('inbound latency', () => {
  it('is from when the change could be known, once', () => {
    const run = runIn('live')
    noteApplied(run, contact, [record], applied, () => NOW_MS - 70)
    noteApplied(run, contact, [record], applied, () => NOW_MS - 9000)
    expect(run.latencies.inbound.percentiles()).toEqual({ p50: 70, p99: 70 })
  })

  it.each([
    { why: 'the backfill reads', run: runIn('backfilling'), sinceMs: NOW_MS - 70 },
    { why: 'nobody told, and an earlier sweep covered it', run: runIn('live'), sinceMs: null },
    { why: 'nobody worked for long', run: runIn('degraded'), sinceMs: NOW_MS - 3_600_000 },
  ])('is none where $why', ({ run, sinceMs }) => {
    noteApplied(run, contact, [record], applied, () => sinceMs)
    expect(run.latencies.inbound.percentiles()).toBeNull()
  })

  it('is none of our own write coming back', () => {
    const run = runIn('live')
    run.pollMemory.remember('contact', '1', modifiedAt, 0)
    noteApplied(run, contact, [record], applied, () => NOW_MS - 70)
    expect(run.latencies.inbound.percentiles()).toBeNull()
  })
})
