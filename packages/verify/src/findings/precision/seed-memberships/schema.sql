-- On: supabase.
-- Organizations, members, and helper functions that policies call for each row; invitations by token.
create table public.organizations (id uuid primary key default gen_random_uuid(), name text not null, slug text unique not null);
create table public.organization_members (
  organization_id uuid references public.organizations on delete cascade,
  user_id uuid references auth.users on delete cascade,
  role text default 'member',
  primary key (organization_id, user_id)
);
create index idx_org_members_user on public.organization_members (user_id);
create function public.is_org_member(org_id uuid) returns boolean language sql security definer stable as $$
  select exists (select 1 from organization_members where organization_id = org_id and user_id = auth.uid()) $$;
create function public.is_org_admin(org_id uuid) returns boolean language sql security definer stable as $$
  select exists (select 1 from organization_members
    where organization_id = org_id and user_id = auth.uid() and role in ('owner', 'admin')) $$;
create table public.projects (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid references public.organizations on delete cascade not null,
  name text not null
);
alter table public.projects enable row level security;
create policy "Org members can view projects" on public.projects for select using (is_org_member(organization_id));
create policy "Org members can create projects" on public.projects for insert with check (is_org_member(organization_id));
create policy "Org admins can update projects" on public.projects for update using (is_org_admin(organization_id));
create policy "Org admins can delete projects" on public.projects for delete using (is_org_admin(organization_id));
create table public.organization_invites (
  id uuid primary key default gen_random_uuid(),
  organization_id uuid references public.organizations on delete cascade,
  email text not null,
  token text unique default md5(random()::text),
  expires_at timestamptz default now() + interval '7 days'
);
create function public.accept_invite(invite_token text) returns void language plpgsql security definer as $$
declare
  invite record;
begin
  select * into invite from organization_invites where token = invite_token and expires_at > now();
  if not found then raise exception 'Invalid or expired invite'; end if;
  insert into organization_members (organization_id, user_id, role) values (invite.organization_id, auth.uid(), 'member');
  delete from organization_invites where id = invite.id;
end $$;
