// A connection to the catalogue whose other end is gone without a word: no packet says so, and no answer comes. What is asked
// again and again by such a connection would never be asked again.
import { startHoldingProxy, useHomes } from '@rowhouse/testkit'
import type { HoldingProxy } from '@rowhouse/testkit'
import { describe, expect, it, vi } from 'vitest'

import { codeOf, ownerOf } from './test-routing.ts'

const homes = useHomes('schema')

/** Routes A, so that the runtime has something to hear of, silences one question, and waits for the next. */
async function asksAgain(answerMs: number, proxy: HoldingProxy, timeoutMs: number): Promise<void> {
  const { a } = homes()
  const rowhouse = homes().open({ url: proxy.url, placement: { pollMs: 20, answerMs }, preparedStatements: false })
  expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('done')
  const silence = proxy.hold('answer', 'placement_changes')
  await silence.isHeld
  const asked = proxy.count('placement_changes')
  await vi.waitFor(() => expect(proxy.count('placement_changes')).toBeGreaterThan(asked), {
    timeout: timeoutMs,
    interval: 20,
  })
}

describe('the question what changed', () => {
  it('is asked anew by another connection when no answer comes', async () => {
    const proxy = await startHoldingProxy(homes().database.appUrl)
    try {
      await expect(asksAgain(1_000, proxy, 60_000)).resolves.toBeUndefined()
    } finally {
      await proxy.close()
    }
  })

  it('would never be asked again by a runtime that waits', async () => {
    const proxy = await startHoldingProxy(homes().database.appUrl)
    try {
      await expect(asksAgain(86_400_000, proxy, 2_000)).rejects.toThrow('to be greater than')
    } finally {
      await proxy.close()
    }
  })
})

it('a login that is answered and then hears nothing gives its place in the pool back', async () => {
  const { a, database } = homes()
  const proxy = await startHoldingProxy(database.appUrl)
  try {
    const rowhouse = homes().open({ url: proxy.url, pool: { max: 1, connectTimeoutMs: 2_000 } })
    proxy.hold('answer', 'rowhouse.handshake()')
    expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('database_unreachable')
    expect(rowhouse.connections).toMatchObject({ opening: 0 })
    expect(await codeOf(ownerOf(rowhouse, a).query('select 1'))).toBe('done')
  } finally {
    await proxy.close()
  }
})
