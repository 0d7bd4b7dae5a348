// New tables of many homes, which get them from the first home of their transaction.
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkDrift } from '../drift/drift.ts'
import { contacts, prepareAll } from '../fixtures/test-fleet.ts'
import type { TenantMigration } from '../migration/prepare.ts'
import { rollOut } from './roll-out.ts'

const database = useTestDatabase()
const HOMES = 12
let homes: TestHome[]

const admin = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(sql, values)).rows)

/** Notes which homes were given a table, and whether they kept it. */
beforeEach(async () => {
  homes = await makeHomes(database(), HOMES)
  await admin(`create table public.given (name text, home name, made boolean);
    grant insert on public.given to rowhouse_migrator;
    alter function rowhouse.make_alike(regclass, name[]) rename to make_alike_quietly;
    create function rowhouse.make_alike(source regclass, schemas name[]) returns boolean language plpgsql as $$
      declare made boolean := rowhouse.make_alike_quietly(source, schemas);
      begin
        insert into public.given select (select relname from pg_class where oid = source), unnest(schemas), made;
        return made;
      end $$`)
})
afterEach(async () => {
  await dropHomes(database())
  await admin(`drop function rowhouse.make_alike(regclass, name[]);
    alter function rowhouse.make_alike_quietly(regclass, name[]) rename to make_alike;
    drop table public.given;
    drop table if exists public.files, public.numbers, public.notes, public.contacts`)
})

const given = (): Promise<{ name: string; made: boolean; homes: number }[]> =>
  admin('select name, made, count(distinct home)::int as homes from public.given group by 1, 2 order by 1, 2')

const NEW = `create table notes (
  id uuid primary key default gen_random_uuid(), body text default 'it''s', parent_id uuid references notes
);
select rowhouse.protect('notes', '{"timestamps": true}');
create index notes_by_body on notes (organization_id, body);
create table numbers (id serial primary key);
select rowhouse.protect('numbers');
create table files (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null, contact_id uuid,
  primary key (organization_id, id), foreign key (organization_id, contact_id) references contacts
);
select rowhouse.protect('files')`

/** All in one wave after the first, in one transaction after a few. */
const run = async (migrations: TenantMigration[]): Promise<unknown> =>
  rollOut({
    catalogueUrl: database().migratorUrl,
    migrations,
    pace: { waves: [100], connections: 1, transactionMs: 60_000 },
    wait: () => Promise.resolve(),
  })

describe('new tables', () => {
  it('are the same in every home, and a rollout finds no drift', async () => {
    const migrations = await prepareAll(['20260101000000', contacts], ['20260102000000', NEW])
    await run(migrations)
    expect(await checkDrift({ catalogueUrl: database().migratorUrl })).toMatchObject({
      homes: HOMES + 1,
      drifted: [],
      behind: 0,
    })
    // Transactions of one home, four and seven; the first home of each gives.
    expect(await given()).toEqual([
      { name: 'contacts', made: true, homes: 9 },
      { name: 'files', made: true, homes: 9 },
      { name: 'notes', made: true, homes: 9 },
      { name: 'numbers', made: false, homes: 9 },
    ])
  })

  it('are made by protect() where somebody meddles with them in one home', async () => {
    const { id, schemaName } = homes.at(-1) as TestHome
    await admin(`create function public.meddle() returns event_trigger language plpgsql security definer as $$
        begin
          if exists (select from pg_event_trigger_ddl_commands() c where c.object_identity = '${schemaName}.notes') then
            alter table ${schemaName}.notes disable row level security, add column noted_at timestamptz;
          end if;
        end $$;
      create event trigger meddle on ddl_command_end when tag in ('CREATE TABLE') execute function public.meddle()`)
    try {
      await run(await prepareAll(['20260101000000', contacts], ['20260102000000', NEW]))
      const weak = await Promise.all(
        homes.map((home) => admin('select message from rowhouse.home_weaknesses($1)', [home.schemaName])),
      )
      expect(weak.flat()).toEqual([])
      const { drifted } = await checkDrift({ catalogueUrl: database().migratorUrl })
      expect(drifted.map(({ homeId }) => homeId)).toEqual([id])
      // What was rolled back has left no line; the homes of the other transactions kept theirs.
      expect(await given()).toContainEqual({ name: 'notes', made: true, homes: 3 })
    } finally {
      await admin('drop event trigger meddle; drop function public.meddle()')
    }
  })
})
