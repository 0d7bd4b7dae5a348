// Runs many DDL statements: in batches, because a round trip and a commit each would double the time; one by one where
// a batch fails, so that what fails is named and the rest is made.
import type { ClientBase } from 'pg'

/** Statements a batch. A failed batch is run again one by one, so a larger one costs more where much fails. */
const BATCH_SIZE = 100

/** Where a body names something unqualified and Postgres inlines it, it is found on the usual path. */
const usualPath = 'public, extensions'

export interface Statement<About> {
  readonly about: About
  readonly sql: string
}

export interface Failure<About> {
  readonly about: About
  readonly reason: string
}

/** Asked before each batch; throws when the time is over. */
export type Bound = () => void

/** Runs all; returns what failed, with Postgres' own words. */
export async function runStatements<About>(
  client: ClientBase,
  statements: readonly Statement<About>[],
  bound: Bound = () => {},
): Promise<Failure<About>[]> {
  const failures: Failure<About>[] = []
  for (let start = 0; start < statements.length; start += BATCH_SIZE) {
    bound()
    const batch = statements.slice(start, start + BATCH_SIZE)
    if (await succeeds(client, batch.map(({ sql }) => sql).join(';\n'))) continue
    for (const { about, sql } of batch) {
      const reason = await runOne(client, sql)
      if (reason !== null) failures.push({ about, reason })
    }
  }
  return failures
}

async function succeeds(client: ClientBase, sql: string): Promise<boolean> {
  try {
    await client.query(sql)
    return true
  } catch {
    return false
  }
}

/** Null, or why it failed. */
async function runOne(client: ClientBase, sql: string): Promise<string | null> {
  try {
    await client.query(sql)
    return null
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return (await succeeds(client, `set local search_path = ${usualPath};\n${sql}`)) ? null : reason
  }
}
