// A rollout over a thousand schemas: what one of them refuses, and what two runners at once come to. The migrations make and
// widen a type, which is the shortest that a home can be asked for.
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { prepareAll } from '../fixtures/test-fleet.ts'
import { readFleetStatus } from '../status.ts'
import type { RolloutEvent } from './events.ts'
import { rollOut } from './roll-out.ts'
import type { RolloutOptions } from './options.ts'
import type { RolloutResult } from './roll-out.ts'

const database = useTestDatabase()
const HOMES = 1000
/** With the one that many share. */
const ALL = HOMES + 1
const FIRST = ['20260101000000', `create type stage as enum ('open')`] as const
const SECOND = ['20260102000000', `create type mood as enum ('good')`] as const
let events: RolloutEvent[] = []

const admin = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  withClient(database().adminUrl, async (client) => (await client.query<Row>(sql, values)).rows)

const run = async (
  texts: readonly (readonly [string, string])[],
  more: Partial<RolloutOptions> = {},
): Promise<RolloutResult> =>
  rollOut({
    catalogueUrl: database().migratorUrl,
    migrations: await prepareAll(...texts),
    onEvent: (event) => events.push(event),
    wait: () => Promise.resolve(),
    ...more,
  })

const versions = (): Promise<{ version: string | null; homes: number }[]> =>
  admin('select version::text, count(*)::int as homes from rowhouse.homes group by 1 order by 1 nulls first')
/** Homes that have the type, and homes that note it: both or neither. */
const halves = (type: string, version: string): Promise<{ only_there: number; only_noted: number; both: number }[]> =>
  admin(
    `select (count(*) filter (where t.there and not n.noted))::int as only_there,
       (count(*) filter (where n.noted and not t.there))::int as only_noted, (count(*) filter (where n.noted and t.there))::int as both
     from rowhouse.homes h
     cross join lateral (select to_regtype(format('%I.%I', h.schema_name, $1::text)) is not null as there) t
     cross join lateral (
       select exists (select from rowhouse.applied_tenant_migrations a where a.schema_name = h.schema_name and a.version = $2) as noted
     ) n`,
    [type, version],
  )
const schemaOf = async (slug: string): Promise<string> =>
  (
    await admin<{ name: string }>(
      'select h.schema_name as name from rowhouse.homes h join rowhouse.organizations o on o.id = h.organization_id where o.slug = $1',
      [slug],
    )
  )[0]?.name ?? ''

beforeAll(async () => {
  // In one statement each: a thousand of anything else takes as long as the tests.
  for (let from = 0; from < HOMES; from += 100) {
    await admin(`do $make$
      declare home uuid; place name; comes name;
      begin
        for n in ${from}..${from + 99} loop
          home := gen_random_uuid();
          place := 'h_' || left(replace(home::text, '-', ''), 16);
          comes := 'rowhouse_' || place;
          insert into rowhouse.organizations (id, name, slug) values (home, 'Org ' || n, 'org-' || n);
          execute format('create role %I nologin', comes);
          execute format('create schema %I authorization rowhouse_owner', place);
          perform rowhouse.register_home(place, comes, home);
          insert into rowhouse.homes (id, cluster, schema_name, login, isolation, state, organization_id)
          values (home, 'main', place, comes, 'schema', 'assigned', home);
          insert into rowhouse.placements (organization_id, schema_name, isolation, login, home_id)
          values (home, place, 'schema', comes, home);
        end loop;
      end $make$`)
  }
  await run([FIRST])
})

afterAll(async () => {
  for (let from = 0; from < HOMES; from += 100) {
    await admin(`do $drop$
      declare home record;
      begin
        for home in select h.schema_name, h.login from rowhouse.homes h join pg_roles r on r.rolname = h.login limit 100 loop
          execute format('drop schema %I cascade', home.schema_name);
          execute format('drop owned by %I', home.login);
          execute format('drop role %I', home.login);
        end loop;
      end $drop$`)
  }
})

