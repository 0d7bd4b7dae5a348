-- For applications that were written around a setting or a claim of their own and were adopted: what their SQL asks for
-- answers with what the seal says. Nothing here is trusted: the policy asks the
-- verified seal of every row, so whoever changes such a setting in SQL, also inside a statement, finds no row of anybody
-- else's, and not the own ones either.

-- enter(), and then each of the settings holds the organization's id until the transaction ends. A function of its own,
-- so that whoever has no such settings does not pay for the loop: enter() stays as it is.
create function rowhouse.enter_with_settings(token text, settings text[]) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.enter(token);
  perform rowhouse.hold_organization_in(settings);
end
$$;

-- Sets each of the settings to the id of the organization, until the transaction ends.
create function rowhouse.hold_organization_in(settings text[]) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  setting text;
  organization text := rowhouse.organization_id()::text;
begin
  foreach setting in array settings loop
    -- A setting of Postgres has no dot in its name; those of Rowhouse and of the gateway are theirs.
    if setting !~ '^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)+$' or setting ~ '^(rowhouse|request|pgrst)\.' then
      raise exception '% cannot be a setting that holds the organization.', setting
        using errcode = 'RH061', hint = 'Name one of the application, such as app.current_tenant_id.';
    end if;
    perform set_config(setting, organization, true);
  end loop;
end
$$;

-- The claims that policies, functions and queries written for Supabase read, told by the seal instead of the request:
-- on plain Postgres, `create function auth.jwt() returns jsonb return rowhouse.jwt()`. Under the gateway door auth.jwt() is
-- there already and stays.
create function rowhouse.jwt() returns jsonb
  language plpgsql stable parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid := rowhouse.organization_id();
begin
  if organization is null and rowhouse.actor_kind() is null then
    return null;
  end if;
  return jsonb_build_object(
    'sub', rowhouse.user_id(),
    'role', 'authenticated',
    'app_metadata', jsonb_build_object(
      'organization_id', organization,
      'tenant_id', organization,
      'organization_role', rowhouse.role()
    )
  );
end
$$;

revoke all on function rowhouse.enter_with_settings(text, text[]), rowhouse.hold_organization_in(text[]), rowhouse.jwt() from public;
grant execute on function rowhouse.enter_with_settings(text, text[]), rowhouse.hold_organization_in(text[]) to rowhouse_app, rowhouse_control, rowhouse_migrator;
grant execute on function rowhouse.jwt() to rowhouse_app, rowhouse_migrator, authenticated, service_role;
