// What holds one table: each mutant has a protected table of its own, with a unique key and a reference to itself.
import type { Mutant } from './mutant.ts'

const once = '(organization_id = ( SELECT rowhouse.organization_id() AS organization_id))'
const policy = `(${once} and (organization_id operator(rowhouse.===) ( SELECT rowhouse.organization_id() AS organization_id)))`
/** The same for every trigger that protect gives a table. */
const logTriggers = (statement: string): string =>
  `do $log$ declare l record; begin
     for l in select name from rowhouse.log_triggers('{t}', '') loop execute format('${statement}', l.name); end loop;
   end $log$`
const definer = (
  name: string,
  returns: string,
  body: string,
  settings = 'set search_path = pg_catalog, pg_temp',
): string =>
  `create function ${name} returns ${returns} language plpgsql security definer ${settings} as $$ begin ${body}; end $$;
   grant execute on function ${name} to rowhouse_app`

export const tableMutants: readonly Mutant[] = [
  { removes: 'row security', by: 'rls_disabled', sql: 'alter table {t} disable row level security' },
  { removes: 'FORCE', by: 'rls_not_forced', sql: 'alter table {t} no force row level security' },
  { removes: 'the restrictive policy', by: 'table_not_protected', sql: 'drop policy rowhouse_organization on {t}' },
  {
    removes: 'RESTRICTIVE from the policy',
    by: 'policy_differs',
    sql: `drop policy rowhouse_organization on {t}; create policy rowhouse_organization on {t} using ${policy} with check ${once}`,
  },
  {
    removes: 'the condition of the policy',
    by: 'policy_always_true',
    sql: 'alter policy rowhouse_organization on {t} using (true)',
  },
  {
    removes: 'the check of the policy',
    by: 'policy_differs',
    sql: 'alter policy rowhouse_organization on {t} with check (true)',
  },
  {
    removes: 'the second comparison from the policy',
    by: 'rows_of_another_organization_seen',
    sql: `alter policy rowhouse_organization on {t} using ${once}`,
  },
  {
    removes: 'writes from the policy',
    by: 'policy_differs',
    sql: `drop policy rowhouse_organization on {t}; create policy rowhouse_organization on {t} as restrictive for select using ${policy}`,
  },
  {
    removes: 'reads from the policy',
    by: 'policy_differs',
    sql: `drop policy rowhouse_organization on {t};
      create policy rowhouse_organization on {t} as restrictive for update using ${policy} with check ${once}`,
  },
  {
    removes: 'PUBLIC from the policy',
    by: 'policy_differs',
    sql: 'alter policy rowhouse_organization on {t} to rowhouse_control',
  },
  {
    removes: 'the index from the policy, by a cast',
    by: 'tenant_column_cast',
    sql: 'alter policy rowhouse_organization on {t} using (organization_id::text = (select rowhouse.organization_id()::text))',
  },
  {
    removes: 'organization_id from the primary key',
    by: 'key_without_organization',
    sql: 'alter table {t} drop constraint {n}_parent, drop constraint {n}_pkey, add primary key (id)',
  },
  {
    removes: 'organization_id from a unique key',
    by: 'key_without_organization',
    sql: 'alter table {t} drop constraint {n}_code, add unique (code)',
  },
  {
    removes: 'organization_id from a unique index',
    by: 'unique_index_without_organization',
    sql: 'create unique index {n}_names on {t} (name)',
  },
  {
    removes: 'organization_id from an exclusion',
    by: 'exclusion_without_organization',
    sql: 'alter table {t} add exclude using hash (code with =)',
  },
  {
    removes: 'organization_id from a foreign key',
    by: 'reference_without_organization',
    sql: 'alter table {t} drop constraint {n}_parent; alter table {t} add unique (id); alter table {t} add foreign key (parent) references {t} (id)',
  },
  {
    removes: 'security_invoker from a view',
    by: 'view_bypasses_rls',
    sql: 'create view {t}_view as select * from {t}; grant select on {t}_view to rowhouse_app',
  },
  {
    removes: 'security_invoker from a view, by replacing it',
    by: 'view_bypasses_rls',
    sql: `create view {t}_view with (security_invoker = true) as select * from {t}; grant select on {t}_view to rowhouse_app;
      create or replace view {t}_view as select * from {t}`,
  },
  {
    removes: 'the owner that row security holds from a view that is written',
    by: 'view_bypasses_rls',
    sql: 'create view {t}_view as select * from {t}; grant insert, update, delete on {t}_view to rowhouse_app',
  },
  {
    removes: 'row security, by a materialized view',
    by: 'copy_of_rows',
    sql: 'create materialized view {t}_copy as select * from {t} with no data; grant select on {t}_copy to rowhouse_app',
    after: 'refresh materialized view {t}_copy',
  },
  {
    removes: 'row security, by a copy of the table',
    by: 'rls_disabled',
    sql: 'create table {t}_copy as table {t}; grant select on {t}_copy to rowhouse_app',
    after: 'insert into {t}_copy table {t}',
    owns: { '{t}_copy': 'organization_id' },
  },
  {
    removes: 'the privilege that keeps a partition from being read',
    by: 'partition_exposed',
    sql: `create table {t}_parted (organization_id uuid not null default rowhouse.organization_id(), id uuid not null, name text, primary key (organization_id, id))
        partition by hash (organization_id);
      create table {t}_parted_0 partition of {t}_parted for values with (modulus 1, remainder 0);
      select rowhouse.protect('{t}_parted'); alter table {t}_parted_0 disable row level security; grant select on {t}_parted_0 to rowhouse_app`,
    after: `insert into {t}_parted select organization_id, id, name from {t}`,
    owns: { '{t}_parted': 'organization_id', '{t}_parted_0': 'organization_id' },
  },
  {
    removes: 'the privilege that keeps a child from being read',
    by: 'partition_exposed',
    sql: 'create table {t}_old () inherits ({t}); grant select on {t}_old to rowhouse_app',
    after: `insert into {t}_old select * from only {t}`,
    owns: { '{t}_old': 'organization_id' },
  },
  {
    removes: 'the refusal of TRUNCATE',
    by: 'rows_of_another_organization_changed',
    sql: 'grant truncate on {t} to rowhouse_app; drop trigger rowhouse_log_truncate on {t}',
  },
  {
    removes: 'the privilege TRUNCATE from whoever lacks it',
    by: 'app_privilege',
    sql: 'grant truncate on {t} to rowhouse_app',
  },
  {
    removes: 'the privilege REFERENCES from whoever lacks it',
    by: 'app_privilege',
    sql: 'grant references on {t} to rowhouse_app',
  },
  {
    removes: 'the privilege TRIGGER from whoever lacks it',
    by: 'app_privilege',
    sql: 'grant trigger on {t} to rowhouse_app',
  },
  { removes: 'the change log of a table', by: 'change_log_missing', sql: logTriggers('drop trigger %I on {t}') },
  {
    removes: 'ALWAYS from the change log',
    by: 'change_log_missing',
    sql: logTriggers('alter table {t} enable trigger %I'),
  },
  {
    removes: 'one trigger of the change log',
    by: 'change_log_missing',
    sql: 'drop trigger "!rowhouse_change_log_updates" on {t}',
  },
  { removes: 'the owner of a table', by: 'role_owns_tables', sql: 'alter table {t} owner to rowhouse_app' },
  {
    removes: 'the organization from a function of its owner',
    by: 'definer_without_context',
    sql: definer('{t}_count()', 'bigint', 'return (select count(*) from {t})'),
  },
  {
    removes: 'the organization from a function that takes an id',
    by: 'function_shows_another_organization',
    sql: definer('{t}_name(wanted uuid)', 'text', 'return (select x.name from {t} x where x.id = wanted)'),
  },
  {
    removes: 'the parameter from dynamic SQL',
    by: 'function_shows_another_organization',
    sql: definer(
      '{t}_find(what text)',
      'setof text',
      `return query execute format('select name from {t} where organization_id = rowhouse.organization_id() and name = ''%s''', what)`,
    ),
  },
  {
    removes: 'the invoker from a function that deletes',
    by: 'function_depends_on_another_organization',
    sql: definer('{t}_drop(wanted uuid)', 'void', 'delete from {t} x where x.id = wanted'),
  },
  {
    removes: 'VOLATILE from a function that reads',
    by: 'function_shows_another_organization',
    sql: `create function {t}_most() returns text language plpgsql immutable security definer set search_path = pg_catalog, pg_temp
      as $$ begin return (select max(code) from {t}); end $$; grant execute on function {t}_most() to rowhouse_app`,
  },
  {
    removes: 'a sequence from the hands of tenants',
    by: 'sequence_set_by_tenant',
    sql: 'create sequence {t}_seq; grant all on sequence {t}_seq to rowhouse_app',
  },
  {
    removes: 'protection from a table with organization_id',
    by: 'table_not_protected',
    sql: 'create table {t}_bare (organization_id uuid not null, id uuid primary key, name text); grant select, insert, update, delete on {t}_bare to rowhouse_app',
    after: 'insert into {t}_bare select organization_id, id, name from {t}',
    owns: { '{t}_bare': 'organization_id' },
  },
]
