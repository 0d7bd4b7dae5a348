-- What Postgres gives to PUBLIC of the whole database, and who may use the schema public. A database that is the home of one
-- organization is for its login alone.
do $hardening$
declare
  service name;
  home_login name := (select s.login from rowhouse.tenant_schemas s where s.name = 'public');
  may_give_public boolean :=
    has_schema_privilege('public', 'create with grant option') or pg_has_role(current_user, 'pg_database_owner', 'usage');
begin
  execute format('revoke temporary on database %I from public', current_database());
  execute format('grant connect on database %I to rowhouse_control, rowhouse_migrator', current_database());
  execute format('grant create on database %I to rowhouse_owner', current_database());
  execute format('grant temporary on database %I to rowhouse_migrator', current_database());
  if home_login is null then
    execute format('grant connect on database %I to rowhouse_app, rowhouse_tenant', current_database());
    perform rowhouse.give_tenant_access('rowhouse_tenant');
  else
    -- In a Supabase project its own services go on connecting; none of them is a tenant.
    for service in
      select r.rolname from pg_catalog.pg_roles r
      where to_regnamespace('auth') is not null and r.rolcanlogin
        and r.rolname ~ '^(supabase_[a-z_]+|authenticator|dashboard_user|pgbouncer|postgres)$'
        and not r.rolsuper
    loop
      execute format('grant connect on database %I to %I', current_database(), service);
    end loop;
    execute format('revoke all on database %I from public, rowhouse_app, rowhouse_tenant', current_database());
    execute format('grant connect on database %I to %I', current_database(), home_login);
    perform rowhouse.give_tenant_access(home_login);
  end if;
  perform rowhouse.mirror_auth_users();
  perform rowhouse.install_guard();
  if may_give_public then
    grant usage, create on schema public to rowhouse_owner, rowhouse_migrator;
    grant usage on schema public to rowhouse_control;
    if home_login is null then
      grant usage on schema public to rowhouse_app;
    else
      revoke all on schema public from public, rowhouse_app, rowhouse_tenant, anon, authenticated, service_role;
      execute format('grant usage on schema public to %I', home_login);
    end if;
  end if;
end
$hardening$;
