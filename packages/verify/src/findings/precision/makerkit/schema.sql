-- On: supabase.
-- Personal and team accounts in one table; policies call a function with the row's account as its argument.
create table public.accounts (id uuid primary key default gen_random_uuid(), name text not null, email text unique, is_personal boolean not null default true);
create table public.accounts_memberships (
  user_id uuid not null references auth.users on delete cascade,
  account_id uuid not null references public.accounts on delete cascade,
  account_role text not null,
  primary key (user_id, account_id)
);
create index on public.accounts_memberships (account_id);
create function public.has_role_on_account(account_id uuid, wanted text default null) returns boolean language sql stable security definer
  set search_path = ''
  as $$ select exists (select 1 from public.accounts_memberships m
    where m.user_id = (select auth.uid()) and m.account_id = has_role_on_account.account_id
      and (m.account_role = wanted or wanted is null)) $$;
revoke execute on function public.has_role_on_account(uuid, text) from public, anon;
grant execute on function public.has_role_on_account(uuid, text) to authenticated;
create table public.notifications (
  id bigint generated always as identity primary key,
  account_id uuid not null references public.accounts on delete cascade,
  body text not null
);
create index on public.notifications (account_id);
alter table public.accounts enable row level security;
alter table public.accounts_memberships enable row level security;
alter table public.notifications enable row level security;
create policy accounts_read on public.accounts for select to authenticated using (public.has_role_on_account(id));
create policy memberships_read on public.accounts_memberships for select to authenticated
  using ((select auth.uid()) = user_id or public.has_role_on_account(account_id));
create policy notifications_read on public.notifications for select to authenticated using (public.has_role_on_account(account_id));
create policy notifications_dismiss on public.notifications for update to authenticated using (public.has_role_on_account(account_id));
