// Tables as tenant migrations would make them, for tests of provisioning.
import type { HomeMigrations } from '../rollout/index.ts'

export const testEncryptionKey = 'encryption-key-of-the-tests-0123456789'

const tables = `
  create table companies (id uuid primary key default gen_random_uuid(), name text);
  create table contacts (id uuid primary key default gen_random_uuid(), company_id uuid references companies, email text);
  select rowhouse.protect('companies');
  select rowhouse.protect('contacts');`

export const TEST_VERSION = '20260101000000'

/** One migration, run once in each place. `fingerprint` tells the templates of one test file from another's. */
export function testMigrations(fingerprint = 'tests of provisioning'): HomeMigrations {
  return {
    version: () => Promise.resolve(TEST_VERSION),
    fingerprint: () => Promise.resolve(fingerprint),
    async apply(client, { schemaName }) {
      await client.query('begin')
      await client.query("select pg_catalog.set_config('search_path', $1, true)", [schemaName])
      const { rows } = await client.query<{ there: boolean }>("select to_regclass('contacts') is not null as there")
      if (rows[0]?.there !== true) await client.query(tables)
      await client.query('commit')
      return TEST_VERSION
    },
  }
}
