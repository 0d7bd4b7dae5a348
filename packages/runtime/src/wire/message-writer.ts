// Writes a whole batch of Postgres protocol messages into one buffer, so that it leaves in one write to the socket.
// It knows bytes and lengths; what belongs in a batch, and in which order, is batch.ts's business.
// Format: https://www.postgresql.org/docs/current/protocol-message-formats.html
import { RowhouseError } from '@rowhouse/contracts'

export type WireValue = string | Uint8Array | null

/** The protocol counts parameters in 16 bits. */
const PARAMETERS_MAX = 65_535
const INITIAL_SIZE = 16_384
/** A scratch buffer that one large query made bigger than this is let go again. */
const KEPT_SIZE_MAX = 1_048_576

const PARSE = 0x50
const BIND = 0x42
const DESCRIBE = 0x44
const EXECUTE = 0x45
const CLOSE = 0x43
const SYNC = 0x53
const STATEMENT = 0x53
const PORTAL = 0x50

export class MessageWriter {
  #buffer = Buffer.allocUnsafe(INITIAL_SIZE)
  #end = 0

  parse(name: string, text: string): void {
    const start = this.#begin(PARSE)
    this.#cstring(name)
    this.#cstring(text)
    this.#int16(0)
    this.#finish(start)
  }

  /** Binds the unnamed portal. Strings go as text, bytes as binary; results are asked for as text, as pg does. */
  bind(name: string, values: readonly WireValue[]): void {
    if (values.length > PARAMETERS_MAX) {
      throw new RowhouseError(
        'invalid_option',
        `A statement takes at most ${PARAMETERS_MAX} parameters, not ${values.length}.`,
      )
    }
    const start = this.#begin(BIND)
    this.#cstring('')
    this.#cstring(name)
    this.#int16(values.length)
    for (const value of values) this.#int16(value === null || typeof value === 'string' ? 0 : 1)
    this.#int16(values.length)
    for (const value of values) this.#value(value)
    this.#int16(0)
    this.#finish(start)
  }

  describePortal(): void {
    const start = this.#begin(DESCRIBE)
    this.#byte(PORTAL)
    this.#cstring('')
    this.#finish(start)
  }

  execute(): void {
    const start = this.#begin(EXECUTE)
    this.#cstring('')
    this.#int32(0)
    this.#finish(start)
  }

  closeStatement(name: string): void {
    const start = this.#begin(CLOSE)
    this.#byte(STATEMENT)
    this.#cstring(name)
    this.#finish(start)
  }

  sync(): void {
    this.#finish(this.#begin(SYNC))
  }

  /** The bytes written so far, in a buffer of their own: the socket may hold on to them. */
  take(): Buffer {
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#end))
    this.clear()
    return bytes
  }

  /** Forgets what was written, when a value turned out not to be writable. */
  clear(): void {
    this.#end = 0
    if (this.#buffer.length > KEPT_SIZE_MAX) this.#buffer = Buffer.allocUnsafe(INITIAL_SIZE)
  }

  #ensure(size: number): void {
    if (this.#end + size <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#end + size))
    this.#buffer.copy(larger, 0, 0, this.#end)
    this.#buffer = larger
  }

  #begin(type: number): number {
    this.#ensure(5)
    this.#buffer[this.#end] = type
    const start = this.#end + 1
    this.#end += 5
    return start
  }

  #finish(start: number): void {
    this.#buffer.writeInt32BE(this.#end - start, start)
  }

  #byte(value: number): void {
    this.#ensure(1)
    this.#buffer[this.#end++] = value
  }

  #int16(value: number): void {
    this.#ensure(2)
    this.#end = this.#buffer.writeUInt16BE(value, this.#end)
  }

  #int32(value: number): void {
    this.#ensure(4)
    this.#end = this.#buffer.writeInt32BE(value, this.#end)
  }

  /** A zero byte would end the text early and let the rest be read as protocol. */
  #cstring(text: string): void {
    if (text.includes('\0'))
      throw new RowhouseError('invalid_option', 'The text of a statement holds a zero character.')
    this.#ensure(text.length * 3 + 1)
    this.#end += this.#buffer.write(text, this.#end, 'utf8')
    this.#buffer[this.#end++] = 0
  }

  #value(value: WireValue): void {
    if (value === null) {
      this.#int32(-1)
    } else if (typeof value === 'string') {
      this.#ensure(4 + value.length * 3)
      const length = this.#buffer.write(value, this.#end + 4, 'utf8')
      this.#buffer.writeInt32BE(length, this.#end)
      this.#end += 4 + length
    } else {
      this.#ensure(4 + value.length)
      this.#buffer.writeInt32BE(value.length, this.#end)
      this.#buffer.set(value, this.#end + 4)
      this.#end += 4 + value.length
    }
  }
}