beforeEach(() => {
  events = []
})
/** Back to the first migration, everywhere. */
afterEach(async () => {
  for (let from = 0; from < ALL; from += 100) {
    await admin(`do $undo$
      declare home record;
      begin
        for home in
          select h.schema_name from rowhouse.homes h
          where to_regtype(format('%I.mood', h.schema_name)) is not null limit 100
        loop
          execute format('drop type %I.mood', home.schema_name);
        end loop;
      end $undo$`)
  }
  await admin(`delete from rowhouse.applied_tenant_migrations where version > '${FIRST[0]}';
    delete from rowhouse.tenant_migrations where version > '${FIRST[0]}';
    update rowhouse.homes set version = ${FIRST[0]};
    delete from rowhouse.rollouts where target > '${FIRST[0]}'`)
})

it('one schema of a thousand that refuses a migration is named, and is the only one without it', async () => {
  const broken = await schemaOf('org-777')
  await admin(`create type ${broken}.mood as enum ('made by hand')`)
  await expect(run([FIRST, SECOND])).rejects.toMatchObject({
    code: 'rollout_incomplete',
    details: { done: ALL - 1, failed: 1, blocked: 0 },
  })
  expect(events.filter(({ type }) => type === 'home')).toMatchObject([
    { state: 'failed', name: `org-777 (${broken})`, code: 'migration_failed', version: SECOND[0], line: 1 },
  ])
  expect(await halves('mood', SECOND[0])).toEqual([{ only_there: 1, only_noted: 0, both: ALL - 1 }])
  await admin(`drop type ${broken}.mood`)
  expect(await run([FIRST, SECOND])).toMatchObject({ state: 'done', homes: 1 })
  expect(await versions()).toEqual([{ version: SECOND[0], homes: ALL }])
})

it('one schema of a thousand whose lock is never granted is left for later; the others have it', async () => {
  const held = await schemaOf('org-500')
  const holder = new Client(database().migratorUrl)
  await holder.connect()
  try {
    await holder.query('begin')
    await holder.query('select from rowhouse.begin_tenant_migrations($1)', [[held]])
    await expect(run([FIRST, SECOND], { pace: { lockTimeoutMs: 30, lockAttempts: 3 } })).rejects.toMatchObject({
      code: 'rollout_incomplete',
      details: { done: ALL - 1, failed: 0, blocked: 1 },
    })
  } finally {
    await holder.end()
  }
  expect((await readFleetStatus(database().migratorUrl)).open).toMatchObject([
    { slug: 'org-500', state: 'blocked', code: 'home_locked' },
  ])
  expect(await run([FIRST, SECOND])).toMatchObject({ state: 'done', homes: 1 })
  expect(await halves('mood', SECOND[0])).toEqual([{ only_there: 0, only_noted: 0, both: ALL }])
})

it('two rollouts at once over a thousand schemas are one, and every schema has the migration once', async () => {
  const came = await Promise.allSettled([run([FIRST, SECOND]), run([FIRST, SECOND])])
  const outcomes = came.toSorted((a, b) => a.status.localeCompare(b.status))
  expect(outcomes).toMatchObject([
    { status: 'fulfilled', value: { state: 'done', homes: ALL } },
    { status: 'rejected', reason: { code: 'rollout_running' } },
  ])
  expect(await halves('mood', SECOND[0])).toEqual([{ only_there: 0, only_noted: 0, both: ALL }])
})

it('goes many schemas to a transaction, as far as time and the lock table allow', async () => {
  await run([FIRST, SECOND], { pace: { waves: [100], connections: 1, transactionMs: 60_000 } })
  const [most] = await admin<{ homes: number }>(
    `select count(*)::int as homes from rowhouse.applied_tenant_migrations where version = '${SECOND[0]}' group by xmin order by 1 desc limit 1`,
  )
  // The locks of one home alone, with all that a transaction takes on the catalogue, would allow a third of it.
  expect(most?.homes).toBe(100)
})
