// Migrations in one home, on a real database: all of them or none, once, and never with an open table at the end.
import { untilWaiting, useTestDatabase, withClient } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prepareMigration } from '../migration/prepare.ts'
import type { TenantMigration } from '../migration/prepare.ts'
import { migrationFile } from '../migration/read-folder.ts'
import { applyTenantMigrations, homeMigrations } from './apply-tenant-migrations.ts'

const database = useTestDatabase()
let client: Client
let schemaName: string
let count = 0

beforeEach(async () => {
  client = new Client(database().migratorUrl)
  await client.connect()
  count += 1
  schemaName = `h_${String(count).padStart(16, '0')}`
  await client.query(`create schema ${schemaName} authorization rowhouse_owner`)
  await client.query('select from rowhouse.guard_schema($1::text::regnamespace)', [schemaName])
})
afterEach(() => client.end())

const prepare = (version: string, sql: string): Promise<TenantMigration> =>
  prepareMigration(migrationFile(version, 'test', sql))
const admin = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (connection) => (await connection.query<Row>(sql, values)).rows)
const tables = async (): Promise<string[]> =>
  (
    await admin<{ name: string }>(
      `select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r' order by 1`,
      [schemaName],
    )
  ).map(({ name }) => name)
const applied = (): Promise<object[]> =>
  admin('select version, checksum from rowhouse.applied_tenant_migrations where schema_name = $1 order by 1', [
    schemaName,
  ])

const CONTACTS = `begin;
create table contacts (id uuid primary key default gen_random_uuid(), email text);
select rowhouse.protect('contacts');
commit;`

describe('a home', () => {
  it('gets what it lacks, once, in one transaction with the note of it', async () => {
    const first = await prepare('20260101000000', CONTACTS)
    const second = await prepare(
      '20260102000000',
      'create index concurrently contacts_by_email on contacts (organization_id, email)',
    )
    expect(await applyTenantMigrations(client, { schemaName }, [first])).toBe('20260101000000')
    expect(await applyTenantMigrations(client, { schemaName }, [first, second])).toBe('20260102000000')
    expect(await applyTenantMigrations(client, { schemaName }, [first, second])).toBe('20260102000000')
    expect(await tables()).toEqual(['contacts'])
    expect(await applied()).toEqual([
      { version: '20260101000000', checksum: first.checksum },
      { version: '20260102000000', checksum: second.checksum },
    ])
    expect(await admin(`select rowhouse.is_protected($1::regclass) as protected`, [`${schemaName}.contacts`])).toEqual([
      { protected: true },
    ])
    expect((await client.query('show search_path')).rows).toEqual([{ search_path: '"$user", public' }])
  })

  it('is left as it was when a statement is refused, which is named by file and line', async () => {
    const broken = await prepare('20260101000000', `${CONTACTS}\nalter table contacts add column email text;`)
    await expect(applyTenantMigrations(client, { schemaName }, [broken])).rejects.toMatchObject({
      code: 'migration_failed',
      message: `20260101000000_test.sql:5 in ${schemaName}: column "email" of relation "contacts" already exists`,
      details: { version: '20260101000000', line: 5 },
    })
    expect(await tables()).toEqual([])
    expect(await applied()).toEqual([])
  })

  it('is refused a text other than the one that it has', async () => {
    await applyTenantMigrations(client, { schemaName }, [await prepare('20260101000000', CONTACTS)])
    const changed = await prepare('20260101000000', `${CONTACTS}\n-- more`)
    await expect(applyTenantMigrations(client, { schemaName }, [changed])).rejects.toMatchObject({
      code: 'tenant_migration_changed',
    })
  })

  it('is migrated by one program at a time', async () => {
    const other = new Client(database().migratorUrl)
    await other.connect()
    await other.query('begin')
    await other.query('select from rowhouse.begin_tenant_migrations($1)', [[schemaName]])
    const migrating = applyTenantMigrations(client, { schemaName }, [await prepare('20260101000000', CONTACTS)])
    await untilWaiting(database(), 'advisory')
    expect(await tables()).toEqual([])
    await other.query('commit')
    await other.end()
    expect(await migrating).toBe('20260101000000')
  })
})

