// What holds the database and its logins: roles, privileges, and the catalogue's own tables.
import type { GlobalMutant } from './mutant.ts'

const open = (table: string): GlobalMutant => ({
  removes: `the policy of rowhouse.${table}`,
  by: 'rows_of_another_organization_seen',
  names: `rowhouse.${table}`,
  sql: `create policy opened on rowhouse.${table} for select using (true)`,
  undo: `drop policy opened on rowhouse.${table}`,
})
const publicly = (what: string, signature: string): GlobalMutant => ({
  removes: what,
  by: 'public_function',
  names: signature.replace(/^.*\.(\w+)\(.*$/, '$1('),
  sql: `grant execute on function ${signature} to public`,
  undo: `revoke execute on function ${signature} from public`,
})

const unguarded = (removes: string, statement: string, undo: string): GlobalMutant => ({
  removes,
  by: 'guard_missing',
  names: /rowhouse_guard_\w+/.exec(statement)?.[0] ?? '',
  sql: statement,
  undo,
})

export const globalMutants: readonly GlobalMutant[] = [
  unguarded(
    'the guard of protected tables',
    'alter event trigger rowhouse_guard_1_ddl disable',
    'alter event trigger rowhouse_guard_1_ddl enable',
  ),
  unguarded(
    'the guard that closes new tables',
    'alter event trigger rowhouse_guard_2_close disable',
    'alter event trigger rowhouse_guard_2_close enable',
  ),
  unguarded(
    'the guard against dropped policies and triggers',
    'drop event trigger rowhouse_guard_3_drop',
    'create event trigger rowhouse_guard_3_drop on sql_drop execute function rowhouse.guard_drop()',
  ),
  {
    removes: 'NOBYPASSRLS from the login',
    by: 'login_bypasses_rls',
    names: 'rowhouse_app',
    sql: 'alter role rowhouse_app bypassrls',
    undo: 'alter role rowhouse_app nobypassrls',
  },
  {
    removes: 'the distance of the login to the migrator',
    by: 'login_bypasses_rls',
    names: 'rowhouse_migrator',
    sql: 'grant rowhouse_migrator to rowhouse_app',
    undo: 'revoke rowhouse_migrator from rowhouse_app',
  },
  {
    removes: 'the distance of the login to the owner',
    by: 'role_owns_tables',
    names: 'rowhouse_owner',
    sql: 'grant rowhouse_owner to rowhouse_app',
    undo: 'revoke rowhouse_owner from rowhouse_app',
  },
  {
    removes: 'the distance of the login to the control plane',
    by: 'login_bypasses_rls',
    names: 'rowhouse_control',
    sql: 'grant rowhouse_control to rowhouse_app',
    undo: 'revoke rowhouse_control from rowhouse_app',
  },
  {
    removes: 'the secrecy of all tables, by a predefined role',
    by: 'predefined_role_reachable',
    names: 'pg_read_all_data',
    sql: 'grant pg_read_all_data to rowhouse_app',
    undo: 'revoke pg_read_all_data from rowhouse_app',
  },
  {
    removes: 'the secrecy of the keys',
    by: 'gate_admits',
    names: 'rowhouse.keys',
    sql: 'grant select on rowhouse.keys to rowhouse_app',
    undo: 'revoke select on rowhouse.keys from rowhouse_app',
  },
  {
    removes: 'the secrecy of the seal keys',
    by: 'gate_admits',
    names: 'rowhouse.database',
    sql: 'grant select on rowhouse.database to rowhouse_app',
    undo: 'revoke select on rowhouse.database from rowhouse_app',
  },
  {
    removes: 'the secrecy of the keys of locks',
    by: 'gate_admits',
    names: 'rowhouse.lock_seed',
    sql: 'grant select on rowhouse.lock_seed to rowhouse_app',
    undo: 'revoke select on rowhouse.lock_seed from rowhouse_app',
  },
  {
    removes: 'the refusal of temporary tables',
    by: 'public_temporary',
    names: 'temporary tables',
    sql: `do $$ begin execute format('grant temporary on database %I to public', current_database()); end $$`,
    undo: `do $$ begin execute format('revoke temporary on database %I from public', current_database()); end $$`,
  },
  publicly('the refusal to end sessions', 'pg_catalog.pg_terminate_backend(int, bigint)'),
  publicly('the refusal of large objects', 'pg_catalog.lo_from_bytea(oid, bytea)'),
  publicly('the refusal of session locks', 'pg_catalog.pg_advisory_lock(bigint)'),
  publicly('the refusal to list prepared statements', 'pg_catalog.pg_prepared_statement()'),
  publicly('the refusal to list locks', 'pg_catalog.pg_lock_status()'),
  {
    removes: 'the refusal to create in public',
    by: 'app_creates',
    names: 'schema public',
    sql: 'grant create on schema public to rowhouse_app',
    undo: 'revoke create on schema public from rowhouse_app',
  },
  publicly('the secrecy of the trigger function', 'rowhouse.log_change()'),
  publicly('the secrecy of seal_payload()', 'rowhouse.seal_payload()'),
  publicly('the secrecy of changed_organizations()', 'rowhouse.changed_organizations(pg_snapshot)'),
  ...['members', 'organizations', 'users', 'change_log'].map(open),
  {
    removes: 'row security of the change log',
    by: 'rows_of_another_organization_seen',
    names: 'rowhouse.change_log',
    sql: 'alter table rowhouse.change_log disable row level security',
    undo: 'alter table rowhouse.change_log enable row level security',
  },
  {
    removes: 'security_invoker from the audit log',
    by: 'rows_of_another_organization_seen',
    names: 'rowhouse.audit_log',
    opens: ['rowhouse.change_log'],
    sql: 'alter view rowhouse.audit_log set (security_invoker = false)',
    undo: 'alter view rowhouse.audit_log set (security_invoker = true)',
  },
  {
    removes: 'the policy of the links of the sync engine',
    by: 'table_not_protected',
    names: 'sync_links',
    sql: 'drop policy rowhouse_organization on rowhouse_home.sync_links',
    undo: `create policy rowhouse_organization on rowhouse_home.sync_links as restrictive
      using (organization_id = (select rowhouse.organization_id())
        and organization_id operator(rowhouse.===) (select rowhouse.organization_id()))
      with check (organization_id = (select rowhouse.organization_id()))`,
  },
  {
    removes: 'the hiding of queries',
    by: 'queries_visible',
    names: 'rowhouse_app',
    sql: 'alter role rowhouse_app reset track_activities',
    undo: 'alter role rowhouse_app set track_activities = off',
  },
]
