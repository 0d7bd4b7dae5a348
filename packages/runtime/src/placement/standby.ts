// Warm homes that organizations to come will live in, each with a connection that is open before they do: logging in to a home
// for the first time costs more than everything else of a new organization's first query. The login of a home has one
// organization and never another, so a connection that was opened early is that one's alone. It is opened where there is room
// that nobody wants, and closed like any other when somebody does.
import type { Gateway } from '../gateway.ts'
import type { Placement } from './placement.ts'

/** A warm home, as rowhouse.standby_homes() tells; `id` is the organization's that will live there. */
export type StandbyHome = { readonly id: string } & Pick<
  Placement,
  | 'cluster'
  | 'host'
  | 'port'
  | 'tls'
  | 'tls_ca'
  | 'cluster_connections_max'
  | 'database_name'
  | 'schema_name'
  | 'login'
  | 'isolation'
>

export const STANDBY_HOMES =
  "select coalesce(json_agg(home), '[]')::text as answer from rowhouse.standby_homes($1, $2) as home"
export const WARM_HOME = 'select rowhouse.warm_home($1)'

/** A home that is next no more may have been given away a moment ago; whoever moved in asks for it within this time. */
const KEPT_MS = 30_000

interface Door {
  readonly gateway: Gateway
  /** Whether its connection is open; false where there was no room, or it could not be. */
  readonly opened: Promise<boolean>
}

export interface StandbyOptions {
  readonly homes: () => Promise<readonly StandbyHome[]>
  /** Opens a connection to a home; says by which gateway. */
  readonly open: (home: StandbyHome) => Door
  readonly keyOf: (home: StandbyHome) => string
  readonly now: () => number
}

export class Standby {
  readonly #options: StandbyOptions
  readonly #doors = new Map<string, Door & { seenAtMs: number }>()
  #asking: Promise<void> | null = null
  #asksAgain = false

  constructor(options: StandbyOptions) {
    this.#options = options
  }

  /** The way to a home that somebody has moved into, where it was opened before. From then on it is theirs. */
  async adopt(key: string): Promise<Gateway | undefined> {
    const door = this.#doors.get(key)
    if (door === undefined) return undefined
    this.#doors.delete(key)
    await door.opened
    return door.gateway
  }

  /** Asks which homes are next, connects to those that are new, and lets go of those that are next no more. Never rejects. */
  refill(): void {
    this.#asksAgain = this.#asking !== null
    this.#asking ??= this.#refill()
      // The catalogue is away, or knows of no such homes: then somebody waits for a login, as without all this.
      .catch(() => {})
      .finally(() => {
        this.#asking = null
        if (this.#asksAgain) this.refill()
      })
  }

  async #refill(): Promise<void> {
    const homes = await this.#options.homes()
    const next = new Map(homes.map((home) => [this.#options.keyOf(home), home]))
    const nowMs = this.#options.now()
    for (const [key, home] of next) {
      const known = this.#doors.get(key)
      if (known === undefined) this.#open(key, home, nowMs)
      else known.seenAtMs = nowMs
    }
    for (const [key, { gateway, seenAtMs }] of this.#doors) {
      if (nowMs - seenAtMs < KEPT_MS) continue
      this.#doors.delete(key)
      gateway.min = 0
      gateway.pool.forget(gateway)
    }
  }

  /** One that could not be opened is tried again another time. */
  #open(key: string, home: StandbyHome, nowMs: number): void {
    const door = { ...this.#options.open(home), seenAtMs: nowMs }
    this.#doors.set(key, door)
    const forget = (isOpen: boolean): boolean => !isOpen && this.#doors.get(key) === door && this.#doors.delete(key)
    void door.opened.then(forget)
  }
}
