// A TCP proxy that holds back one request, or the answer to one, until a test lets it go: how two things that race are made
// to happen in the order that hurts. Texts are looked for in single reads, so short statements on loopback.
import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

export interface Held {
  /** Resolves when it has come and is held. */
  readonly isHeld: Promise<void>
  release(): void
}

export interface HoldingProxy {
  /** The given URL, by way of the proxy. */
  readonly url: string
  /** Holds the next request with this text before the server has it, or after that the answer; other connections go on. */
  hold(what: 'request' | 'answer', text: string): Held
  /** How many reads of clients had the text. */
  count(text: string): number
  close(): Promise<void>
}

interface Hold {
  readonly what: 'request' | 'answer'
  readonly text: string
  readonly released: Promise<void>
  readonly tell: () => void
}

export async function startHoldingProxy(url: string): Promise<HoldingProxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const said: string[] = []
  let next: Hold | null = null
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname)
    // What passes waits for what was held before it on this connection.
    let requests = Promise.resolve()
    let answers = Promise.resolve()
    client.on('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1')
      said.push(text)
      if (next !== null && text.includes(next.text)) {
        const { what, released, tell } = next
        next = null
        if (what === 'request') requests = requests.then(() => released)
        else answers = answers.then(() => released)
        tell()
      }
      requests = requests.then(() => void upstream.write(bytes))
    })
    upstream.on('data', (bytes: Buffer) => {
      answers = answers.then(() => void client.write(bytes))
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        void (one === client ? requests : answers).then(() => other.end())
      })
    }
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const proxied = new URL(url)
  proxied.hostname = '127.0.0.1'
  proxied.port = String((server.address() as AddressInfo).port)
  return {
    url: proxied.href,
    hold: (what, text) => {
      let release = (): void => {}
      let tell = (): void => {}
      const released = new Promise<void>((resolve) => (release = resolve))
      const isHeld = new Promise<void>((resolve) => (tell = resolve))
      next = { what, text, released, tell }
      return { isHeld, release }
    },
    count: (text) => said.filter((read) => read.includes(text)).length,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => {
          resolve()
        })
      }),
  }
}
