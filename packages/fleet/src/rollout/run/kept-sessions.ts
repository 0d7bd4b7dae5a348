// Connections to databases with many homes, kept from wave to wave. A new one has read nothing of the catalogue and compiled no
// function: over a thousand schemas the connections of five waves took as long as an added column.
import type { Client, QueryConfig } from 'pg'

/** Of a server that is asked for nothing; a wire that is cut says nothing itself, and TCP tries again for a quarter of an hour. */
const ANSWERS_WITHIN_MS = 10_000

export class KeptSessions {
  readonly #max: number
  /** Whether a database has homes to come back for. */
  readonly #isKept: (database: string) => boolean
  readonly #answersWithinMs: number
  readonly #idle = new Map<string, Client[]>()

  /**
   * @param max idle ones of each database
   * @param answersWithinMs how long one may take to say that it is there; 0: for ever
   */
  constructor(max: number, isKept: (database: string) => boolean, answersWithinMs = ANSWERS_WITHIN_MS) {
    this.#max = max
    this.#isKept = isKept
    this.#answersWithinMs = answersWithinMs
  }

  /** One that nobody uses and that answers; null where there is none. Waves may be minutes apart, and nothing tells of a cut wire. */
  async take(database: string): Promise<Client | null> {
    for (;;) {
      const client = this.#idle.get(database)?.pop()
      if (client === undefined) return null
      if (await this.#answers(client)) return client
      await client.end().catch(() => undefined)
    }
  }

  /** Outside of a transaction, with the settings it came with. */
  async give(database: string, client: Client): Promise<void> {
    const idle = this.#idle.get(database) ?? []
    if (!this.#isKept(database) || idle.length >= this.#max) {
      await client.end().catch(() => undefined)
      return
    }
    this.#idle.set(database, idle)
    idle.push(client)
    client.once('end', () => {
      const at = idle.indexOf(client)
      if (at >= 0) idle.splice(at, 1)
    })
  }

  async end(): Promise<void> {
    const all = [...this.#idle.values()].flat()
    this.#idle.clear()
    // A farewell would wait for a server that is silent; one that owes an answer is cut off.
    await Promise.all(
      all.map(async (client) => {
        await this.#answers(client)
        await client.end().catch(() => undefined)
      }),
    )
  }

  async #answers(client: Client): Promise<boolean> {
    const nothing: QueryConfig & { readonly query_timeout: number } = {
      text: 'select',
      query_timeout: this.#answersWithinMs,
    }
    return client.query(nothing).then(
      () => true,
      () => false,
    )
  }
}
