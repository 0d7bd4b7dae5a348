// Homes for tests: schemas of one organization each in a test database, with the rows that provisioning would have written.
import { randomUUID } from 'node:crypto'
import { withClient } from './test-database.ts'
import type { TestDatabase } from './test-database.ts'

export interface TestHome {
  readonly id: string
  readonly schemaName: string
  readonly organizationId: string | null
  readonly slug: string | null
}

/** Organizations in schemas of their own, and as many spares; `slug` is `org-<n>`. */
export async function makeHomes(database: TestDatabase, organizations: number, spares = 0): Promise<TestHome[]> {
  return withClient(database.adminUrl, async (admin) => {
    const homes: TestHome[] = []
    for (let number = 0; number < organizations + spares; number += 1) {
      const isSpare = number >= organizations
      const id = randomUUID()
      const digits = id.replaceAll('-', '').slice(0, 16)
      const slug = isSpare ? null : `org-${number}`
      const { rows } = isSpare
        ? { rows: [] }
        : await admin.query<{ id: string }>(
            'insert into rowhouse.organizations (id, name, slug) values ($1, $2, $2) returning id',
            [id, slug],
          )
      const organizationId = rows[0]?.id ?? null
      const schemaName = `h_${digits}`
      const login = `rowhouse_h_${digits}`
      await admin.query(`create schema ${schemaName} authorization rowhouse_owner`)
      await admin.query(`create role ${login} nologin`)
      await admin.query('select from rowhouse.register_home($1, $2, $3)', [schemaName, login, id])
      await admin.query(
        `insert into rowhouse.homes (id, cluster, schema_name, login, isolation, state, organization_id)
         values ($1, 'main', $2, $3, 'schema', $4, $5)`,
        [id, schemaName, login, isSpare ? 'spare' : 'assigned', organizationId],
      )
      if (organizationId !== null) {
        await admin.query(
          `insert into rowhouse.placements (organization_id, schema_name, isolation, login, home_id) values ($1, $2, 'schema', $3, $4)`,
          [organizationId, schemaName, login, id],
        )
      }
      homes.push({ id, schemaName, organizationId, slug })
    }
    return homes
  })
}

/** Takes all of it away again: logins belong to the server, which other tests use too. */
export async function dropHomes(database: TestDatabase): Promise<void> {
  await withClient(database.adminUrl, async (admin) => {
    const { rows } = await admin.query<{ schema_name: string; login: string }>(
      `select schema_name, login from rowhouse.homes where isolation = 'schema'`,
    )
    for (const { schema_name: schema, login } of rows) {
      await admin.query(`drop schema if exists ${schema} cascade`)
      await admin.query(`drop owned by ${login}; drop role ${login}`)
    }
    await admin.query(`
      delete from rowhouse.rollouts;
      delete from rowhouse.placements where isolation = 'schema';
      delete from rowhouse.tenant_schemas where login is not null;
      create temporary table gone on commit drop as select organization_id from rowhouse.homes where isolation = 'schema';
      delete from rowhouse.homes where isolation = 'schema';
      update rowhouse.homes set version = null;
      delete from rowhouse.organizations where id in (select organization_id from gone);
      delete from rowhouse.tenant_migrations;
      delete from rowhouse.applied_tenant_migrations`)
  })
}
