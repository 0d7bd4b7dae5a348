// The helper for a team's own tests, on a protected schema and on one with a hole.
import { AssertionError } from 'node:assert'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

import { expectIsolated } from './expect-isolated.ts'

const database = useTestDatabase()
beforeAll(async () => {
  await withClient(database().migratorUrl, async (migrator) => {
    await migrator.query(`create table letters (
        organization_id uuid not null default rowhouse.organization_id(),
        id uuid not null default gen_random_uuid(),
        title text not null,
        primary key (organization_id, id)
      )`)
    await migrator.query("select rowhouse.protect('letters')")
  })
})

const failureOf = (promise: Promise<void>): Promise<AssertionError> =>
  promise.then(
    () => {
      throw new Error('It found nothing.')
    },
    (error: AssertionError) => error,
  )

describe('expectIsolated', () => {
  it('passes on what protect makes', async () => {
    await expect(expectIsolated(database().adminUrl)).resolves.toBeUndefined()
  }, 300_000)

  it('fails on a hole with SQL that reproduces it, and lets the team accept it', async () => {
    await withClient(database().adminUrl, (admin) =>
      admin.query('create view all_letters as select * from letters; grant select on all_letters to rowhouse_app'),
    )
    const error = await failureOf(expectIsolated({ url: database().adminUrl }))
    expect(error).toBeInstanceOf(AssertionError)
    expect(error.message).toMatch(/^Organizations are not apart: \d+ findings?\./)
    expect(error.message).toContain('view_bypasses_rls')
    expect(error.message).toMatch(/V9001 rows_of_another_organization_seen: view public\.all_letters/)
    expect(error.message).toContain('from public.all_letters')
    const codes = [...error.message.matchAll(/^V\d{4} (\w+): /gm)].map(([, code]) => ({ finding: code as string }))
    await expectIsolated(database().adminUrl, { attack: false, accept: codes })
    const rules = await failureOf(expectIsolated(database().adminUrl, { attack: false }))
    expect(rules.message).toContain('view_bypasses_rls')
    expect(rules.message).not.toContain('V90')
  }, 300_000)

  it('says so when nothing answers', async () => {
    await expect(expectIsolated('postgres://nobody@127.0.0.1:1/nothing')).rejects.toMatchObject({
      code: 'database_unreachable',
    })
  })
})
