// What the database itself says is wrong in homes: a protected table that is not what protect made, and what tenants reach
// unprotected.
import type { Client } from 'pg'
import { databaseKeyOf, nameOfHome } from '../ledger/homes.ts'
import type { Home } from '../ledger/homes.ts'

/** Runs a question on a connection to the database of a home. */
type Ask = <Result>(home: Home, question: (client: Client) => Promise<Result>) => Promise<Result>

/** One line for each thing, bounded by what one query returns. */
export async function weaknessesIn(homes: readonly Home[], ask: Ask): Promise<string[]> {
  const wrong: string[] = []
  for (const inDatabase of Map.groupBy(homes, databaseKeyOf).values()) {
    const [first] = inDatabase
    if (first === undefined) continue
    await ask(first, async (client) => {
      // Definitions are read under a lock: who changes a table for long must not hold up the rollout without end.
      await client.query("set lock_timeout = '3s'")
      for (const home of inDatabase) {
        const { rows } = await client.query<{ message: string }>(
          'select message from rowhouse.home_weaknesses($1) limit 20',
          [home.schemaName],
        )
        wrong.push(...rows.map(({ message }) => `${nameOfHome(home)}: ${message}`))
      }
      await client.query('reset lock_timeout')
    })
  }
  return wrong
}
