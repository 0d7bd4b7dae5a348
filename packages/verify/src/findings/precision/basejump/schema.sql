-- On: supabase.
-- Accounts in a schema of their own; policies ask a security definer function for the accounts of whoever asks.
create schema basejump;
grant usage on schema basejump to authenticated;
create table basejump.accounts (id uuid primary key default gen_random_uuid(), primary_owner uuid not null, name text, slug text unique, personal boolean not null default false);
create table basejump.account_user (
  account_id uuid not null references basejump.accounts on delete cascade,
  user_id uuid not null references auth.users on delete cascade,
  account_role text not null,
  primary key (user_id, account_id)
);
create index on basejump.account_user (account_id);
create table basejump.invitations (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references basejump.accounts on delete cascade,
  token text not null unique default md5(random()::text),
  account_role text not null
);
create index on basejump.invitations (account_id);
create function basejump.my_accounts(wanted text default null) returns setof uuid language sql stable security definer
  set search_path = ''
  as $$ select m.account_id from basejump.account_user m where m.user_id = auth.uid() and (m.account_role = wanted or wanted is null) $$;
revoke execute on function basejump.my_accounts(text) from public, anon;
grant execute on function basejump.my_accounts(text) to authenticated;
create table public.documents (
  id uuid primary key default gen_random_uuid(),
  account_id uuid not null references basejump.accounts on delete cascade,
  title text
);
create index on public.documents (account_id);
alter table basejump.accounts enable row level security;
alter table basejump.account_user enable row level security;
alter table basejump.invitations enable row level security;
alter table public.documents enable row level security;
create policy member_reads on basejump.accounts for select to authenticated using (id in (select basejump.my_accounts()));
create policy owner_changes on basejump.accounts for update to authenticated using (id in (select basejump.my_accounts('owner')));
create policy member_reads on basejump.account_user for select to authenticated using (account_id in (select basejump.my_accounts()));
create policy owner_invites on basejump.invitations to authenticated using (account_id in (select basejump.my_accounts('owner')));
create policy member_works on public.documents to authenticated using (account_id in (select basejump.my_accounts()));
grant select, update on basejump.accounts to authenticated;
grant select on basejump.account_user to authenticated;
grant select, insert, delete on basejump.invitations to authenticated;
