// rowhouse adopt in a Supabase project, as the login that its owner has: `postgres`, which is no superuser.
import { useSupabaseDatabase, withClient } from '@rowhouse/testkit'
import { expect, it } from 'vitest'

import { adopt } from './adopt.ts'
import { createOrganizations, tenant } from './test-shop.ts'

const database = useSupabaseDatabase()
const claim = "(auth.jwt() -> 'app_metadata' ->> 'tenant_id')::uuid"

it('adopts tables of a Supabase project as postgres, with a policy over the claims, and nothing is found to be wrong', async () => {
  await withClient(database().postgresUrl, async (postgres) => {
    await createOrganizations(postgres)
    await postgres.query(`
      create table public.projects (id uuid primary key default gen_random_uuid(), tenant_id uuid not null, name text);
      create table public.tasks (id uuid primary key default gen_random_uuid(), project_id uuid not null references projects);
      alter table projects enable row level security;
      create policy own on projects using (tenant_id = ${claim});
      insert into projects (tenant_id, name) values ('${tenant(1)}', 'one'), ('${tenant(2)}', 'two');
      insert into tasks (project_id) select id from projects, generate_series(1, 5)`)
    const { state, droppedPolicies } = await withClient(database().postgresUrl, (runner) =>
      adopt(
        runner,
        { tables: ['projects', 'tasks'], from: { projects: 'tenant_id' } },
        { confirm: () => Promise.resolve(true), pace: { rest: 0 } },
      ),
    )
    expect({ state, dropped: droppedPolicies.length }).toEqual({ state: 'done', dropped: 1 })
    const { rows } = await postgres.query(
      `select (select rolsuper from pg_roles where rolname = current_user) as super,
         (select count(*)::int from rowhouse.findings() where object like 'table public.%' or object like 'public.%') as findings,
         (select count(*)::int from tasks t join projects p on p.id = t.project_id and p.tenant_id = t.organization_id) as tasks`,
    )
    expect(rows).toEqual([{ super: false, findings: 0, tasks: 10 }])
  })
})
