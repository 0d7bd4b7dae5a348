// The policies that other frameworks generate or their guides teach, each put on the same copy of the table in turn.
// Shapes and their sources: docs/isolation.md.

export interface PolicyShape {
  readonly name: string
  /** The condition of the policy. */
  readonly using: string
}

export const otherPolicies: readonly PolicyShape[] = [
  // A cast of the column, as two well-known frameworks generate it: no index fits.
  { name: 'cast_column', using: `organization_id::text = current_setting('app.tenant', true)` },
  // A cast of the setting, asked for every row that is looked at.
  { name: 'cast_setting', using: `organization_id = current_setting('app.tenant', true)::uuid` },
  // Membership by subquery, as Supabase's guides once taught it.
  {
    name: 'membership_subquery',
    using: `organization_id in (select m.organization_id from other.memberships m where m.user_id = current_setting('app.user', true)::uuid)`,
  },
  // A function that is VOLATILE, which is what one gets by saying nothing.
  { name: 'volatile_function', using: 'organization_id = other.current_tenant()' },
]

export const preparePolicies: readonly string[] = [
  'create table other.memberships (user_id uuid, organization_id uuid, primary key (user_id, organization_id))',
  'grant select on other.memberships to rowhouse_app',
  `create function other.current_tenant() returns uuid language plpgsql as
   $$ begin return current_setting('app.tenant', true)::uuid; end $$`,
  'grant execute on function other.current_tenant() to rowhouse_app',
  'alter table other.contacts enable row level security',
]
