-- On: supabase.
-- The tenant in app_metadata, read from the JWT; helpers that run as their owner.
create table public.tenants (id uuid primary key default gen_random_uuid(), name text not null, created_at timestamptz default now());
create table public.projects (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references public.tenants,
  name text not null,
  created_at timestamptz default now()
);
create index idx_projects_tenant_id on public.projects (tenant_id);
create function public.set_user_tenant(user_id uuid, tenant_id uuid) returns void language plpgsql security definer as $$
begin
  update auth.users set raw_app_meta_data = raw_app_meta_data || jsonb_build_object('tenant_id', tenant_id) where id = user_id;
end $$;
create function public.get_tenant_projects() returns setof public.projects language plpgsql security definer as $$
begin
  return query select * from public.projects
    where tenant_id = (auth.jwt() -> 'app_metadata' ->> 'tenant_id')::uuid order by created_at desc;
end $$;
alter table public.projects enable row level security;
create policy "Users can view own tenant projects" on public.projects for select
  using (tenant_id = (auth.jwt() -> 'app_metadata' ->> 'tenant_id')::uuid);
create policy "Users can insert into own tenant" on public.projects for insert
  with check (tenant_id = (auth.jwt() -> 'app_metadata' ->> 'tenant_id')::uuid);
