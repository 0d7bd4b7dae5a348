// What the pool and those who use it agree on: a connection, the door it leads through, and what one organization may have.

/** What the pool needs of a connection. */
export interface Poolable {
  /** Whose work it did last. */
  organization: string | null | undefined
  readonly broken: boolean
  /** On the pool's clock; set whenever it comes to rest. */
  restedAtMs: number
  destroy(): void
  end(): Promise<void>
}

/** Where connections lead: one login in one database of the server. */
export interface Door<C> {
  /** Idle connections through this door, last used last; the pool's own. */
  readonly idle: C[]
  /** Connections that stay open when they are idle, in place of none. */
  readonly min?: number
  /** How long one rests before it is closed, in place of the pool's. */
  readonly idleTimeoutMs?: number
  open(): Promise<C>
}

/** What one organization may have of a server. */
export interface Bounds {
  /** Most connections that it holds at once. */
  readonly share: number
  /** How long a query of it waits for one. */
  readonly acquireTimeoutMs: number
}

export interface Counts {
  readonly idle: number
  readonly busy: number
  readonly opening: number
  readonly waiting: number
}
