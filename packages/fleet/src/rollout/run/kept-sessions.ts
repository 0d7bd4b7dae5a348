// Connections to databases with many homes, kept from wave to wave. A new one has read nothing of the catalogue and compiled no
// function: over a thousand schemas the connections of five waves took as long as an added column.
import type { Client } from 'pg'

export class KeptSessions {
  readonly #max: number
  /** Whether a database has homes to come back for. */
  readonly #isKept: (database: string) => boolean
  readonly #idle = new Map<string, Client[]>()

  /** @param max idle ones of each database */
  constructor(max: number, isKept: (database: string) => boolean) {
    this.#max = max
    this.#isKept = isKept
  }

  /** One that nobody uses and that answers; null where there is none. Waves may be minutes apart, and nothing tells of a cut wire. */
  async take(database: string): Promise<Client | null> {
    for (;;) {
      const client = this.#idle.get(database)?.pop()
      if (client === undefined) return null
      try {
        await client.query('select')
        return client
      } catch {
        await client.end().catch(() => undefined)
      }
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
    await Promise.all(all.map((client) => client.end().catch(() => undefined)))
  }
}
