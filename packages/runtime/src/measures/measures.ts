// What organizations' statements cost, counted in this process until it is flushed: calls, errors, time, rows and bytes, by
// organization and shape. It is on the way of every query, so it counts in place, allocates nothing for what it has seen
// before, waits for nothing and throws nothing. Of the processor, measured with Node 24: 0.15 µs a statement, of which two
// readings of the clock are 0.09; 6 µs where the text is new.
//
// Memory is bounded whatever is asked: CELLS_MAX cells of about half a kilobyte with their histogram, SHAPES_MAX shapes of
// an organization, shapes of at most 500 characters, 1,000 remembered texts of at most 2,000. Together below 16 MB, of
// which an application with a few hundred statements uses some hundred kilobytes.
import { BUCKETS, bucketOf } from './histogram.ts'
import { OTHERS, Shapes } from './shapes.ts'
import type { Shape } from './shapes.ts'

/** Pairs of organization and shape between two flushes. When they are used up, a flush comes early. */
export const CELLS_MAX = 4_096
/** Shapes of one organization, of its own and in the background each. The one that took the least time makes room, and is counted among the others. */
export const SHAPES_MAX = 32

export class Cell {
  readonly shape: Shape
  calls = 0
  errors = 0
  timeMs = 0
  rows = 0
  bytes = 0
  maxMs = 0
  readonly buckets = new Uint32Array(BUCKETS)

  constructor(shape: Shape) {
    this.shape = shape
  }

  count(durationMs: number, rows: number, bytes: number, failed: boolean): void {
    this.calls += 1
    if (failed) this.errors += 1
    this.timeMs += durationMs
    this.rows += rows
    this.bytes += bytes
    if (durationMs > this.maxMs) this.maxMs = durationMs
    const bucket = bucketOf(durationMs)
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
  }

  add(other: Cell): void {
    this.calls += other.calls
    this.errors += other.errors
    this.timeMs += other.timeMs
    this.rows += other.rows
    this.bytes += other.bytes
    this.maxMs = Math.max(this.maxMs, other.maxMs)
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      this.buckets[bucket] = (this.buckets[bucket] as number) + (other.buckets[bucket] as number)
    }
  }
}

/** By organization, then by fingerprint. */
type Table = Map<string, Map<string, Cell>>

/** What was counted between two flushes. */
export interface Counted {
  /** What the application asked for a person or by itself: what an organization feels. */
  readonly own: ReadonlyMap<string, ReadonlyMap<string, Cell>>
  /** What was asked on its behalf: sync, reports across organizations, the control plane. */
  readonly background: ReadonlyMap<string, ReadonlyMap<string, Cell>>
}

export class Measures {
  readonly #shapes = new Shapes()
  readonly #onFirst: () => void
  readonly #onFull: () => void
  #own: Table = new Map()
  #background: Table = new Map()
  #cells = 0
  #dropped = 0

  /**
   * @param onFirst told when there is something to flush again
   * @param onFull told when nothing more fits
   */
  constructor(onFirst: () => void, onFull: () => void) {
    this.#onFirst = onFirst
    this.#onFull = onFull
  }

  /** Pairs of organization and shape that are counted now. */
  get cells(): number {
    return this.#cells
  }

  /** Texts that are remembered with their shape. */
  get texts(): number {
    return this.#shapes.size
  }

  /** Statements that found no room since the process began. */
  get dropped(): number {
    return this.#dropped
  }

  /**
   * Counts one statement that reached the database under the seal of the organization.
   *
   * @param bytes that went over the wire for it, both ways
   */
  record(
    organization: string,
    text: string,
    durationMs: number,
    rows: number,
    bytes: number,
    failed: boolean,
    isBackground = false,
  ): void {
    const table = isBackground ? this.#background : this.#own
    const shape = this.#shapes.of(text)
    const cell = table.get(organization)?.get(shape.fingerprint) ?? this.#make(table, organization, shape)
    if (cell === null) this.#dropped += 1
    else cell.count(durationMs, rows, bytes, failed)
  }

  /** Hands over what was counted, and begins anew. */
  take(): Counted {
    const taken = { own: this.#own, background: this.#background }
    this.#own = new Map()
    this.#background = new Map()
    this.#cells = 0
    return taken
  }

  #make(table: Table, organization: string, shape: Shape): Cell | null {
    const known = table.get(organization)
    if (known !== undefined && known.size >= SHAPES_MAX) return this.#makeRoom(known, shape)
    if (this.#cells >= CELLS_MAX) {
      this.#onFull()
      return null
    }
    if (this.#cells === 0) this.#onFirst()
    const cell = new Cell(shape)
    if (known === undefined) table.set(organization, new Map([[shape.fingerprint, cell]]))
    else known.set(shape.fingerprint, cell)
    this.#cells += 1
    return cell
  }

  /** Puts the shape in the place of the one that took the least time: what is slow is not lost among what is not. */
  #makeRoom(shapes: Map<string, Cell>, shape: Shape): Cell {
    let least: Cell | null = null
    for (const cell of shapes.values()) {
      if (cell.shape !== OTHERS && (least === null || cell.timeMs < least.timeMs)) least = cell
    }
    const cell = new Cell(shape)
    if (least !== null) {
      shapes.delete(least.shape.fingerprint)
      let others = shapes.get(OTHERS.fingerprint)
      if (others === undefined) {
        others = new Cell(OTHERS)
        shapes.set(OTHERS.fingerprint, others)
        this.#cells += 1
      }
      others.add(least)
    }
    shapes.set(shape.fingerprint, cell)
    return cell
  }
}
