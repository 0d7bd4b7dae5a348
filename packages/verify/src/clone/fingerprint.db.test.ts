// A fault of the copy must show: each thing that holds organizations apart is taken away from one, and the fingerprint
// names the object it is gone from.
import { createTwoWorlds, useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { compareFingerprints, fingerprint } from './fingerprint.ts'

const database = useTestDatabase()

beforeAll(async () => {
  await createTwoWorlds(database())
  await withClient(database().adminUrl, (admin) =>
    admin.query(`
      create view public.note_bodies with (security_invoker = true) as select id, body from public.notes;
      create function public.peek() returns text language sql security definer set search_path = pg_catalog, pg_temp as 'select 1::text';
      create sequence public.numbers;
      create type public.color as enum ('red');
      create table public.parts (id int) partition by list (id);
      create table public.part_1 partition of public.parts for values in (1);
      -- Of this file alone: what is granted to a role holds on the whole server, where other files attack meanwhile.
      create role fingerprinted;
    `),
  )
})
afterAll(() => withClient(database().adminUrl, (admin) => admin.query('drop role fingerprinted')))

const mutations: readonly (readonly [sql: string, object: string])[] = [
  ['alter table public.notes no force row level security', 'table public.notes'],
  ['alter table public.notes disable row level security', 'table public.notes'],
  ['alter policy rowhouse_read on public.notes using (false)', 'table public.notes'],
  ['drop policy rowhouse_organization on public.notes', 'table public.notes'],
  ['grant truncate on public.notes to rowhouse_app', 'table public.notes'],
  ['grant update (body) on public.notes to anon', 'table public.notes'],
  ['alter table public.notes drop constraint notes_organization_id_folder_id_fkey', 'table public.notes'],
  ['alter table public.notes disable trigger user', 'table public.notes'],
  ['alter table public.notes alter organization_id drop default', 'table public.notes'],
  ['alter table public.notes owner to rowhouse_migrator', 'table public.notes'],
  ['alter table public.notes replica identity full', 'table public.notes'],
  ['create or replace view public.note_bodies as select id, body from public.notes', 'view public.note_bodies'],
  ['alter function public.peek() reset search_path', 'function public.peek()'],
  ['alter function public.peek() security invoker', 'function public.peek()'],
  ["create or replace function public.peek() returns text language sql as 'select 2::text'", 'function public.peek()'],
  ['revoke execute on function public.peek() from public', 'function public.peek()'],
  ['grant execute on function pg_catalog.pg_sleep(double precision) to rowhouse_app', 'function pg_sleep(double precision)'],
  ['grant usage on sequence public.numbers to anon', 'sequence public.numbers'],
  ["alter type public.color add value 'blue'", 'type public.color'],
  ['alter table public.parts detach partition public.part_1', 'table public.part_1'],
  ['grant create on schema public to anon', 'schema public'],
  ['alter default privileges in schema public grant select on tables to anon', 'default privileges of postgres'],
  ['create publication leak for table public.notes', 'publication leak'],
  ['grant rowhouse_owner to fingerprinted', 'role fingerprinted'],
] // prettier-ignore

describe('the fingerprint', () => {
  it('is the same twice', async () => {
    await withClient(database().adminUrl, async (admin) => {
      expect(compareFingerprints(await fingerprint(admin), await fingerprint(admin), true)).toEqual([])
    })
  })

  it('misses a role that another server was not given, and none that somebody dropped on the same one', () => {
    const role = 'role left'
    const [source, copy] = [new Map([[role, ['login=t']]]), new Map()]
    expect(compareFingerprints(source, copy).map(({ object }) => object)).toEqual([role])
    expect(compareFingerprints(source, copy, true)).toEqual([])
    expect(compareFingerprints(source, new Map([[role, ['login=f']]]), true).map(({ object }) => object)).toEqual([
      role,
    ])
  })

  it('misses no query that another version writes with fewer names, and one that is another', () => {
    const view = 'view public.seen'
    const [before, after, other] = [
      'query SELECT n.id, n."A b" FROM public.notes n',
      'query SELECT id, "A b" FROM public.notes n',
      'query SELECT id FROM public.notes n',
    ].map((line) => new Map([[view, [line]]])) as [Map<string, string[]>, Map<string, string[]>, Map<string, string[]>]
    expect(compareFingerprints(before, after, false, false)).toEqual([])
    expect(compareFingerprints(before, after).map(({ object }) => object)).toEqual([view])
    expect(compareFingerprints(before, other, false, false).map(({ object }) => object)).toEqual([view])
  })

  it.each(mutations)('sees: %s', async (sql, object) => {
    await withClient(database().adminUrl, async (admin) => {
      const before = await fingerprint(admin)
      await admin.query(sql)
      expect(compareFingerprints(before, await fingerprint(admin)).map((difference) => difference.object)).toContain(
        object,
      )
    })
  })
})
