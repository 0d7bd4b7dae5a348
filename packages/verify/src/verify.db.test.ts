// A whole verification of databases as they come: made by protect, weak logins, thousands of tables, odd names, nothing
// to judge, a catalogue that refuses.
import { createTwoWorlds, useSupabaseDatabase, useTestDatabase, withClient } from '@rowhouse/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { findInTransaction } from './findings/run.ts'
import { verify } from './verify.ts'

const rowhouse = useTestDatabase()
const bare = useTestDatabase()
const project = useSupabaseDatabase()

beforeAll(async () => {
  await createTwoWorlds(rowhouse())
  await withClient(rowhouse().migratorUrl, (migrator) =>
    migrator.query(`
      create table events (
        organization_id uuid not null default rowhouse.organization_id(),
        id uuid not null default gen_random_uuid(), body text, primary key (organization_id, id)
      ) partition by hash (organization_id);
      create table events_0 partition of events for values with (modulus 2, remainder 0);
      create table events_1 partition of events for values with (modulus 2, remainder 1);
      select rowhouse.protect('events');
    `),
  )
  await createTwoWorlds(project())
  await withClient(bare().adminUrl, (admin) =>
    admin.query('drop schema rowhouse_home cascade; drop schema rowhouse cascade'),
  )
})

const notesOf = (findings: readonly { severity: string; code: string }[]): string[] =>
  findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code)

describe('a database that protect made', () => {
  it('has no finding, with partitions, as every login that may read its catalogue', async () => {
    for (const url of [rowhouse().adminUrl, rowhouse().migratorUrl]) {
      const { findings, outcome, undecided, database } = await verify({ url, failOn: 'info' })
      expect(findings).toEqual([])
      expect(undecided).toEqual([])
      expect(outcome).toBe('clean')
      expect(database.rowhouse).toBeGreaterThan(0)
    }
  })

  it('has no error and no warning of its own on Supabase', async () => {
    const { findings, undecided, database } = await verify({ url: project().postgresUrl })
    expect(undecided).toEqual([])
    expect(database.supabase).toBe(true)
    const known = await withClient(project().migratorUrl, async (migrator) => {
      const { rows } = await migrator.query<{ code: string }>('select code from rowhouse.findings()')
      return rows.map(({ code }) => code)
    })
    // What only a superuser could mend there, rowhouse.findings() says as well.
    expect(notesOf(findings).filter((code) => !known.includes(code))).toEqual([])
  })

  it('is judged by rowhouse.findings() as it is by the rules, sound and broken', async () => {
    await withClient(rowhouse().adminUrl, async (admin) => {
      for (const statements of [
        'select 1',
        'alter table notes no force row level security',
        'grant truncate on notes to rowhouse_app; create view v as select * from notes',
        'alter role rowhouse_app bypassrls; create policy open on folders using (true); drop policy rowhouse_organization on folders',
        'create table bare (organization_id uuid, id int)',
        'alter table notes add unique (body); grant create on schema public to public',
      ]) {
        await admin.query('begin')
        await admin.query(`set local search_path = public; ${statements}`)
        const { rows } = await admin.query<{ found: string }>(
          `select code || ' ' || object as found from rowhouse.findings()`,
        )
        const { findings } = await findInTransaction(admin, {})
        await admin.query('rollback')
        const told = findings.map(
          ({ code, object }) => `${code} ${object.replace(/^(materialized view|foreign table|\w+) /, '')}`,
        )
        expect(told).toEqual(expect.arrayContaining(rows.map(({ found }) => found)))
        const own = new Set(findings.filter(({ rule }) => rule.startsWith('V00')).map(({ code }) => code))
        expect(rows.map(({ found }) => found.split(' ')[0])).toEqual(expect.arrayContaining([...own]))
      }
    })
  })
})

