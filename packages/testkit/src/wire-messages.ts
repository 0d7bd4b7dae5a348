// Cuts a byte stream into Postgres protocol messages, for the proxies that stand between a client and a server in
// tests. It looks at types and lengths only.
// Format: https://www.postgresql.org/docs/current/protocol-message-formats.html

export interface WireMessage {
  /** The type's letter; empty for the startup message, which has none. */
  readonly type: string
  /** The whole message, header included. */
  readonly bytes: Buffer
}

export class WireMessageReader {
  #rest: Buffer = Buffer.alloc(0)
  #startup: boolean

  /** @param from a client begins with a message that has no type */
  constructor(from: 'client' | 'server') {
    this.#startup = from === 'client'
  }

  /** The messages that these bytes complete. */
  read(bytes: Buffer): WireMessage[] {
    this.#rest = Buffer.concat([this.#rest, bytes])
    const messages: WireMessage[] = []
    for (;;) {
      const header = this.#startup ? 0 : 1
      if (this.#rest.length < header + 4) return messages
      const length = header + this.#rest.readInt32BE(header)
      if (this.#rest.length < length) return messages
      const type = this.#startup ? '' : this.#rest.toString('latin1', 0, 1)
      messages.push({ type, bytes: this.#rest.subarray(0, length) })
      this.#rest = this.#rest.subarray(length)
      this.#startup = false
    }
  }
}

/** A message of the server's. */
export function wireMessage(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5)
  header.write(type, 0, 'latin1')
  header.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([header, body])
}
