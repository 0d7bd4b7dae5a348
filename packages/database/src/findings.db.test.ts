// Each rule of rowhouse.findings(): silent on a sound schema, loud when its one thing is broken.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const database = useTestDatabase()
beforeAll(async () => {
  await createTwoWorlds(database())
})

interface Finding {
  readonly code: string
  readonly severity: string
  readonly object: string
  readonly message: string
  readonly fix: string
}

/** Breaks the schema inside a transaction, reads the findings, and takes it back. */
async function findingsAfter(statements: string): Promise<Finding[]> {
  return withClient(database().adminUrl, async (admin) => {
    await admin.query('begin')
    await admin.query(statements)
    const { rows } = await admin.query<Finding>('select * from rowhouse.findings()')
    await admin.query('rollback')
    return rows
  })
}

describe('findings', () => {
  it('are none for what install and protect make', async () => {
    expect(await findingsAfter('select 1')).toEqual([])
  })

  it.each<[string, string, string]>([
    ['table_not_protected', 'create table bare (organization_id uuid, id int)', 'public.bare'],
    [
      'table_not_protected',
      'create table bare (organization_id uuid, id int); create policy other on bare as restrictive using (false)',
      'public.bare',
    ],
    [
      'table_not_protected',
      'drop policy rowhouse_organization on rowhouse_home.sync_links',
      'rowhouse_home.sync_links',
    ],
    [
      'policy_differs',
      'alter policy rowhouse_organization on rowhouse_home.sync_marks using (true)',
      'rowhouse_home.sync_marks',
    ],
    [
      'rls_not_forced',
      'alter table rowhouse_home.sync_fences no force row level security',
      'rowhouse_home.sync_fences',
    ],
    ['rls_disabled', 'alter table notes disable row level security', 'public.notes'],
    ['rls_not_forced', 'alter table notes no force row level security', 'public.notes'],
    ['policy_differs', 'alter policy rowhouse_organization on notes using (true)', 'public.notes'],
    ['policy_differs', 'alter policy rowhouse_organization on notes with check (true)', 'public.notes'],
    ['policy_differs', 'alter policy rowhouse_organization on notes to rowhouse_app', 'public.notes'],
    ['change_log_missing', 'drop trigger "!rowhouse_change_log_update" on notes', 'public.notes'],
    ['change_log_missing', 'drop trigger "!rowhouse_change_log_deletes" on notes', 'public.notes'],
    ['change_log_missing', 'drop trigger rowhouse_log_truncate on notes', 'public.notes'],
    ['change_log_missing', 'alter table notes enable trigger "!rowhouse_change_log_insert"', 'public.notes'],
    ['key_without_organization', 'alter table notes drop constraint notes_pkey, add primary key (id)', 'public.notes'],
    ['key_without_organization', 'alter table notes add unique (body)', 'public.notes'],
    ['unique_index_without_organization', 'create unique index oracle on notes (lower(body))', 'public.oracle'],
    [
      'reference_without_organization',
      'create table tags (organization_id uuid, note uuid); alter table folders add unique (id); alter table tags add foreign key (note) references folders (id)',
      'public.tags',
    ],
    ['view_bypasses_rls', 'create view all_notes as select * from notes', 'public.all_notes'],
    [
      'copy_of_rows',
      'create materialized view copy as select * from notes; grant select on copy to rowhouse_app',
      'public.copy',
    ],
    ['app_privilege', 'grant truncate on notes to rowhouse_app', 'public.notes'],
    ['app_privilege', 'grant references on notes to public', 'public.notes'],
    ['login_bypasses_rls', 'alter role rowhouse_app bypassrls', 'rowhouse_app'],
    [
      'login_bypasses_rls',
      'create role door; grant rowhouse_owner to door; grant door to rowhouse_app',
      'rowhouse_owner',
    ],
    ['login_bypasses_rls', 'grant rowhouse_migrator to rowhouse_app', 'rowhouse_migrator'],
    ['migrator_held_by_rls', 'alter role rowhouse_migrator nobypassrls', 'rowhouse_migrator'],
    ['public_function', 'grant execute on function lo_create(oid) to public', 'lo_create(oid)'],
    ['public_function', 'grant execute on function pg_advisory_lock(bigint) to public', 'pg_advisory_lock(bigint)'],
    ['public_function', 'grant execute on function rowhouse.log_change() to public', 'rowhouse.log_change()'],
    // As every database made before Postgres 15 has it.
    ['app_creates', 'grant create on schema public to public', 'public'],
    ['queries_visible', 'alter role rowhouse_app reset track_activities', 'rowhouse_app'],
  ])('%s: %s', async (code, statements, object) => {
    const found = await findingsAfter(statements)
    expect(found.map((finding) => [finding.code, finding.object])).toContainEqual([code, object])
    for (const { message, fix } of found) {
      expect(message).toMatch(/\S/)
      expect(fix).toMatch(/\S/)
    }
  })

  it('public_temporary: a clone gives TEMP back to everybody', async () => {
    const { name } = database()
    const found = await findingsAfter(`grant temporary on database ${name} to public`)
    expect(found.map(({ code }) => code)).toEqual(['public_temporary'])
  })

  it('a security_invoker view and an unprotected table of no organization are fine', async () => {
    const statements = `create view safe with (security_invoker = true) as select * from notes; create table plain (id int)`
    expect(await findingsAfter(statements)).toEqual([])
  })

  it('the fix of a finding, run, ends it', async () => {
    const broken =
      'alter table notes no force row level security; grant truncate on notes to rowhouse_app; create view v as select * from notes'
    const fixes = (await findingsAfter(broken)).map(({ fix }) => fix)
    expect(fixes).toHaveLength(3)
    expect(await findingsAfter([broken, ...fixes].join(';\n'))).toEqual([])
  })
})
