// The helper for a team's own tests, on a protected schema and on one with a hole.
import { AssertionError } from 'node:assert'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

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

/** An application without Rowhouse, with a login and a hole of its own: small, so that it is attacked in seconds. */
const holed = (): { name: string; login: string; url: string } => {
  const name = `${database().name}_holed`
  return { name, login: `web_${name}`, url: Object.assign(new URL(database().adminUrl), { pathname: `/${name}` }).href }
}
beforeAll(async () => {
  const { name, login, url } = holed()
  await withClient(database().adminUrl, (admin) => admin.query(`create database ${name}`))
  await withClient(url, (admin) =>
    admin.query(`
      create role ${login} login;
      create table letters (tenant_id uuid not null, id uuid not null, title text not null, primary key (tenant_id, id));
      alter table letters enable row level security;
      alter table letters force row level security;
      create policy own on letters using (tenant_id = nullif(current_setting('app.tenant', true), '')::uuid);
      create view all_letters as select * from letters;
      grant select, insert, update, delete on letters to ${login};
      grant select on all_letters to ${login}`),
  )
})
afterAll(() =>
  withClient(database().adminUrl, async (admin) => {
    await admin.query(`drop database if exists ${holed().name} with (force)`)
    await admin.query(`drop role if exists ${holed().login}`)
  }),
)

/** A busy machine decides as much as a quiet one. */
const attacks = { attackSeconds: 900, statementTimeoutMs: 10_000 }

const failureOf = (promise: Promise<void>): Promise<AssertionError> =>
  promise.then(
    () => {
      throw new Error('It found nothing.')
    },
    (error: AssertionError) => error,
  )

describe('expectIsolated', () => {
  it('passes on what protect makes', async () => {
    // A part of it: that the whole has no finding is for the tests of attacks to say.
    const only = ['public.letters', 'rowhouse.organization*', 'rowhouse.members']
    await expect(expectIsolated(database().adminUrl, { attacks: { ...attacks, only } })).resolves.toBeUndefined()
  }, 300_000)

  it('fails on a hole with SQL that reproduces it, and lets the team accept it', async () => {
    const { url } = holed()
    const error = await failureOf(expectIsolated({ url }, { attacks }))
    expect(error).toBeInstanceOf(AssertionError)
    expect(error.message).toMatch(/^Organizations are not apart: \d+ findings?\./)
    expect(error.message).toContain('view_bypasses_rls')
    expect(error.message).toMatch(/V9001 rows_of_another_organization_seen: view public\.all_letters/)
    expect(error.message).toContain('from public.all_letters')
    const codes = [...error.message.matchAll(/^V\d{4} (\w+): /gm)].map(([, code]) => ({ finding: code as string }))
    await expectIsolated(url, { attack: false, accept: codes })
    const rules = await failureOf(expectIsolated(url, { attack: false }))
    expect(rules.message).toContain('view_bypasses_rls')
    expect(rules.message).not.toContain('V90')
  }, 300_000)

  it('names the way out for a login that is no superuser, beside which no scratch database can be attacked', async () => {
    const error = await failureOf(expectIsolated(database().migratorUrl))
    expect(error).toBeInstanceOf(AssertionError)
    expect(error.message).toContain('Undecided: Nothing was attacked: rowhouse_migrator is no superuser')
    expect(error.message).toContain('name a superuser: --scratch-url postgres://…, in code clone.scratch.')
  })

  it('says so when nothing answers', async () => {
    await expect(expectIsolated('postgres://nobody@127.0.0.1:1/nothing')).rejects.toMatchObject({
      code: 'database_unreachable',
    })
  })
})
