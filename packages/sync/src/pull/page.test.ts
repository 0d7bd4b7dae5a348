// Pages that are larger than is read at once, over real HTTP.
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Answer, ConnectorHttp } from '@rowhouse/connectors'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EngineHttp, tooLarge } from '../http/http.ts'
import type { LaneRun } from '../schedule/lane-run.ts'
import { askPage } from './page.ts'
import { PollMemory } from './poll-memory.ts'

const RECORD_BYTES = 1000
let server: Server
let http: EngineHttp
beforeAll(async () => {
  // As many records as are asked for.
  server = createServer((request, response) => {
    const size = Number(new URL(request.url ?? '', 'http://x').searchParams.get('limit'))
    response.end(JSON.stringify({ records: Array.from({ length: size }, () => 'x'.repeat(RECORD_BYTES)) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  http = new EngineHttp({
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tokenUrl: null,
    accessToken: () => '',
    budgets: [],
    take: () => Promise.resolve({ granted: true }),
    timeoutMs: 5000,
    leftMs: null,
    budgetWaitMs: 0,
    wait: () => Promise.resolve(),
    now: Date.now,
    onAnswer: () => {},
    observe: () => {},
    bodyBytesMax: 20 * RECORD_BYTES,
  })
})
afterAll(() => void server.close())

const page = async (through: ConnectorHttp, size: number): Promise<Answer<number>> => {
  const { status, body } = await through.request({ method: 'GET', path: `/?limit=${size}` })
  if (status !== 200) return { ok: false, failure: { action: 'retry', reason: 'none', afterMs: null, scope: 'call' } }
  return { ok: true, value: (body as { records: unknown[] }).records.length }
}

const runWith = (pollMemory: PollMemory): LaneRun => ({ http, pollMemory }) as unknown as LaneRun

describe('pages that are too large', () => {
  it('are asked for in smaller ones, and the size is remembered', async () => {
    const memory = new PollMemory()
    const asked: number[] = []
    const ask = (size: number): Promise<Answer<number>> => {
      asked.push(size)
      return page(http, size)
    }
    expect(await askPage(runWith(memory), 'contact', 100, ask)).toEqual({ ok: true, value: 6 })
    expect(await askPage(runWith(memory), 'contact', 100, ask)).toEqual({ ok: true, value: 6 })
    expect(asked).toEqual([100, 25, 6, 6])
  })

  it('of one record are a failure, and no end without one', async () => {
    const ask = (): Promise<Answer<number>> => page(http, 100)
    expect(await askPage(runWith(new PollMemory()), 'contact', 100, ask)).toMatchObject({
      ok: false,
      failure: { action: 'retry', reason: expect.stringContaining('One record') as string },
    })
  })

  it('are no answer to a write: it may have been done', async () => {
    expect(await http.request({ method: 'POST', path: '/?limit=100', json: {} })).toMatchObject({ status: 0 })
    expect(await http.inParts(() => page(http, 100))).toBe(tooLarge)
  })
})
