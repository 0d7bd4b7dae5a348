// `rowhouse verify` on the homes of the first wave: every rule, as errors only, before anybody else gets the migrations.
import { homeConnection, nameOfHome } from '@rowhouse/fleet'
import type { RolloutHome } from '@rowhouse/fleet'
import { verifyDatabase } from '@rowhouse/verify'
import { Client } from 'pg'
import type { ClientBase } from 'pg'

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
      const schemas = await withProtectedTables(client, inDatabase)
      if (schemas.length === 0) continue
      const { findings, undecided } = await verifyDatabase(client, { schemas, failOn: 'error' })
      const errors = findings.filter(({ severity }) => severity === 'error')
      wrong.push(...errors.map(({ rule, object, message }) => `${rule} ${object}: ${message}`))
      wrong.push(...undecided.map((reason) => `${nameOfHome(home)} could not be judged: ${reason}`))
    } finally {
      await client.end()
    }
  }
  return wrong
}

/** A home whose last table was dropped has nothing to judge; a table that nothing protects the rollout has refused already. */
async function withProtectedTables(client: ClientBase, homes: readonly RolloutHome[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select distinct n.nspname::text as name
     from pg_catalog.pg_policy p
     join pg_catalog.pg_class c on c.oid = p.polrelid
     join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where p.polname = 'rowhouse_organization' and n.nspname = any ($1)
     order by 1`,
    [homes.map(({ schemaName }) => schemaName)],
  )
  return rows.map(({ name }) => name)
}
