-- The gateway door: how a request that comes through PostgREST gets its seal. PostgREST logs in as authenticator,
-- verifies the JWT, sets role and request.* for the transaction, and then calls what db-pre-request names:
--
--   alter role authenticator set pgrst.db_pre_request = 'rowhouse.pre_request'
--
-- The door must not open for anything else that runs as authenticator: request.* are plain settings, and a function
-- of the application with dynamic SQL could set claims of its own and call the door again. PostgREST's own call is the
-- whole text of its message, and inside any other statement current_query() is that statement.

-- How many proxies between the client and PostgREST append to x-forwarded-for. The one row is the owner's to change.
create table rowhouse.gateway (
  only_row boolean primary key default true constraint there_is_one_row check (only_row),
  trusted_proxies int not null default 0 constraint trusted_proxies_are_few check (trusted_proxies between 0 and 10)
);
insert into rowhouse.gateway default values;
revoke all on rowhouse.gateway from public;

-- The address that a client cannot write: each proxy appends the address it was called from, so the last `trusted`
-- entries are true, and the first of those is the client's. All before is what the client sent. Null when there is no
-- such entry, or it is no address.
create function rowhouse.client_address(forwarded_for text, trusted int) returns text
  language sql immutable
  set search_path = pg_catalog, pg_temp
as $$
  select case when hop ~ '^[0-9a-fA-F:.]{2,45}$' then hop end
  from (select case when trusted > 0 then trim(split_part(forwarded_for, ',', -trusted)) end as hop) h
$$;

-- Seals the transaction from the verified claims. The active organization is the header x-organization-id, else
-- app_metadata.organization_id of the JWT; an empty header is none. It mints the token an application would, so that
-- enter() alone decides: membership, status, placement and lock are as for everybody.
create function rowhouse.pre_request() returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  claims jsonb;
  headers jsonb;
  organization text;
  uuid_form constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
  who text;
  service text;
  key record;
  signed text;
begin
  if session_user <> 'authenticator' or current_query() is distinct from 'select "rowhouse"."pre_request"()' then
    raise exception 'Only PostgREST may call rowhouse.pre_request(), before a request.'
      using errcode = 'RH017', hint = 'Name it in db-pre-request; everybody else enters with a token.';
  end if;
  claims := nullif(current_setting('request.jwt.claims', true), '');
  headers := nullif(current_setting('request.headers', true), '');
  organization := coalesce(headers ->> 'x-organization-id', claims -> 'app_metadata' ->> 'organization_id');
  if organization = '' then
    organization := null;
  elsif organization !~ uuid_form then
    raise exception 'x-organization-id is not a uuid.'
      using errcode = 'RH018', hint = 'Send the id of an organization, or nothing for none.';
  end if;

  case claims ->> 'role'
    when 'authenticated' then
      if claims ->> 'sub' is null then
        return;
      end if;
      if claims ->> 'sub' !~ uuid_form then
        raise exception 'The subject of the JWT is not a uuid.' using errcode = 'RH002';
      end if;
      -- As a uuid again, so that it has the width that a token's places need.
      who := 'u' || (claims ->> 'sub')::uuid;
    when 'service_role' then
      -- Its key is the application's own: it acts as a service, for the organization that the header names.
      if headers ->> 'x-organization-id' is null or organization is null then
        return;
      end if;
      who := 's' || repeat('-', 36);
      service := 'service_role';
    else
      -- Nobody has signed in: no seal, no rows.
      return;
  end case;

  select k.id, d.id as database_id, k.inner_pad, k.outer_pad, g.trusted_proxies into key
  from rowhouse.database d, rowhouse.keys k, rowhouse.gateway g order by k.created_at desc, k.id limit 1;
  if not found then
    raise exception 'Rowhouse has no keys in this database yet, so nobody can be let in.'
      using errcode = 'RH071', hint = 'Run once: rowhouse install';
  end if;
  signed := 'v1.' || key.id || '.' || key.database_id || coalesce(organization::uuid::text, repeat('-', 36)) || who
    || to_char(extract(epoch from clock_timestamp()) + 30, 'FM0000000000.000')
    || jsonb_build_object(
      'service', service,
      'reason', null,
      'origin', 'app',
      'request', left(headers ->> 'x-request-id', 200),
      'ip', rowhouse.client_address(headers ->> 'x-forwarded-for', key.trusted_proxies)
    );
  perform rowhouse.enter(signed || '.' || encode(
    sha256(key.outer_pad || sha256(key.inner_pad || convert_to(signed, 'UTF8'))), 'hex'));
end
$$;

revoke all on function rowhouse.pre_request(), rowhouse.client_address(text, int) from public;
grant execute on function rowhouse.pre_request() to anon, authenticated, service_role;

-- What policies and defaults call as the role of the request, and what a request may read of the catalogue.
grant usage on schema rowhouse to anon, authenticated, service_role;
grant execute on function
  rowhouse.organization_id(), rowhouse.active_organization(), rowhouse.user_id(), rowhouse.actor_kind(), rowhouse.role(),
  rowhouse.has_role(text), rowhouse.can(text)
  to anon, authenticated, service_role;
grant select on rowhouse.organizations, rowhouse.members, rowhouse.roles, rowhouse.users, rowhouse.plans,
  rowhouse.connections, rowhouse.change_log, rowhouse.audit_log to authenticated, service_role;

do $$
declare
  name text;
begin
  foreach name in array array['members', 'organizations', 'roles', 'users', 'connections', 'change_log'] loop
    execute format('alter policy own_organization on rowhouse.%I to rowhouse_app, authenticated, service_role', name);
  end loop;
end
$$;
