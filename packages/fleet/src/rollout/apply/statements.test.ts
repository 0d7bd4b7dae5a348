// What several homes are sent in one transaction.
import { expect, it } from 'vitest'
import { prepareAll } from '../fixtures/test-fleet.ts'
import { statementsFor } from './statements.ts'

const NOWHERE = 'set local search_path = pg_catalog, pg_temp'
const sent = async (homes: readonly string[], sql: string): Promise<string[]> => {
  const [migration] = await prepareAll(['20260101000000', sql])
  return statementsFor(homes, migration?.statements ?? [])
}

it('each home gets its statements in their order', async () => {
  expect(await sent(['h_1', 'h_2'], 'alter table a add column b int; alter table a add column c int')).toEqual([
    'set local search_path = "h_1", pg_temp',
    'alter table a add column b int',
    'alter table a add column c int',
    'set local search_path = "h_2", pg_temp',
    'alter table a add column b int',
    'alter table a add column c int',
    NOWHERE,
  ])
})

it('a table that is protected as soon as it is made comes from the first home, in its turn', async () => {
  const making = `create table a (id uuid primary key default gen_random_uuid(), word text default 'it''s')`
  const protecting = `select rowhouse.protect('a', '{"timestamps": true}')`
  expect(
    await sent(
      ['h_1', 'h_2', 'h_3'],
      `create type t as enum ('x'); begin; ${making}; ${protecting}; commit; comment on table a is 'a'`,
    ),
  ).toEqual([
    'set local search_path = "h_1", pg_temp',
    `create type t as enum ('x')`,
    'set local search_path = "h_2", pg_temp',
    `create type t as enum ('x')`,
    'set local search_path = "h_3", pg_temp',
    `create type t as enum ('x')`,
    'set local search_path = "h_1", pg_temp',
    making,
    protecting,
    NOWHERE,
    `select rowhouse.protect_alike('"h_1".a', array['h_2', 'h_3']::name[],
    'create table a (id uuid primary key default gen_random_uuid(), word text default ''it''''s'')', 'select rowhouse.protect(''a'', ''{"timestamps": true}'')')`,
    'set local search_path = "h_1", pg_temp',
    `comment on table a is 'a'`,
    'set local search_path = "h_2", pg_temp',
    `comment on table a is 'a'`,
    'set local search_path = "h_3", pg_temp',
    `comment on table a is 'a'`,
    NOWHERE,
  ])
})

it('one home alone gets the statements themselves', async () => {
  expect(await sent(['h_1'], `create table a (id uuid primary key); select rowhouse.protect('a')`)).toEqual([
    'set local search_path = "h_1", pg_temp',
    'create table a (id uuid primary key)',
    `select rowhouse.protect('a')`,
    NOWHERE,
  ])
})

it.each([
  ['there was one perhaps', `create table if not exists a (id uuid primary key); select rowhouse.protect('a')`],
  ['another is protected', `create table a (id uuid primary key); select rowhouse.protect('b')`],
  ['it is shaped like another', `create table a (like b including all); select rowhouse.protect('a')`],
  ['it inherits', `create table a (id uuid primary key) inherits (b); select rowhouse.protect('a')`],
  ['it has partitions', `create table a (id uuid primary key) partition by hash (id); select rowhouse.protect('a')`],
  [
    'something comes between',
    `create table a (id uuid); alter table a add primary key (id); select rowhouse.protect('a')`,
  ],
  ['its name has to be quoted', `create table "A" (id uuid primary key); select rowhouse.protect('"A"')`],
  ['its options are computed', `create table a (id uuid primary key); select rowhouse.protect('a', to_jsonb(row(1)))`],
  ['it is shared', `create table a (id uuid primary key); select rowhouse.share('a', 'why')`],
  ['protect is asked more', `create table a (id uuid primary key); select rowhouse.protect('a'), 1`],
])('nothing is taken from the first home where %s', async (_, sql) => {
  expect((await sent(['h_1', 'h_2'], sql)).filter((text) => text.includes('protect_alike'))).toEqual([])
})
