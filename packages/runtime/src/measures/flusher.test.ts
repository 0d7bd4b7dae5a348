import { RowhouseError } from '@rowhouse/contracts'
import { describe, expect, it, vi } from 'vitest'

import { Flusher } from './flusher.ts'

interface Sent {
  readonly sequence: number
  readonly ageMs: number
  readonly cells: readonly { readonly o: string; readonly c: number }[]
}

function open(answer: (batch: Sent) => Promise<void>, flushMs = 60_000): { flusher: Flusher; sent: Sent[] } {
  const sent: Sent[] = []
  const send = (_process: string, text: string): Promise<void> => {
    const batch = JSON.parse(text) as Sent
    sent.push(batch)
    return answer(batch)
  }
  return { flusher: new Flusher({ flushMs, send, sendNow: send }), sent }
}
const record = (flusher: Flusher, organization = 'a'): void =>
  flusher.measures.record(organization, 'select 1', 1, 1, 1, false)
const unreachable = new RowhouseError('database_unreachable')

describe('a flusher', () => {
  it('sends nothing where nothing was counted, and by itself what was', async () => {
    const { flusher, sent } = open(() => Promise.resolve(), 5)
    await flusher.flush()
    expect(sent).toEqual([])
    record(flusher)
    record(flusher)
    await vi.waitFor(() => expect(sent).toHaveLength(1), { timeout: 60_000 })
    expect(sent[0]).toMatchObject({ sequence: 1, cells: [{ o: 'a', c: 2 }] })
  })

  it('sends again what did not arrive, in order and under its number', async () => {
    let isAway = true
    const { flusher, sent } = open(() => (isAway ? Promise.reject(unreachable) : Promise.resolve()))
    record(flusher)
    await flusher.flush()
    record(flusher, 'b')
    isAway = false
    await flusher.flush()
    await flusher.flush()
    expect(sent.map(({ sequence, cells }) => [sequence, cells[0]?.o])).toEqual([
      [1, 'a'],
      [1, 'a'],
      [2, 'b'],
    ])
    expect(flusher.failures).toBe(1)
    await flusher.close(10)
  })

  it('lets the oldest of too many go', async () => {
    let isAway = true
    const { flusher, sent } = open(() => (isAway ? Promise.reject(unreachable) : Promise.resolve()))
    for (let flush = 0; flush < 20; flush += 1) {
      record(flusher)
      await flusher.flush()
    }
    sent.length = 0
    isAway = false
    await flusher.flush()
    expect(sent.map(({ sequence }) => sequence)).toEqual([16, 17, 18, 19, 20])
    await flusher.close(10)
  })

  it('gives up a batch that is refused, and goes on with the next', async () => {
    const { flusher, sent } = open(({ sequence }) =>
      sequence === 1 ? Promise.reject(new RowhouseError('query_failed')) : Promise.resolve(),
    )
    record(flusher)
    await flusher.flush()
    record(flusher)
    await flusher.flush()
    expect(sent.map(({ sequence }) => sequence)).toEqual([1, 1, 2])
    await flusher.close(10)
  })

  it('takes leave with what there is, and waits for nobody who does not answer', async () => {
    const { flusher, sent } = open(() => new Promise(() => {}))
    record(flusher)
    await flusher.close(10)
    expect(sent).toHaveLength(1)
  })
})
