// What a transaction of B holds in its settings, as an attacker would have it who read them: taken in world 0 and
// replayed by A. A plain setting works for whoever sets it; a seal must not.
import type { Client } from 'pg'

import type { AttackContext } from './arena.ts'
import { ident } from './quoting.ts'

/** @param names settings that policies and functions read; Postgres lists no setting that an application makes */
export async function steal(
  admin: Client,
  context: AttackContext,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const stolen = new Map<string, string>()
  if (context.enterAsB === undefined) return stolen
  await admin.query('begin')
  try {
    await admin.query(`set local session authorization ${ident(context.loginOfB ?? context.login)}`)
    for (const message of context.enterAsB(0)) await admin.query(message)
    for (const name of names) {
      const { rows } = await admin.query<{ value: string | null }>('select current_setting($1, true) as value', [name])
      const value = rows[0]?.value
      if (value !== null && value !== undefined && value !== '') stolen.set(name, value)
    }
    return stolen
  } catch {
    return stolen
  } finally {
    await admin.query('rollback')
  }
}
