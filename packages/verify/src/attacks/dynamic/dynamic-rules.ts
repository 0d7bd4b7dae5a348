// Which rules name a way that also shows when somebody walks it, so that attacks find it with the rule switched off; and
// of the others, why nothing shows. Every rule is here: a new one has to be thought about. Long because it is one list.
import type { attackRules } from '../rules.ts'

type AttackCode = (typeof attackRules)[keyof typeof attackRules]['code']

export interface Dynamic {
  /** The code of the attack that finds it. */
  readonly attack: AttackCode
  /** What it is found on. */
  readonly object: string
  /** Run after the rule's own schema, where that breaks the rule and still opens nothing: a grant. */
  readonly opens?: string
}

/** By the rule's code: how attacks see what its own schema has, or why they cannot. */
export const dynamicRules: Readonly<Record<string, Dynamic | string>> = {
  table_not_protected: {
    attack: 'rows_of_another_organization_seen',
    object: 'table public.bare',
    opens: 'grant select on bare to rowhouse_app',
  },
  policy_differs: { attack: 'rows_of_another_organization_seen', object: 'table public.notes' },
  change_log_missing: 'Nothing is shown to anybody: a line is missing that somebody would read later.',
  rls_disabled: { attack: 'rows_of_another_organization_seen', object: 'table public.projects' },
  rls_not_forced: { attack: 'rows_of_another_organization_seen', object: 'table public.projects' },
  role_owns_tables: { attack: 'privilege_beyond_row_security', object: 'table public.projects' },
  login_bypasses_rls: {
    attack: 'role_reaches_another_organization',
    object: 'table public.projects',
    opens: 'grant usage on schema public to shop_admin; grant select on projects to shop_admin',
  },
  login_reaches_admin: {
    attack: 'role_reaches_another_organization',
    object: 'table public.projects',
    opens:
      'grant usage on schema public to shop_admin, shop_gate; grant select on projects to shop_admin; grant select on tasks to shop_gate',
  },
  predefined_role_reachable: 'Row security holds what the role reads; it opens tables that have none.',
  app_creates: { attack: 'login_creates_objects', object: 'schema public' },
  default_privileges_open: 'It shows on the next table that is made.',
  migrator_held_by_rls: 'It changes what a migration sees, not what a tenant does.',
  queries_visible: 'Attacks take on a login by SET SESSION AUTHORIZATION, and pg_stat_activity knows who logged in.',
  public_temporary: { attack: 'shared_session_function', object: 'database it' },
  shared_login_channels: { attack: 'shared_session_function', object: 'database it' },
  public_function: 'What it would do, the seal that the function checks refuses: one of two locks is off.',
  policies_missing: 'It shows too little.',
  policy_always_true: { attack: 'rows_of_another_organization_seen', object: 'table public.projects' },
  check_always_true: { attack: 'rows_of_another_organization_changed', object: 'table public.tasks' },
  policy_ignores_row: {
    attack: 'rows_of_another_organization_seen',
    object: 'table public.projects',
  },
  policy_ignores_tenant: { attack: 'rows_of_another_organization_seen', object: 'table public.projects' },
  check_ignores_tenant: { attack: 'rows_of_another_organization_changed', object: 'table public.tasks' },
  policy_restrictive_only: 'It shows too little.',
  policy_restricts_some: 'The permissive policies hold the roles that it leaves out.',
  tenant_column_nullable: 'A row of nobody is shown to nobody, as long as the policy compares with =.',
  policy_null_matches: 'It opens rows of nobody, and the column holds none here.',
  policy_open_without_context: { attack: 'rows_seen_without_context', object: 'table public.projects' },
  policy_compares_itself: { attack: 'rows_of_another_organization_seen', object: 'table public.projects' },
  policy_refers_itself: 'It shows too little: every query of the table fails.',
  policy_trusts_user_metadata:
    'Who may write the claim is known to the server that issues it, outside of the database.',
  policy_trusts_stale_claim: 'It shows when a member is removed while a token of theirs still lives.',
  claim_not_issued: 'It shows too little: the claim is never there.',
  setting_forgeable: {
    attack: 'context_is_a_setting',
    object: 'context settings app.organization, app.tenant as shop_app',
  },
  policy_function_search_path: {
    attack: 'function_shows_another_organization',
    object: 'function public.is_member(uuid)',
  },
  policy_function_immutable: { attack: 'rows_of_another_organization_seen', object: 'table public.projects' },
  view_bypasses_rls: {
    attack: 'rows_of_another_organization_seen',
    object: 'view public.open_projects',
    opens: 'alter table projects no force row level security',
  },
  copy_of_rows: {
    attack: 'rows_of_another_organization_seen',
    object: 'materialized view public.totals',
    opens: 'alter table projects no force row level security',
  },
  foreign_table_exposed: 'Another server holds the rows: foreign tables are not reached from scratch.',
  definer_without_context: {
    attack: 'function_depends_on_another_organization',
    object: 'function public.count_projects(uuid)',
    opens: 'alter table projects no force row level security',
  },
  definer_open: 'Nobody is shown more than they may see: it asks who calls, though PUBLIC may call it.',
  definer_search_path: { attack: 'function_reads_temporary_table', object: 'function public.founded()' },
  definer_dynamic_sql: {
    attack: 'function_depends_on_another_organization',
    object: 'function public.count_of(text)',
    opens: 'alter table projects no force row level security',
  },
  partition_exposed: { attack: 'rows_of_another_organization_seen', object: 'table public.events_0' },
  app_privilege: {
    attack: 'rows_of_another_organization_changed',
    object: 'table public.projects',
    opens: 'grant truncate on tasks to shop_app',
  },
  outside_function: 'It reaches another server: such functions are disabled in scratch.',
  key_without_organization: { attack: 'constraint_tells_of_another_organization', object: 'table public.projects' },
  unique_index_without_organization: {
    attack: 'constraint_tells_of_another_organization',
    object: 'table public.projects',
  },
  exclusion_without_organization: {
    attack: 'constraint_tells_of_another_organization',
    object: 'table public.bookings',
  },
  reference_without_organization: {
    attack: 'constraint_tells_of_another_organization',
    object: 'table public.tasks',
  },
  set_null_clears_tenant: 'It refuses the organization its own delete; nobody else’s row is touched.',
  sequence_tells_volume: 'It is a limit of every shared sequence, and said as one.',
  tenant_column_missing: 'Its policy holds; it is slow, and goes wrong when the parent’s does.',
  session_setting: 'It shows when a pooler gives the connection to somebody else.',
  schemas_shared: { attack: 'rows_of_another_organization_seen', object: 'table tenant_b.projects' },
  missing_table_falls_through: 'The table behind it is everybody’s, so its rows are nobody’s secret to the attacks.',
  search_path_injectable: 'It needs a name that the application puts in.',
  schema_names_collide: 'It shows on the next schema that is made.',
  schema_name_cut: 'It shows on the next schema that is made.',
  default_of_other_schema: 'It is a limit of every shared sequence, and said as one.',
  reference_to_other_schema: 'It shows when a row refers to the other organization’s, which no planted row does.',
  view_into_other_schema: {
    attack: 'rows_of_another_organization_seen',
    object: 'view tenant_a.their_tasks',
    opens: `create view tenant_a.their_tasks as select * from tenant_b.tasks; create role shop_alder login;
      grant usage on schema tenant_a to shop_alder; grant select on all tables in schema tenant_a to shop_alder`,
  },
  database_open: 'It shows between two databases: see the attack on databases of tenants.',
  auth_hook_open: 'The auth server calls it, not the database.',
  auth_users_exposed: { attack: 'rows_of_another_organization_seen', object: 'view public.people' },
  storage_policy_open: 'Which folder is whose, the application alone knows.',
  storage_path_prefix: 'Which folder is whose, the application alone knows.',
  realtime_policy_open: 'Which topic is whose, the application alone knows.',
  publication_of_tenants: 'Whoever subscribes reads outside of the database.',
  publication_without_filter: 'Whoever subscribes reads outside of the database.',
  schema_exposed: 'PostgREST serves it, not the database.',
  extension_in_public: 'Its functions read no table.',
  storage_rls_disabled: 'Which folder is whose, the application alone knows.',
  users_not_mirrored: 'Nothing is shown to anybody: a person is missing.',
  tenant_index_missing: 'It is slow.',
  tenant_column_cast: 'It is slow.',
  policy_function_volatile: 'It is slow.',
  policy_function_unwrapped: 'It is slow.',
  policy_subquery: 'It is slow, and races with the removal of a member.',
  reference_index_missing: 'It is slow.',
  policy_function_per_row: 'It is slow.',
}
