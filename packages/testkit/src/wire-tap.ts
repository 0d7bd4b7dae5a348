// A TCP proxy that writes down which protocol messages pass, so that a test can count round trips. It changes nothing
// and keeps types only, never contents.
import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import { WireMessageReader } from './wire-messages.ts'

/** What one side said until the other side spoke. Two exchanges, client and server, are one round trip. */
export interface Exchange {
  readonly from: 'client' | 'server'
  /** The types of the messages, in order, one letter each. */
  types: string
  /** How many reads it arrived in; on loopback a single small write arrives in one. */
  reads: number
}

export interface WireTap {
  /** The given URL, by way of the tap. */
  readonly url: string
  /** Everything since the last `clear`, over all connections. */
  readonly exchanges: readonly Exchange[]
  clear(): void
  /** Breaks every connection without a goodbye, as a lost network does. */
  cut(): void
  close(): Promise<void>
}

export async function startWireTap(url: string): Promise<WireTap> {
  const target = new URL(url)
  const exchanges: Exchange[] = []
  const sockets = new Set<Socket>()
  const note = (from: Exchange['from'], reader: WireMessageReader, bytes: Buffer): void => {
    const types = reader.read(bytes).map((message) => message.type)
    const last = exchanges.at(-1)
    if (last?.from === from) {
      last.types += types.join('')
      last.reads += 1
    } else {
      exchanges.push({ from, types: types.join(''), reads: 1 })
    }
  }
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname)
    const pair = [
      { source: client, sink: upstream, from: 'client' },
      { source: upstream, sink: client, from: 'server' },
    ] as const
    for (const { source, sink, from } of pair) {
      const reader = new WireMessageReader(from)
      sockets.add(source)
      source.setNoDelay(true)
      source.on('data', (bytes: Buffer) => {
        note(from, reader, bytes)
        sink.write(bytes)
      })
      source.on('close', () => {
        sockets.delete(source)
        sink.destroy()
      })
      source.on('error', () => sink.destroy())
    }
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const tapped = new URL(url)
  tapped.hostname = '127.0.0.1'
  tapped.port = String((server.address() as AddressInfo).port)
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: tapped.href,
    exchanges,
    clear: () => {
      exchanges.length = 0
    },
    cut,
    close: () =>
      new Promise((resolve) => {
        cut()
        server.close(() => {
          resolve()
        })
      }),
  }
}