describe('a database that is hard to judge', () => {
  const inBare = async (statements: string, options: Parameters<typeof findInTransaction>[1] = {}) =>
    withClient(bare().adminUrl, async (admin) => {
      await admin.query('begin')
      await admin.query(statements)
      const result = await findInTransaction(admin, options)
      await admin.query('rollback')
      return result
    })

  it('is undecided without tables of tenants, and says what to name', async () => {
    const { outcome, undecided, findings } = await verify({ url: bare().adminUrl })
    expect(notesOf(findings)).toEqual([])
    expect(outcome).toBe('undecided')
    expect(undecided.join(' ')).toContain('--tenant-column')
    expect(undecided.join(' ')).toContain('--role')
  })

  it('with 2,000 tables is judged whole', async () => {
    const { findings, model } = await inBare(
      `create role many_app login; create table tenants (id uuid primary key);
       do $$ begin for n in 1..2000 loop
         execute format('create table t_%s (tenant_id uuid not null references tenants, id uuid, primary key (tenant_id, id))', n);
         execute format('alter table t_%s enable row level security', n);
         execute format('create policy p on t_%s using (tenant_id = (select current_setting(%L, true)::uuid))', n, 'app.tenant');
         execute format('grant select on t_%s to many_app', n);
       end loop; end $$; drop policy p on t_77; create policy p on t_77 using (true)`,
    )
    expect(model.tables).toHaveLength(2001)
    expect(findings.filter(({ severity }) => severity === 'error').map(({ object }) => object)).toEqual([
      'policy p on public.t_77',
    ])
  })

  it('names objects whatever their names hold, and its fixes run', async () => {
    const odd = `odd "name"\n'; drop table x; -- é 表`
    const quoted = `"${odd.replaceAll('"', '""')}"`
    const schema = `create role odd_app login; create table tenants (id uuid primary key);
      create table ${quoted} ("tenantId" uuid not null references tenants, id uuid, primary key ("tenantId", id));
      grant select on ${quoted} to odd_app`
    const { findings } = await inBare(schema)
    const found = findings.find(({ code }) => code === 'rls_disabled')
    expect(found?.object).toBe(`table public.${quoted}`)
    const after = await inBare(`${schema}; ${found?.fix}`)
    expect(after.findings.map(({ code }) => code)).not.toContain('rls_disabled')
  })

  it('with inheritance, foreign tables and partitions by their own names finds each way', async () => {
    const { findings } = await inBare(`
      create role way_app login; create table tenants (id uuid primary key);
      create table parent (tenant_id uuid not null references tenants, id uuid, primary key (tenant_id, id));
      create table child () inherits (parent);
      alter table parent enable row level security;
      create policy p on parent using (tenant_id = (select current_setting('app.tenant', true)::uuid));
      create foreign data wrapper nothing; create server elsewhere foreign data wrapper nothing;
      create foreign table remote (tenant_id uuid, id uuid) server elsewhere;
      grant select on parent, child, remote to way_app`)
    const errors = findings
      .filter(({ severity }) => severity === 'error')
      .map(({ code, object }) => `${code} ${object}`)
    expect(errors).toEqual([
      'foreign_table_exposed foreign table public.remote',
      'partition_exposed table public.child',
    ])
  })

  it('believes what it is told: column, roles, table, schemas', async () => {
    const schema = `create role told_app login; create schema school; grant usage on schema school to told_app;
      create table school.pupils (school_key int not null, id int primary key); grant select on school.pupils to told_app`
    expect((await inBare(schema)).model.tables).toEqual([])
    const told = await inBare(schema, { tenantColumn: 'school_key', roles: ['told_app'], schemas: ['school'] })
    expect(told.findings.map(({ code }) => code)).toContain('rls_disabled')
    await expect(inBare(schema, { roles: ['nobody'] })).rejects.toThrow('There is no role nobody')
    await expect(inBare(schema, { schemas: ['nowhere'] })).rejects.toThrow('There is no schema nowhere')
    await expect(inBare(schema, { tenantColumn: 'nothing' })).rejects.toThrow('There is no column nothing')
    await expect(inBare(schema, { tenantTable: 'school.none' })).rejects.toThrow('There is no table school.none')
    await expect(inBare(schema, { rules: ['V9999'] })).rejects.toThrow('There is no rule V9999')
  })

  it('asks only the rules that are chosen', async () => {
    const schema = `create role rules_app login; create table tenants (id uuid primary key);
      create table t (tenant_id uuid references tenants, id int primary key); grant select on t to rules_app`
    const codes = async (rules: string[]) => (await inBare(schema, { rules })).findings.map(({ code }) => code)
    expect(await codes(['V01'])).toContain('rls_disabled')
    expect(await codes(['V01', '-rls_disabled'])).not.toContain('rls_disabled')
    expect(await codes(['-V01'])).not.toContain('rls_disabled')
  })

  it('a rule that the login may not ask makes it undecided, and the others are asked', async () => {
    await withClient(bare().adminUrl, (admin) =>
      admin.query(`drop role if exists weak_reader; create role weak_reader login password 'weak';
        create table tenants (id uuid primary key); create table t (tenant_id uuid references tenants, id int primary key);
        create role weak_app login; grant select on t to weak_app;
        revoke select on pg_publication from public`),
    )
    const url = new URL(bare().adminUrl)
    url.username = 'weak_reader'
    url.password = 'weak'
    try {
      const { undecided, findings, outcome } = await verify({ url: url.href })
      expect(undecided.some((reason) => reason.includes('could not be asked: permission denied'))).toBe(true)
      expect(findings.map(({ code }) => code)).toContain('rls_disabled')
      expect(outcome).toBe('findings')
      expect((await verify({ url: url.href, rules: ['publication_without_filter'] })).outcome).toBe('undecided')
    } finally {
      await withClient(bare().adminUrl, (admin) =>
        admin.query(
          `drop table t; drop table tenants; drop role weak_app; drop role weak_reader; grant select on pg_publication to public`,
        ),
      )
    }
  })

  it('that cannot be reached, or refuses the login, is a coded error', async () => {
    await expect(verify({ url: 'postgres://x@127.0.0.1:1/x' })).rejects.toMatchObject({ code: 'database_unreachable' })
    const url = new URL(bare().appUrl)
    url.password = 'wrong'
    await expect(verify({ url: url.href })).rejects.toMatchObject({ code: 'database_login_refused' })
  })

  it('is read in a read-only transaction: nothing can be written by accident', async () => {
    const { undecided } = await verify({ url: rowhouse().adminUrl })
    expect(undecided).toEqual([])
    await withClient(rowhouse().adminUrl, async (admin) => {
      await admin.query('begin isolation level repeatable read, read only')
      await expect(admin.query('create table scribble ()')).rejects.toThrow('read-only')
    })
  })
})
