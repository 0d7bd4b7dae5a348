// The schema as it is installed, committed beside the migrations: a change of it is seen in review, never by surprise.
// After changing a migration: npx vitest run --project database packages/database/src/snapshot -u
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { expect, it } from 'vitest'

import { schemaSnapshot } from './generated/queries.ts'

const database = useTestDatabase()

it('installs exactly the committed schema', async () => {
  const lines = await withClient(database().adminUrl, async (admin) => {
    await admin.query('set search_path = pg_catalog')
    const { rows } = await admin.query<{ line: string }>(schemaSnapshot)
    return rows.map(({ line }) => line)
  })
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../schema.snapshot.txt')
})
