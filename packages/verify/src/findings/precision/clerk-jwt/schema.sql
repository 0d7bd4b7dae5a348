-- On: supabase.
-- Another provider's tokens: the organization is read from a claim that its newer tokens do not have.
create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  org_id text not null default (auth.jwt() ->> 'org_id'),
  title text
);
create index on public.tasks (org_id);
create table public.shared_links (
  id uuid primary key default gen_random_uuid(),
  org_id text,
  url text
);
create index on public.shared_links (org_id);
alter table public.tasks enable row level security;
alter table public.shared_links enable row level security;
create policy org_tasks on public.tasks to authenticated using (org_id = (select auth.jwt() ->> 'org_id'));
create policy org_links on public.shared_links to authenticated
  using (org_id = coalesce((select auth.jwt() ->> 'org_id'), org_id));