describe('a table at the end of a migration', () => {
  const OPEN = 'create table secrets (id uuid primary key)'

  it('that is not protected is refused', async () => {
    await expect(
      applyTenantMigrations(client, { schemaName }, [await prepare('20260101000000', OPEN)]),
    ).rejects.toMatchObject({
      code: 'tenant_table_unprotected',
      message: expect.stringContaining('The migration leaves secrets unprotected.') as string,
    })
    expect(await tables()).toEqual([])
  })

  it('may be shared, part of a protected one, or one that is allowed and that no tenant reaches', async () => {
    const migration = await prepare(
      '20260101000000',
      `create table countries (code text primary key); select rowhouse.share('countries', 'the same for all');
       create table events (organization_id uuid not null default rowhouse.organization_id(), id uuid, at date, primary key (organization_id, id, at)) partition by range (at);
       create table events_1 partition of events for values from ('2026-01-01') to ('2027-01-01');
       select rowhouse.protect('events')`,
    )
    await applyTenantMigrations(client, { schemaName }, [migration])
    const allowed = await prepare(
      '20260102000000',
      `-- rowhouse: allow unprotected_table because only the owner reads it\n${OPEN}`,
    )
    await applyTenantMigrations(client, { schemaName }, [migration, allowed])
    expect(await tables()).toEqual(['countries', 'events_1', 'secrets'])
  })

  it('that tenants reach is refused whatever is allowed', async () => {
    const open = await prepare(
      '20260101000000',
      `-- rowhouse: allow unprotected_table because of the test\n${OPEN}; grant select on secrets to rowhouse_app`,
    )
    await expect(applyTenantMigrations(client, { schemaName }, [open])).rejects.toMatchObject({
      code: 'privilege_guarded',
    })
    await admin('alter event trigger rowhouse_guard_1_ddl disable')
    await expect(applyTenantMigrations(client, { schemaName }, [open])).rejects.toMatchObject({
      code: 'tenant_table_unprotected',
    })
    await admin('alter event trigger rowhouse_guard_1_ddl enable')
  })

  it('would stay open without the look at the end', async () => {
    await admin(`alter function rowhouse.end_tenant_migrations(name[], jsonb) rename to looking;
      create function rowhouse.end_tenant_migrations(schemas name[], migrations jsonb) returns void language sql as ''`)
    await applyTenantMigrations(client, { schemaName }, [await prepare('20260101000000', OPEN)])
    expect(await tables()).toEqual(['secrets'])
    await admin(`drop function rowhouse.end_tenant_migrations(name[], jsonb);
      alter function rowhouse.looking(name[], jsonb) rename to end_tenant_migrations`)
  })
})

describe('new homes', () => {
  it('get the migrations that are released, and no other', async () => {
    for (const [version, released] of [
      ['20260101000000', true],
      ['20260102000000', false],
    ] as const) {
      const { name, checksum, sql } = await prepare(
        version,
        version === '20260101000000' ? CONTACTS : 'alter table contacts add column phone text',
      )
      await admin(
        `insert into rowhouse.tenant_migrations (version, name, checksum, sql, released_at) values ($1, $2, $3, $4, case when $5 then now() end)`,
        [version, name, checksum, sql, released],
      )
    }
    const migrations = homeMigrations(client)
    expect(await migrations.version()).toBe('20260101000000')
    expect(await migrations.apply(client, { schemaName })).toBe('20260101000000')
    const before = await migrations.fingerprint()
    await admin('update rowhouse.tenant_migrations set released_at = now()')
    expect(await migrations.fingerprint()).not.toBe(before)
    expect(await migrations.apply(client, { schemaName })).toBe('20260102000000')
    await admin('delete from rowhouse.tenant_migrations')
  })
})
