import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { freePort, listenOnce, openPorts } from './ports.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rowhouse-ports-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('ports', () => {
  it('are none that the system gives to whoever asks for any, and one each', async () => {
    const { sandbox, issuer } = await openPorts(folder)
    expect(sandbox).not.toBe(issuer)
    for (const port of [sandbox, issuer, await freePort()]) {
      expect(port).toBeGreaterThanOrEqual(20_000)
      expect(port).toBeLessThan(32_768)
    }
  })

  it('are kept from start to start, but for one that somebody has taken', async () => {
    const first = await openPorts(folder)
    expect(await openPorts(folder)).toEqual(first)
    const stranger = createServer().listen(first.sandbox, '127.0.0.1')
    await once(stranger, 'listening')
    try {
      expect(await listenOnce((stranger.address() as AddressInfo).port)).toBeNull()
      const second = await openPorts(folder)
      expect(second.issuer).toBe(first.issuer)
      expect(second.sandbox).not.toBe(first.sandbox)
    } finally {
      stranger.close()
    }
  })

  it('are found where the file of the last start says nothing', async () => {
    await writeFile(join(folder, 'ports.json'), 'no JSON')
    const { sandbox, issuer } = await openPorts(folder)
    expect([sandbox, issuer].every(Number.isInteger)).toBe(true)
  })
})
