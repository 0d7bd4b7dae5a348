// What a door answers, and what it would answer without one of its guards. Tests only.
import { sqlstateOf, withClient } from '@rowhouse/testkit'
import { expect } from 'vitest'

/** What becomes of statements in one transaction: the SQLSTATE of the first that fails, or 'done'. Nothing stays. */
export function attempt(url: string, ...statements: (readonly [string, ...unknown[]])[]): Promise<string> {
  return withClient(url, async (client) => {
    await client.query('begin')
    for (const [text, ...values] of statements) {
      const outcome = await sqlstateOf(client.query(text, values))
      if (outcome !== 'done') return outcome
    }
    return 'done'
  })
}

/** Runs `use` while the function has another text, as whoever may change it. */
export async function without(
  url: string,
  name: string,
  part: string,
  instead: string,
  use: () => Promise<unknown>,
): Promise<unknown> {
  return withClient(url, async (admin) => {
    const { rows } = await admin.query<{ text: string }>(
      `select pg_get_functiondef(p.oid) as text from pg_proc p
       where p.pronamespace = 'rowhouse'::regnamespace and p.proname = $1`,
      [name],
    )
    const text = rows[0]?.text ?? ''
    expect(text).toContain(part)
    await admin.query(text.replaceAll(part, instead))
    try {
      return await use()
    } finally {
      await admin.query(text)
    }
  })
}
