// Drift: what differs is found and named, in whichever home; what is only each home's own is not.
import { dropHomes, makeHomes, useTestDatabase, withClient } from '@rowhouse/testkit'
import type { TestHome } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contacts, prepareAll } from '../fixtures/test-fleet.ts'
import { rollOut } from '../run/roll-out.ts'
import { checkDrift } from './drift.ts'
import type { DriftReport } from './drift.ts'

const database = useTestDatabase()
let homes: TestHome[]

const admin = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(sql, values)).rows)
const check = (): Promise<DriftReport> => checkDrift({ catalogueUrl: database().migratorUrl })

const REST = `create type stages as enum ('open', 'won');
create domain positive as int check (value > 0);
create table deals (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
  contact_id uuid, stage stages not null default 'open', seats positive, number serial,
  primary key (organization_id, id), unique (organization_id, number),
  foreign key (organization_id, contact_id) references contacts (organization_id, id)
);
select rowhouse.protect('deals', '{"timestamps": true}');
create index deals_by_stage on deals (organization_id, stage) where stage = 'open';
create view open_deals with (security_invoker = true) as select id, number from deals where stage = 'open';
grant select on open_deals to rowhouse_app, authenticated;
create function doubled(n int) returns int language plpgsql immutable as $$ begin return n * 2; end $$;
create function stamp() returns trigger language plpgsql as $$ begin new.number := public_number(new.number); return new; end $$;
create function public_number(n int) returns int language sql return n;
create trigger stamp before insert on deals for each row execute function stamp()`

beforeAll(async () => {
  homes = await makeHomes(database(), 3, 1)
  await admin('create table public.of_the_application (id int primary key)')
  await rollOut({
    catalogueUrl: database().migratorUrl,
    migrations: await prepareAll(
      ['20260101000000', contacts],
      ['20260102000000', REST],
      ['20260103000000', 'create index concurrently contacts_by_email on contacts (organization_id, email)'],
    ),
  })
})
afterAll(() => dropHomes(database()))

const schema = (): string => (homes[1] as TestHome).schemaName

describe('drift', () => {
  it('is none after a rollout: in schemas, in a spare and in the tables that many share', async () => {
    expect(await check()).toMatchObject({ homes: 5, drifted: [], unreachable: [], behind: 0, target: '20260103000000' })
  })

  it('a function elsewhere that only names the schema is not of it: a database of one organization lives in public', async () => {
    const functions = await admin<{ object: string }>(
      "select object from rowhouse.structure('public') where line like 'function %' order by 1",
    )
    expect(functions.map(({ object }) => object)).toEqual(['doubled', 'public_number', 'stamp'])
  })

  it.each([
    [
      'a column',
      'alter table $.contacts add column phone text',
      'alter table $.contacts drop column phone',
      [['extra', 'column contacts.phone text']],
    ],
    [
      'a type',
      'alter table $.deals alter column seats type int',
      'alter table $.deals alter column seats type $.positive',
      [
        ['missing', 'column deals.seats positive'],
        ['extra', 'column deals.seats integer'],
      ],
    ],
    [
      'an index',
      'drop index $.deals_by_stage',
      "create index deals_by_stage on $.deals (organization_id, stage) where stage = 'open'",
      [
        [
          'missing',
          "index deals.deals_by_stage CREATE INDEX deals_by_stage ON deals USING btree (organization_id, stage) WHERE (stage = 'open'::stages)",
        ],
      ],
    ],
    [
      'a grant',
      'grant select on $.open_deals to public',
      'revoke select on $.open_deals from public',
      [['extra', 'grant on open_deals: SELECT to public']],
    ],
    [
      'a default',
      "alter table $.deals alter column stage set default 'won'",
      "alter table $.deals alter column stage set default 'open'",
      [
        ['missing', "column deals.stage stages not null default 'open'::stages"],
        ['extra', "column deals.stage stages not null default 'won'::stages"],
      ],
    ],
    [
      'a trigger',
      'alter table $.deals disable trigger stamp',
      'alter table $.deals enable trigger stamp',
      [
        [
          'missing',
          'trigger deals.stamp O CREATE TRIGGER stamp BEFORE INSERT ON deals FOR EACH ROW EXECUTE FUNCTION stamp()',
        ],
        [
          'extra',
          'trigger deals.stamp D CREATE TRIGGER stamp BEFORE INSERT ON deals FOR EACH ROW EXECUTE FUNCTION stamp()',
        ],
      ],
    ],
    [
      'a table',
      'create table $.more (id int)',
      'drop table $.more',
      [
        ['extra', 'column more.id integer'],
        ['extra', 'owner of more: postgres'],
        ['extra', 'table more'],
      ],
    ],
    [
      'row security',
      'alter table $.contacts no force row level security',
      'alter table $.contacts force row level security',
      [
        ['missing', 'table contacts, row security, forced'],
        ['extra', 'table contacts, row security'],
      ],
    ],
  ])('is found and named: %s', async (_, change, back, differences) => {
    await admin(change.replaceAll('$', schema()))
    const { drifted } = await check()
    await admin(back.replaceAll('$', schema()))
    expect(drifted.map(({ name }) => name)).toEqual([`org-1 (${schema()})`])
    expect(
      drifted[0]?.differences
        .map(({ kind, line }) => [kind, line])
        .toSorted((a, b) => String(a).localeCompare(String(b))),
    ).toEqual([...differences].toSorted((a, b) => String(a).localeCompare(String(b))))
  })

  it('is found in the tables that many share, and is no other table of that schema', async () => {
    await admin('alter table public.contacts add column phone text')
    const { drifted } = await check()
    await admin('alter table public.contacts drop column phone')
    expect(drifted).toMatchObject([
      { name: 'the shared database', differences: [{ kind: 'extra', line: 'column contacts.phone text' }] },
    ])
  })

  it('is what the ledger and the home say differently', async () => {
    await admin(
      `delete from rowhouse.applied_tenant_migrations where schema_name = $1 and version = '20260103000000'`,
      [schema()],
    )
    const { drifted } = await check()
    expect(drifted).toMatchObject([{ version: '20260103000000', localVersion: '20260102000000', differences: [] }])
  })

  it('leaves nothing behind, and keeps its last report', async () => {
    const { checkedAt } = await check()
    expect(await admin(`select from pg_namespace where nspname like 'rowhouse\\_scratch%'`)).toEqual([])
    expect(
      await admin(`select report ->> 'checkedAt' as at from rowhouse.drift_reports order by id desc limit 1`),
    ).toEqual([{ at: checkedAt }])
  })

  it('names a home whose database is gone, and looks at the others', async () => {
    await admin(
      `insert into rowhouse.homes (cluster, database_name, isolation, login, state) values ('main', 'not_there', 'database', 'rowhouse_h_00', 'spare')`,
    )
    const report = await check()
    await admin(`delete from rowhouse.homes where database_name = 'not_there'`)
    expect(report.unreachable).toMatchObject([{ name: 'spare not_there' }])
    expect(report.homes).toBe(6)
  })
})
