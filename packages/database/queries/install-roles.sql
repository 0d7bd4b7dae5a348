-- The roles of Rowhouse and of the gateway, where they are missing. The logins cannot log in yet: this file holds no
-- secret, and `rowhouse install` gives them their passwords, which follow from the signing key.
do $roles$
declare
  is_superuser boolean := (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user);
  -- From 16 on the creator of a role administers it without being able to act as it.
  inherit text := case when current_setting('server_version_num')::int >= 160000 then ' with inherit true, set true' else '' end;
  role text;
begin
  foreach role in array array['rowhouse_owner', 'rowhouse_tenant', 'rowhouse_app', 'rowhouse_control', 'rowhouse_migrator'] loop
    if not exists (select from pg_catalog.pg_roles r where r.rolname = role) then
      execute format('create role %I nologin', role);
      if role = 'rowhouse_migrator' then
        begin
          alter role rowhouse_migrator bypassrls;
        exception when insufficient_privilege then
          -- Before Postgres 16 only a superuser may give BYPASSRLS away; findings() says what is then missing.
          null;
        end;
      end if;
    end if;
  end loop;
  foreach role in array array['anon', 'authenticated', 'service_role', 'authenticator'] loop
    if not exists (select from pg_catalog.pg_roles r where r.rolname = role) then
      execute format('create role %I nologin noinherit', role);
    end if;
  end loop;
  foreach role in array array['anon', 'authenticated', 'service_role'] loop
    if not pg_has_role('authenticator', role, 'member') then
      execute format('grant %I to authenticator', role);
    end if;
  end loop;
  if not pg_has_role('rowhouse_migrator', 'rowhouse_owner', 'usage') then
    grant rowhouse_owner to rowhouse_migrator;
  end if;
  if not is_superuser then
    if not pg_has_role(current_user, 'rowhouse_owner', 'usage') then
      execute 'grant rowhouse_owner to current_user' || inherit;
    end if;
  end if;
  if not coalesce((select r.rolconfig @> '{lock_timeout=10s}' from pg_catalog.pg_roles r where r.rolname = 'rowhouse_app'), false) then
    alter role rowhouse_app set lock_timeout = '10s';
  end if;
  execute format('grant create on database %I to rowhouse_owner', current_database());
end
$roles$;
