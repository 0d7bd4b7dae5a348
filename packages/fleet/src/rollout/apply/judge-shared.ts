// What many organizations share, judged inside the transaction that changes it: what is wrong and was not before keeps it from
// being committed. A rehearsal in a scratch schema was rejected: it has neither the other tables of the schema nor what was
// made there by hand, and rules look at both.
import type { ClientBase } from 'pg'
import type { Home } from '../ledger/homes.ts'

/** What the change has brought, one line each; asked before the commit. */
export type Judgement = () => Promise<readonly string[]>
/** Called in the transaction, before the first statement: what is wrong already is not the change's fault. */
export type Judge<Judged = Home> = (client: ClientBase, home: Judged) => Promise<Judgement>

/** By what the database says of itself, and by `further`. */
export function judgeShared(further: Judge | undefined): Judge {
  return async (client, home) => {
    const before = new Set(await weaknessesOf(client, home))
    const furtherJudgement = await further?.(client, home)
    return async () => {
      const weak = (await weaknessesOf(client, home)).filter((line) => !before.has(line))
      return weak.length > 0 ? weak : ((await furtherJudgement?.()) ?? [])
    }
  }
}

async function weaknessesOf(client: ClientBase, { schemaName }: Home): Promise<string[]> {
  const { rows } = await client.query<{ message: string }>('select message from rowhouse.home_weaknesses($1)', [
    schemaName,
  ])
  return rows.map(({ message }) => message)
}
