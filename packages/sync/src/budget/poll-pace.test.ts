// A day of polling, by an injected clock: how many calls the real connector makes of a provider's day.
import { connectors } from '@rowhouse/connectors'
import type { Connector, ConnectorHttp, PollRound } from '@rowhouse/connectors'
import { describe, expect, it } from 'vitest'
import { callsPerRound, pollIntervalMs } from './poll-pace.ts'

const DAY_MS = 86_400_000
const objects = ['company', 'contact']

/** A Salesforce where nothing happens, and that tells its limit with every answer. */
function quiet(limit: number, now: () => number): ConnectorHttp & { calls: number } {
  const http = {
    calls: 0,
    request(request: Parameters<ConnectorHttp['request']>[0]) {
      http.calls += 1
      const asked = (request.json as { compositeRequest: readonly unknown[] }).compositeRequest
      const entry = { httpStatusCode: 200, httpHeaders: {}, body: { done: true, totalSize: 0, records: [] } }
      return Promise.resolve({
        status: 200,
        headers: { date: new Date(now()).toUTCString(), 'sforce-limit-info': `api-usage=${http.calls}/${limit}` },
        body: { compositeResponse: asked.map(() => entry) },
      })
    },
  }
  return http
}

describe('a day of polling Salesforce', () => {
  it.each([
    { limit: 115_000, intervalMsMax: 10_000 },
    { limit: 15_000, intervalMsMax: 60_000 },
  ])('takes at most a tenth of $limit calls, as often as that allows', async ({ limit, intervalMsMax }) => {
    const connector = connectors.get('salesforce') as Connector
    const { pollAll } = connector
    if (pollAll === undefined) throw new Error('Salesforce is polled in rounds.')
    const { budgets } = connector.describe()
    let nowMs = Date.parse('2026-03-01T00:00:00Z')
    const endMs = nowMs + DAY_MS
    const http = quiet(limit, () => nowMs)
    const position = { modifiedAt: new Date(nowMs).toISOString(), id: '' }
    const cursor = Buffer.from(JSON.stringify({ ...position, askedAt: position.modifiedAt })).toString('base64url')
    const round: PollRound = {
      modified: objects.map((object) => ({
        selection: { object, fields: [], references: [] },
        position,
        pageSize: 2000,
      })),
      deleted: objects.map((object) => ({ object, cursor })),
    }
    let learned: Record<string, number> = {}
    let intervalMs = 0
    while (nowMs < endMs) {
      const before = http.calls
      const answer = await pollAll.read(http, round)
      expect(answer.ok).toBe(true)
      expect(http.calls - before).toBe(1)
      const headers = { 'sforce-limit-info': `api-usage=${http.calls}/${limit}` }
      learned = Object.fromEntries(
        connector.usage({ status: 200, headers, body: null }).map((usage) => [usage.budget, usage.limit]),
      )
      intervalMs = pollIntervalMs(
        budgets,
        { callsPerDay: learned, connections: 1 },
        callsPerRound(connector, objects.length),
        1000,
      )
      nowMs += intervalMs
    }
    expect(http.calls).toBeLessThanOrEqual(limit / 10)
    expect(http.calls).toBeGreaterThan(limit / 10 - 2)
    expect(intervalMs).toBeLessThanOrEqual(intervalMsMax)
  })

  it('is shared by the connections to one account, and careful before the limit is known', () => {
    const connector = connectors.get('salesforce') as Connector
    const { budgets } = connector.describe()
    expect(pollIntervalMs(budgets, null, 1, 1000)).toBe(57_600)
    expect(pollIntervalMs(budgets, { callsPerDay: { default: 115_000 }, connections: 3 }, 1, 1000)).toBe(22_540)
  })
})
