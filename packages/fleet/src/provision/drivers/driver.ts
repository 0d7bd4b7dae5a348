// What makes servers: one for each home, where a database on a server is not apart enough. An implementation does nothing but
// that; who calls it keeps the books. It is asked again after a crash, so create() finds what an earlier call has begun.

export interface ServerOrder {
  /** `h-<16 hex digits>`: the same for the same home, and of no other. */
  readonly name: string
  /** What the cluster was added with, a URL; what it means is the driver's: user and password are what it logs in with. */
  readonly access: string
  readonly region: string
  /** Of the administrator that the new server gets; the same for the same name. A secret. */
  readonly password: string
  /** PEM that the cluster was added with: of the authority that signs the new server's certificate. */
  readonly tlsCa: string | null
}

export interface MadeServer {
  /** A login that may make roles and schemas in the database it names. A secret. */
  readonly adminUrl: string
  readonly tls: 'verify-full' | 'off'
  /** PEM of an authority of the server's own; null: one that Node trusts. */
  readonly tlsCa: string | null
}

export interface ServerDriver {
  /** As `clusters.driver` names it. */
  readonly name: string
  /**
   * Makes the server, or finds the one that has this name, and waits until it accepts connections.
   *
   * @throws RowhouseError of the driver; a retryable one is tried again by the worker
   */
  create(order: ServerOrder): Promise<MadeServer>
  /** Ends the server and its data. Nothing happens where there is none. */
  remove(order: ServerOrder): Promise<void>
  /** Whether new servers can be made now. @throws RowhouseError that says why not */
  check(access: string): Promise<void>
  /** Lets go of what the process holds, where it holds anything; the servers' data stays. */
  close?(): Promise<void>
}
