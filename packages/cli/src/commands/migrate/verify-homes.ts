// `rowhouse verify` on the homes of the first wave: every rule, as errors only, before anybody else gets the migrations.
import { homeConnection, nameOfHome } from '@rowhouse/fleet'
import type { RolloutHome } from '@rowhouse/fleet'
import { verifyDatabase } from '@rowhouse/verify'
import { Client } from 'pg'

/** One line for each error; homes of one database are judged together. */
export async function verifyHomes(catalogueUrl: string, homes: readonly RolloutHome[]): Promise<string[]> {
  const wrong: string[] = []
  const groups = Map.groupBy(homes, ({ cluster, databaseName }) => `${cluster}/${databaseName ?? ''}`)
  for (const inDatabase of groups.values()) {
    const [home] = inDatabase
    if (home === undefined) continue
    const client = new Client({ ...homeConnection(catalogueUrl, home), application_name: 'rowhouse migrate' })
    client.on('error', () => undefined)
    await client.connect()
    try {
      await client.query('begin read only')
      const schemas = inDatabase.map(({ schemaName }) => schemaName)
      const { findings, undecided } = await verifyDatabase(client, { schemas, failOn: 'error' })
      const errors = findings.filter(({ severity }) => severity === 'error')
      wrong.push(...errors.map(({ rule, object, message }) => `${rule} ${object}: ${message}`))
      wrong.push(...undecided.map((reason) => `${nameOfHome(home)} could not be judged: ${reason}`))
      await client.query('rollback')
    } finally {
      await client.end()
    }
  }
  return wrong
}
