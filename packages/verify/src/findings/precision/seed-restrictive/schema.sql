-- On: supabase.
-- One restrictive policy a table and no permissive one; tasks refer to projects by their id alone.
create table public.tenants (id uuid primary key default gen_random_uuid(), name text not null, slug text unique not null);
create table public.tenant_users (
  tenant_id uuid references public.tenants on delete cascade,
  user_id uuid references auth.users on delete cascade,
  role text default 'member' check (role in ('owner', 'admin', 'member')),
  primary key (tenant_id, user_id)
);
create table public.projects (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid references public.tenants on delete cascade not null,
  name text not null
);
create table public.tasks (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid references public.tenants on delete cascade not null,
  project_id uuid references public.projects on delete cascade,
  title text not null
);
create function public.get_user_tenant_id() returns uuid language sql security definer stable as $$
  select tenant_id from tenant_users where user_id = auth.uid() limit 1 $$;
alter table public.projects enable row level security;
alter table public.tasks enable row level security;
create policy "Tenant isolation" on public.projects as restrictive for all
  using (tenant_id = get_user_tenant_id()) with check (tenant_id = get_user_tenant_id());
create policy "Tenant isolation" on public.tasks as restrictive for all
  using (tenant_id = get_user_tenant_id()) with check (tenant_id = get_user_tenant_id());
