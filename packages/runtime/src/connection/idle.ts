// The connections that rest, by the door they lead through, the door that was left alone for longest first. It chooses none
// to close: that is the pool's.
import type { Door, Poolable } from './door.ts'

/** One that rests. */
export interface Resting<C> {
  readonly door: Door<C>
  readonly connection: C
}

export class Idle<C extends Poolable> {
  readonly #doors = new Set<Door<C>>()
  readonly #onLost: (door: Door<C>) => void
  #count = 0

  /** @param onLost told of each that had broken while it rested */
  constructor(onLost: (door: Door<C>) => void) {
    this.#onLost = onLost
  }

  get count(): number {
    return this.#count
  }

  /** Those that something rests behind, as they are now: it may be changed meanwhile. */
  get doors(): readonly Door<C>[] {
    return [...this.#doors]
  }

  /** The last in its row, and its door the last of all. */
  put(door: Door<C>, connection: C): void {
    this.#doors.delete(door)
    this.#doors.add(door)
    door.idle.push(connection)
    this.#count += 1
  }

  /** One through this door; the one that last worked for the organization where there is one. None that broke. */
  pick(door: Door<C>, organization: string | null): C | undefined {
    const { idle } = door
    while (idle.length > 0) {
      let index = idle.length - 1
      while (index > 0 && idle[index]?.organization !== organization) index -= 1
      if (idle[index]?.organization !== organization) index = idle.length - 1
      const connection = this.#takeAt(door, index)
      if (connection?.broken === false) return connection
      this.#onLost(door)
    }
    return undefined
  }

  /** The one that rests behind the door that was left alone for longest. */
  first(): Resting<C> | undefined {
    const [door] = this.#doors
    const connection = door?.idle[0]
    return door === undefined || connection === undefined ? undefined : { door, connection }
  }

  take({ door, connection }: Resting<C>): void {
    const index = door.idle.indexOf(connection)
    if (index >= 0) this.#takeAt(door, index)
  }

  takeAll(door: Door<C>): C[] {
    const connections = door.idle.splice(0)
    this.#count -= connections.length
    this.#doors.delete(door)
    return connections
  }

  #takeAt(door: Door<C>, index: number): C | undefined {
    const [connection] = door.idle.splice(index, 1)
    this.#count -= 1
    if (door.idle.length === 0) this.#doors.delete(door)
    return connection
  }
}
