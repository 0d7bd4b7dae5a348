-- What Postgres gives to PUBLIC of the whole database, and who may use the schema public.
do $hardening$
begin
  execute format('revoke temporary on database %I from public', current_database());
  execute format('grant connect on database %I to rowhouse_app, rowhouse_control, rowhouse_migrator', current_database());
  execute format('grant temporary on database %I to rowhouse_migrator', current_database());
  perform rowhouse.mirror_auth_users();
  perform rowhouse.install_guard();
  if has_schema_privilege('public', 'create with grant option') or pg_has_role(current_user, 'pg_database_owner', 'usage') then
    grant usage, create on schema public to rowhouse_owner, rowhouse_migrator;
    grant usage on schema public to rowhouse_app, rowhouse_control;
  end if;
end
$hardening$;
