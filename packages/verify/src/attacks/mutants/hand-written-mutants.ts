// Schemas that somebody wrote by hand: an organization in a setting, in the claims of a JWT, in a schema of its own. Each
// begins apart and has one thing taken away.
import type { AttackContext, Ownership } from '../arena.ts'
import { A, B, bySetting } from '../test-arena.ts'

export interface HandWritten {
  readonly name: string
  /** In the house of fixtures/house.ts, in place of its own policies. */
  readonly apart: string
  readonly contexts: (login: string) => readonly AttackContext[]
  readonly owners?: Readonly<Record<string, Ownership>>
  readonly after?: (world: 0 | 1) => string
  readonly mutants: readonly { readonly removes: string; readonly by: string; readonly hole: string }[]
}

const policies = (condition: string): string =>
  ['projects', 'tasks']
    .map(
      (table) =>
        `drop policy own on app.${table}; create policy own on app.${table} using (${condition}) with check (${condition});`,
    )
    .join(' ')

const setting = `organization_id = (select nullif(current_setting('app.organization_id', true), '')::uuid)`
const claim = `organization_id = (select (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'org_id')::uuid)`

const byClaim = (login: string): readonly AttackContext[] => {
  const claims = (organization: string) => () => [
    `select set_config('request.jwt.claims', '{"role": "authenticated", "org_id": "${organization}"}', true)`,
  ]
  return [
    { name: 'claims of A', login, enter: claims(A), enterAsB: claims(B), actsForA: true, madeBySql: true },
    { name: 'no claims', login, enter: () => [], actsForA: false },
  ]
}

export const handWritten: readonly HandWritten[] = [
  {
    name: 'setting',
    apart: policies(setting),
    contexts: bySetting,
    mutants: [
      { removes: 'row security', by: 'rls_disabled', hole: 'alter table app.projects disable row level security' },
      {
        removes: 'FORCE from a table that the login owns',
        by: 'rls_not_forced',
        hole: 'alter table app.projects owner to {login}, no force row level security',
      },
      { removes: 'the condition', by: 'policy_always_true', hole: 'alter policy own on app.projects using (true)' },
      { removes: 'the check', by: 'check_always_true', hole: 'alter policy own on app.projects with check (true)' },
      {
        removes: 'the refusal of no context',
        by: 'rows_seen_without_context',
        hole: `alter policy own on app.projects using (${setting} or coalesce(current_setting('app.organization_id', true), '') = '')`,
      },
      {
        removes: 'the organization from a unique key',
        by: 'key_without_organization',
        hole: 'alter table app.projects add unique (code)',
      },
      {
        removes: 'the organization from a foreign key',
        by: 'reference_without_organization',
        hole: `alter table app.projects add unique (id); alter table app.tasks drop constraint tasks_project,
          add foreign key (project_id) references app.projects (id)`,
      },
      {
        removes: 'security_invoker',
        by: 'view_bypasses_rls',
        hole: 'create view app.seen as select * from app.projects; grant select on app.seen to {login}',
      },
      {
        removes: 'STABLE from the function that a policy asks',
        by: 'policy_function_immutable',
        hole: `create function app.mine() returns uuid language sql immutable set search_path = pg_catalog, pg_temp
            as $$ select nullif(current_setting('app.organization_id', true), '')::uuid $$;
          alter policy own on app.projects using (organization_id = (select app.mine())) with check (organization_id = (select app.mine()))`,
      },
    ],
  },
  {
    name: 'claims',
    apart: policies(claim),
    contexts: byClaim,
    mutants: [
      { removes: 'row security', by: 'rls_disabled', hole: 'alter table app.tasks disable row level security' },
      {
        removes: 'the condition for reading',
        by: 'policy_always_true',
        hole: 'create policy everybody on app.tasks for select using (true)',
      },
      {
        removes: 'the check of an insert',
        by: 'check_always_true',
        hole: 'create policy adds on app.tasks for insert with check (true)',
      },
      {
        removes: 'the organization from a function of its owner',
        by: 'function_shows_another_organization',
        hole: `create function app.task(wanted uuid) returns text language plpgsql security definer set search_path = pg_catalog, pg_temp
          as $$ begin return (select t.title from app.tasks t where t.id = wanted); end $$`,
      },
    ],
  },
  {
    name: 'schema',
    apart: `${policies(setting)} create schema home_a; create schema home_b;
      create table home_a.orders (id uuid primary key, item text); create table home_b.orders (id uuid primary key, item text);
      grant usage on schema home_a to {login}; grant select, insert, update, delete on home_a.orders to {login};`,
    contexts: (login) => [
      {
        name: 'search_path of A',
        login,
        enter: () => ['set local search_path = home_a, app', `select set_config('app.organization_id', '${A}', true)`],
        actsForA: true,
        madeBySql: true,
      },
    ],
    owners: {
      'home_a.orders': { a: 'true', b: 'false', tenantColumn: null },
      'home_b.orders': { a: 'false', b: 'true', tenantColumn: null },
    },
    after: (world) =>
      `insert into home_a.orders values ('aaaaaaaa-2222-4000-8000-000000000001', 'amber-item');
       insert into home_b.orders values (gen_random_uuid(), 'item-of-basalt-${world}');`,
    mutants: [
      {
        removes: 'the privileges between schemas',
        by: 'schemas_shared',
        hole: 'grant usage on schema home_b to {login}; grant select on home_b.orders to {login}',
      },
      {
        removes: 'the borders of a view between schemas',
        by: 'view_into_other_schema',
        hole: 'create view home_a.all_orders as select * from home_a.orders union all select * from home_b.orders; grant select on home_a.all_orders to {login}',
      },
      {
        removes: 'the borders of a foreign key between schemas',
        by: 'reference_to_other_schema',
        hole: 'alter table home_a.orders add other uuid references home_b.orders (id)',
      },
      {
        removes: 'the borders of a function that takes the name of a schema',
        by: 'function_shows_another_organization',
        hole: `create function app.items(home text) returns setof text language plpgsql security definer set search_path = pg_catalog, pg_temp
          as $$ begin return query execute format('select item from %I.orders', home); end $$`,
      },
    ],
  },
]
