// A small transaction pooler, for tests: what PgBouncer does in transaction mode without prepared statements. A client
// holds a server connection from its first message to the ReadyForQuery that says idle, and the next transaction gets
// the one that rested longest, so with two of them never the same. Nothing is reset in between, as in PgBouncer.
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import { Client } from 'pg'

import { WireMessageReader, wireMessage } from './wire-messages.ts'
import type { WireMessage } from './wire-messages.ts'

export interface TransactionPooler {
  /** For clients; it accepts any of them and serves all with the login of the URL it was started with. */
  readonly url: string
  /** How often a client was given another server connection than the one it had before. */
  readonly switches: number
  close(): Promise<void>
}

interface ServerSide {
  readonly socket: Socket
  client: ClientSide | null
}

interface ClientSide {
  readonly socket: Socket
  /** Whole stretches of messages, each ending in a Sync, that wait for a server connection. */
  readonly stretches: Buffer[]
  server: ServerSide | null
  previous: ServerSide | null
  /** Whether a stretch is with the server, unanswered. */
  asking: boolean
}

/** Messages that the server answers with ReadyForQuery: Sync and the simple Query. */
const ENDS_STRETCH = new Set(['S', 'Q'])
const TERMINATE = 'X'
const READY_FOR_QUERY = 'Z'
const IDLE = 'I'.charCodeAt(0)

const cstrings = (...texts: string[]): Buffer => Buffer.from(texts.map((text) => `${text}\0`).join(''))

/** What a server says after it accepted a login; the version is one that clients parse. */
const greeting = Buffer.concat([
  wireMessage('R', Buffer.alloc(4)),
  wireMessage('S', cstrings('server_version', '18.0')),
  wireMessage('S', cstrings('client_encoding', 'UTF8')),
  wireMessage('K', Buffer.alloc(8)),
  wireMessage('Z', Buffer.from('I')),
])

export async function startTransactionPooler(
  url: string,
  { servers: serverCount = 2 } = {},
): Promise<TransactionPooler> {
  const resting: ServerSide[] = []
  const waiting: ClientSide[] = []
  const clients = new Set<ClientSide>()
  const servers = new Set<ServerSide>()
  let switches = 0
  let closing = false

  function rest(server: ServerSide): void {
    server.client = null
    resting.push(server)
    serveNext()
  }

  function serveNext(): void {
    while (waiting.length > 0 && resting.length > 0) {
      const client = waiting.shift()
      const server = resting.shift()
      if (client === undefined || server === undefined) return
      if (client.previous !== null && client.previous !== server) switches += 1
      client.server = server
      client.previous = server
      server.client = client
      sendNext(client)
    }
  }

  /** One stretch at a time: the ReadyForQuery of the one before may take the server away. */
  function sendNext(client: ClientSide): void {
    const stretch = client.stretches.shift()
    if (stretch === undefined || client.server === null) return
    client.asking = true
    client.server.socket.write(stretch)
  }

  /** A client that has a server in a transaction goes on with it; others queue for one, once. */
  function ask(client: ClientSide): void {
    if (client.server === null) {
      if (!waiting.includes(client)) waiting.push(client)
      serveNext()
    } else if (!client.asking) {
      sendNext(client)
    }
  }

  function hear(server: ServerSide, { type, bytes }: WireMessage): void {
    const { client } = server
    client?.socket.write(bytes)
    if (type !== READY_FOR_QUERY || client === null) return
    client.asking = false
    if (bytes[5] === IDLE) {
      client.server = null
      if (client.stretches.length > 0) waiting.push(client)
      rest(server)
    } else {
      sendNext(client)
    }
  }

  async function openServer(): Promise<void> {
    const login = new Client(url)
    login.on('error', () => {})
    await login.connect()
    // From here on the socket is ours: pg has done the login and reads no more.
    const socket = (login as unknown as { connection: { stream: Socket } }).connection.stream
    socket.removeAllListeners('data')
    const server: ServerSide = { socket, client: null }
    servers.add(server)
    const reader = new WireMessageReader('server')
    socket.on('data', (bytes: Buffer) => {
      for (const message of reader.read(bytes)) hear(server, message)
    })
    socket.on('close', () => {
      servers.delete(server)
      if (resting.includes(server)) resting.splice(resting.indexOf(server), 1)
      server.client?.socket.destroy()
      if (!closing) openServer().catch(() => {})
    })
    rest(server)
  }

  const listener = createServer((socket) => {
    const client: ClientSide = { socket, stretches: [], server: null, previous: null, asking: false }
    clients.add(client)
    const reader = new WireMessageReader('client')
    let stretch: Buffer[] = []
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      for (const { type, bytes } of reader.read(chunk)) {
        if (type === '') socket.write(greeting)
        else if (type === TERMINATE) socket.end()
        else stretch.push(bytes)
        if (!ENDS_STRETCH.has(type)) continue
        client.stretches.push(Buffer.concat(stretch))
        stretch = []
        ask(client)
      }
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      clients.delete(client)
      if (waiting.includes(client)) waiting.splice(waiting.indexOf(client), 1)
      // Left in the middle of a transaction: the server connection goes too, and is replaced.
      client.server?.socket.destroy()
    })
  })

  for (let count = 0; count < serverCount; count += 1) await openServer()
  await new Promise<void>((resolve) => {
    listener.listen(0, '127.0.0.1', resolve)
  })
  const address = new URL(url)
  address.hostname = '127.0.0.1'
  address.port = String((listener.address() as AddressInfo).port)
  return {
    url: address.href,
    get switches() {
      return switches
    },
    close: async () => {
      closing = true
      for (const client of clients) client.socket.destroy()
      for (const server of servers) server.socket.destroy()
      await new Promise<void>((resolve) => {
        listener.close(() => {
          resolve()
        })
      })
    },
  }
}
