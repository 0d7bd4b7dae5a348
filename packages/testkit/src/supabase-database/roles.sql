-- The roles of a Supabase project, once a cluster, as a superuser other than the bootstrap one. Its bootstrap superuser
-- is renamed to supabase_admin, so that `postgres` can be what it is on Supabase: the dashboard's role, no superuser.
-- From the init scripts and migrations of https://github.com/supabase/postgres (migrations/db).

alter role postgres rename to supabase_admin;

create role postgres login nosuperuser createdb createrole replication bypassrls;
create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;
create role authenticator login noinherit;
create role supabase_auth_admin login noinherit createrole noreplication;
create role supabase_storage_admin login noinherit createrole noreplication;
create role supabase_realtime_admin nologin noinherit noreplication;
create role supabase_replication_admin login replication;
create role supabase_read_only_user login bypassrls;
create role dashboard_user nosuperuser createdb createrole replication;

grant anon, authenticated, service_role to authenticator;
grant authenticator to supabase_storage_admin;
grant anon, authenticated, service_role to postgres;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;
grant pg_read_all_data to supabase_read_only_user;

-- On Supabase the extension supautils lets postgres do what Postgres alone would not: set pgrst.* of
-- authenticator, and make policies on storage.objects and on realtime.messages. Here grants stand in for it.
grant set on parameter "pgrst.db_pre_request" to postgres;
grant supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin to postgres;
do $$
begin
  if current_setting('server_version_num')::int >= 160000 then
    execute 'grant authenticator to postgres with admin true, inherit false, set false';
  end if;
end
$$;

alter role anon set statement_timeout = '3s';
alter role authenticated set statement_timeout = '8s';
alter role authenticator set statement_timeout = '8s';
alter role authenticator set lock_timeout = '8s';
alter role postgres set search_path = "$user", public, extensions;
alter role supabase_auth_admin set search_path = auth;
alter role supabase_storage_admin set search_path = storage;
