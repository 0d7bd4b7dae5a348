// Query cursors: what a query found, so that its pages are consistent. Owns locators, their two days
// and their number; in memory, so a restart ends them, which Salesforce's maintenance does as well.
import type { World } from '../world.ts'
import { SalesforceRefusal } from './errors.ts'
import type { Query } from './soql/ast.ts'
import type { SalesforceRecord } from './records.ts'

const lifetimeMs = 2 * 86_400_000
/** Cursors an organization keeps; the oldest goes when one more is opened. */
const cursorsMax = 50

export interface Cursor {
  readonly query: Query
  readonly found: readonly SalesforceRecord[]
  readonly batchSize: number
  readonly expiresAt: number
}

export class Cursors {
  readonly #cursors = new Map<string, Cursor>()
  readonly #world: World
  #ordinal = 0

  constructor(world: World) {
    this.#world = world
  }

  open(query: Query, found: readonly SalesforceRecord[], batchSize: number): string {
    const id = `01g${this.#world.seeded.letters(`cursor.${this.#world.now()}.${this.#ordinal++}`, 15)}`
    this.#cursors.set(id, { query, found, batchSize, expiresAt: this.#world.now() + lifetimeMs })
    if (this.#cursors.size > cursorsMax) this.#cursors.delete(this.#cursors.keys().next().value!)
    return id
  }

  /** The cursor and offset a locator like 01g…-500 names. Throws INVALID_QUERY_LOCATOR. */
  find(locator: string): { id: string; cursor: Cursor; offset: number } {
    const match = /^(01g\w+)-(\d+)$/.exec(locator)
    const id = match?.[1] ?? ''
    const cursor = this.#cursors.get(id)
    if (!cursor || cursor.expiresAt <= this.#world.now()) {
      this.#cursors.delete(id)
      throw new SalesforceRefusal(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
    }
    return { id, cursor, offset: Number(match?.[2]) }
  }
}
