// Which shape a text is, remembered for texts that come again, in bounded memory: two generations of a map, of which the
// older is dropped when the newer is full, so that a hit costs one look-up and nothing is reordered. A stream of texts
// that never come again costs each its normalization, some microseconds, and no memory.
import { createHash } from 'node:crypto'

import { shapeOf } from './fingerprint.ts'

export interface Shape {
  /** 16 hex digits over the text. */
  readonly fingerprint: string
  readonly text: string
}

/** Of one generation. */
const REMEMBERED_MAX = 500
/** A text that is longer is not remembered: it would keep what it holds. */
const TEXT_LENGTH_MAX = 2_000
const FINGERPRINT_LENGTH = 16

/** What did not fit is counted under this one. */
export const OTHERS: Shape = Object.freeze({ fingerprint: '0'.repeat(FINGERPRINT_LENGTH), text: '(other statements)' })

export class Shapes {
  #newer = new Map<string, Shape>()
  #older = new Map<string, Shape>()

  /** Texts it holds at this moment. */
  get size(): number {
    return this.#newer.size + this.#older.size
  }

  of(text: string): Shape {
    const known = this.#newer.get(text)
    if (known !== undefined) return known
    const before = this.#older.get(text)
    const shape = before ?? make(text)
    if (text.length > TEXT_LENGTH_MAX) return shape
    if (this.#newer.size >= REMEMBERED_MAX) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(text, shape)
    return shape
  }
}

function make(text: string): Shape {
  const shape = shapeOf(text)
  return { fingerprint: createHash('sha256').update(shape).digest('hex').slice(0, FINGERPRINT_LENGTH), text: shape }
}
