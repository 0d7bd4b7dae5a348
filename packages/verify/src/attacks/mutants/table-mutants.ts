// What holds one table: each mutant has a protected table of its own, with a unique key and a reference to itself.
import type { Mutant } from './mutant.ts'

const policy = '(organization_id = ( SELECT rowhouse.organization_id() AS organization_id))'
const definer = (
  name: string,
  returns: string,
  body: string,
  settings = 'set search_path = pg_catalog, pg_temp',
): string =>
  `create function ${name} returns ${returns} language plpgsql security definer ${settings} as $$ begin ${body}; end $$;
   grant execute on function ${name} to rowhouse_app`

export const tableMutants: readonly Mutant[] = [
  { removes: 'row security', sql: 'alter table {t} disable row level security' },
  { removes: 'FORCE', sql: 'alter table {t} no force row level security' },
  { removes: 'the restrictive policy', sql: 'drop policy rowhouse_organization on {t}' },
  {
    removes: 'RESTRICTIVE from the policy',
    sql: `drop policy rowhouse_organization on {t}; create policy rowhouse_organization on {t} using ${policy} with check ${policy}`,
  },
  { removes: 'the condition of the policy', sql: 'alter policy rowhouse_organization on {t} using (true)' },
  { removes: 'the check of the policy', sql: 'alter policy rowhouse_organization on {t} with check (true)' },
  {
    removes: 'writes from the policy',
    sql: `drop policy rowhouse_organization on {t}; create policy rowhouse_organization on {t} as restrictive for select using ${policy}`,
  },
  {
    removes: 'reads from the policy',
    sql: `drop policy rowhouse_organization on {t};
      create policy rowhouse_organization on {t} as restrictive for update using ${policy} with check ${policy}`,
  },
  { removes: 'PUBLIC from the policy', sql: 'alter policy rowhouse_organization on {t} to rowhouse_control' },
  {
    removes: 'the index from the policy, by a cast',
    sql: 'alter policy rowhouse_organization on {t} using (organization_id::text = (select rowhouse.organization_id()::text))',
  },
  {
    removes: 'organization_id from the primary key',
    sql: 'alter table {t} drop constraint {n}_parent, drop constraint {n}_pkey, add primary key (id)',
  },
  { removes: 'organization_id from a unique key', sql: 'alter table {t} drop constraint {n}_code, add unique (code)' },
  { removes: 'organization_id from a unique index', sql: 'create unique index {n}_names on {t} (name)' },
  { removes: 'organization_id from an exclusion', sql: 'alter table {t} add exclude using hash (code with =)' },
  {
    removes: 'organization_id from a foreign key',
    sql: 'alter table {t} drop constraint {n}_parent; alter table {t} add unique (id); alter table {t} add foreign key (parent) references {t} (id)',
  },
  {
    removes: 'security_invoker from a view',
    sql: 'create view {t}_view as select * from {t}; grant select on {t}_view to rowhouse_app',
  },
  {
    removes: 'security_invoker from a view, by replacing it',
    sql: `create view {t}_view with (security_invoker = true) as select * from {t}; grant select on {t}_view to rowhouse_app;
      create or replace view {t}_view as select * from {t}`,
  },
  {
    removes: 'the owner that row security holds from a view that is written',
    sql: 'create view {t}_view as select * from {t}; grant insert, update, delete on {t}_view to rowhouse_app',
  },
  {
    removes: 'row security, by a materialized view',
    sql: 'create materialized view {t}_copy as select * from {t} with no data; grant select on {t}_copy to rowhouse_app',
    after: 'refresh materialized view {t}_copy',
  },
  {
    removes: 'row security, by a copy of the table',
    sql: 'create table {t}_copy as table {t}; grant select on {t}_copy to rowhouse_app',
    after: 'insert into {t}_copy table {t}',
    owns: { '{t}_copy': 'organization_id' },
  },
  {
    removes: 'the privilege that keeps a partition from being read',
    sql: `create table {t}_parted (organization_id uuid not null default rowhouse.organization_id(), id uuid not null, name text, primary key (organization_id, id))
        partition by hash (organization_id);
      create table {t}_parted_0 partition of {t}_parted for values with (modulus 1, remainder 0);
      select rowhouse.protect('{t}_parted'); alter table {t}_parted_0 disable row level security; grant select on {t}_parted_0 to rowhouse_app`,
    after: `insert into {t}_parted select organization_id, id, name from {t}`,
    owns: { '{t}_parted': 'organization_id', '{t}_parted_0': 'organization_id' },
  },
  {
    removes: 'the privilege that keeps a child from being read',
    sql: 'create table {t}_old () inherits ({t}); grant select on {t}_old to rowhouse_app',
    after: `insert into {t}_old select * from only {t}`,
    owns: { '{t}_old': 'organization_id' },
  },
  {
    removes: 'the refusal of TRUNCATE',
    sql: 'grant truncate on {t} to rowhouse_app; drop trigger rowhouse_no_truncate on {t}',
  },
  { removes: 'the privilege TRUNCATE from whoever lacks it', sql: 'grant truncate on {t} to rowhouse_app' },
  { removes: 'the privilege REFERENCES from whoever lacks it', sql: 'grant references on {t} to rowhouse_app' },
  { removes: 'the privilege TRIGGER from whoever lacks it', sql: 'grant trigger on {t} to rowhouse_app' },
  { removes: 'the change log of a table', sql: 'drop trigger "!rowhouse_change_log" on {t}' },
  { removes: 'ALWAYS from the change log', sql: 'alter table {t} enable trigger "!rowhouse_change_log"' },
  { removes: 'the owner of a table', sql: 'alter table {t} owner to rowhouse_app' },
  {
    removes: 'the organization from a function of its owner',
    sql: definer('{t}_count()', 'bigint', 'return (select count(*) from {t})'),
  },
  {
    removes: 'the organization from a function that takes an id',
    sql: definer('{t}_name(wanted uuid)', 'text', 'return (select x.name from {t} x where x.id = wanted)'),
  },
  {
    removes: 'the parameter from dynamic SQL',
    sql: definer(
      '{t}_find(what text)',
      'setof text',
      `return query execute format('select name from {t} where organization_id = rowhouse.organization_id() and name = ''%s''', what)`,
    ),
  },
  {
    removes: 'the invoker from a function that deletes',
    sql: definer('{t}_drop(wanted uuid)', 'void', 'delete from {t} x where x.id = wanted'),
  },
  {
    removes: 'VOLATILE from a function that reads',
    sql: `create function {t}_most() returns text language plpgsql immutable security definer set search_path = pg_catalog, pg_temp
      as $$ begin return (select max(code) from {t}); end $$; grant execute on function {t}_most() to rowhouse_app`,
  },
  {
    removes: 'a sequence from the hands of tenants',
    sql: 'create sequence {t}_seq; grant all on sequence {t}_seq to rowhouse_app',
  },
  {
    removes: 'protection from a table with organization_id',
    sql: 'create table {t}_bare (organization_id uuid not null, id uuid primary key, name text); grant select, insert, update, delete on {t}_bare to rowhouse_app',
    after: 'insert into {t}_bare select organization_id, id, name from {t}',
    owns: { '{t}_bare': 'organization_id' },
  },
]
