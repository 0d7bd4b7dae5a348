-- On: supabase.
-- Groups and roles, copied by a trigger into the metadata of the user, and read from the JWT.
create table public.groups (id uuid primary key default gen_random_uuid(), name text not null);
create table public.group_users (
  id uuid primary key default gen_random_uuid(),
  group_id uuid not null references public.groups,
  user_id uuid not null references auth.users,
  role text not null
);
create index on public.group_users (group_id);
create index on public.group_users (user_id);
create table public.files (id uuid primary key default gen_random_uuid(), group_id uuid not null references public.groups, path text not null);
create index on public.files (group_id);
create function public.is_group_member(group_id uuid) returns boolean language sql stable
  as $$ select coalesce(auth.jwt() -> 'app_metadata' -> 'groups' ? group_id::text, false) $$;
create function public.copy_roles() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$ begin
    update auth.users set raw_app_meta_data = jsonb_set(coalesce(raw_app_meta_data, '{}'), array['groups', new.group_id::text], to_jsonb(new.role))
    where id = new.user_id;
    return new; end $$;
create trigger copy_roles after insert or update on public.group_users for each row execute function public.copy_roles();
alter table public.groups enable row level security;
alter table public.group_users enable row level security;
alter table public.files enable row level security;
create policy members on public.groups for select to authenticated using (public.is_group_member(id));
create policy members on public.group_users for select to authenticated using (public.is_group_member(group_id));
create policy members on public.files to authenticated using (public.is_group_member(group_id)) with check (public.is_group_member(group_id));
