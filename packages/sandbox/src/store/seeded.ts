// Everything random, from one seed: ids and tokens are hashes of a label, chances are a stream. Must
// not touch Math.random or node's random bytes. Nothing here is a secret: the tokens open a simulation.
import { createHash } from 'node:crypto'

export interface Seeded {
  /** Hex digits that depend on the seed and the label only. */
  hex(label: string, length: number): string
  /** Base-62 characters that depend on the seed and the label only. */
  letters(label: string, length: number): string
  /** A UUID in form, from the seed and the label. */
  uuid(label: string): string
  /** The next number of the stream, at least 0 and below 1. */
  chance(): number
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

export function createSeeded(seed: string): Seeded {
  let state = createHash('sha256').update(`${seed}|chance`).digest().readUInt32LE(0)

  function bytes(label: string, length: number): Buffer {
    const blocks: Buffer[] = []
    for (let index = 0; index * 32 < length; index++) {
      blocks.push(createHash('sha256').update(`${seed}|${label}|${index}`).digest())
    }
    return Buffer.concat(blocks).subarray(0, length)
  }
  const hex = (label: string, length: number): string =>
    bytes(label, Math.ceil(length / 2))
      .toString('hex')
      .slice(0, length)

  return {
    hex,
    letters: (label, length) => Array.from(bytes(label, length), (byte) => alphabet[byte % 62]).join(''),
    uuid(label) {
      const digits = hex(label, 32)
      return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`
    },
    // mulberry32: small, good enough for chances, and the same on every machine.
    chance() {
      state = (state + 0x6d2b79f5) >>> 0
      let mixed = Math.imul(state ^ (state >>> 15), state | 1)
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
    },
  }
}
