-- The doors besides enter(): the home of an organization's own, the catalogue of an organization that lives elsewhere, and
-- the question where it lives. Who asks shows a token, which only the application can make; none of them lists what
-- another organization has.

-- What enter() checks of a token, for the functions here: signature, database, life.
create function rowhouse.check_token(token text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  life interval;
begin
  perform rowhouse.verify_token(token);
  life := to_timestamp(substr(token, 122, 14)::float8) - clock_timestamp();
  if (life > '0') is not true then
    raise exception 'The token has expired.' using errcode = 'RH004';
  elsif (life <= '60 seconds') is not true then
    raise exception 'The token lives longer than 60 seconds.'
      using errcode = 'RH002', hint = 'Tokens are minted on the time of the database.';
  end if;
end
$$;

-- The organization a token names, or null. The places are fixed: 0003_seal.sql.
create function rowhouse.token_organization(token text) returns uuid
  language sql immutable strict parallel safe
  return case when pg_catalog.substr(token, 49, 36) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    then pg_catalog.substr(token, 49, 36)::pg_catalog.uuid end;

-- The login of a home has one organization, and asks neither where another lives nor what the catalogue knows of it.
create function rowhouse.refuse_home_login() returns void
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if starts_with(session_user::text, 'rowhouse_h_') then
    raise exception 'The login % enters one organization by rowhouse.enter_home(), and nothing else.', session_user
      using errcode = 'RH012', hint = 'The runtime comes to the catalogue as rowhouse_app.';
  end if;
end
$$;

-- Where the organization of a token lives, how to get there, what it may use there, and the version of its membership that
-- tokens for another database carry. What the runtime asks when it does not know, or was sent away.
create function rowhouse.placement(token text)
  returns table (
    state text, isolation text, cluster text, host text, port int, tls text, tls_ca text, cluster_connections_max int,
    database_name text, schema_name text, login text, epoch bigint, version bigint, limits jsonb
  )
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid;
begin
  perform rowhouse.refuse_home_login();
  perform rowhouse.check_token(token);
  organization := rowhouse.token_organization(token);
  return query
    select p.state, p.isolation, p.cluster, c.host, c.port, c.tls, c.tls_ca, c.connections_max,
      p.database_name, p.schema_name, p.login::text, p.epoch, o.version, o.limits
    from rowhouse.placements p
    join rowhouse.organizations o on o.id = p.organization_id
    join rowhouse.clusters c on c.id = p.cluster
    where p.organization_id = organization;
  if not found then
    raise exception 'No organization has the id %.', organization using errcode = 'RH007';
  end if;
end
$$;

-- Of a token that names no organization and the runtime itself as the service: nothing but the application can make such a one.
create function rowhouse.check_runtime_token(token text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.check_token(token);
  if rowhouse.token_organization(token) is not null or substr(token, 85, 1) <> 's'
    or (substr(left(token, -65), 136)::jsonb ->> 'service') is distinct from 'rowhouse runtime'
  then
    raise exception 'The token is not one of a runtime.' using errcode = 'RH002';
  end if;
end
$$;

-- Of which organizations what placement() answers has changed since a snapshot; null when they are too many to name, and
-- where `since` is null. For a runtime that remembers answers: its token names the service and no organization, and
-- nothing but the application can make such a token.
create function rowhouse.placement_changes(token text, since pg_snapshot)
  returns table (snapshot pg_snapshot, organization_ids uuid[])
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  named_max constant int := 1000;
begin
  perform rowhouse.refuse_home_login();
  perform rowhouse.check_runtime_token(token);
  return query
    select pg_current_snapshot(), case when since is not null and cardinality(c.ids) <= named_max then c.ids end
    from (
      select array(
        -- Snapshot to snapshot: what is visible now and was not then, so that a slow commit is not skipped.
        select o.id from rowhouse.organizations o
        where o.version_xid >= pg_snapshot_xmax(since) or o.version_xid = any (array(select pg_snapshot_xip(since)))
        limit named_max + 1
      ) as ids
    ) c;
end
$$;

-- Of clusters: who lives there is reached in another way from now on, so that runtimes which remember the old one ask again
--. What the catalogue says of members is what it was, so no version is counted.
create function rowhouse.tell_of_cluster() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Each check writes the row; that is no news.
  if (new.host, new.port, new.tls, new.tls_ca, new.connections_max)
    is distinct from (old.host, old.port, old.tls, old.tls_ca, old.connections_max)
  then
    perform from rowhouse.organizations o join rowhouse.placements p on p.organization_id = o.id
    where p.cluster = new.id order by o.id for no key update of o;
    update rowhouse.organizations o set version_xid = pg_current_xact_id()
    from rowhouse.placements p where p.organization_id = o.id and p.cluster = new.id;
  end if;
  return null;
end
$$;
create trigger tell_of_cluster after update on rowhouse.clusters
  for each row execute function rowhouse.tell_of_cluster();

-- The door of a home: a login that has one organization enters that one, and rowhouse_app in a database outside the
-- catalogue what shares it. Then enter() does what it does. The JSON of the token begins with the version of the membership
-- that it was minted from; where what this database knows is older, nobody is let in.
--
-- What is not yet verified may only refuse here, and tells nothing of an organization that this login does not have.
create function rowhouse.enter_home(token text) returns void
  language plpgsql volatile security definer
as $$
declare
  here pg_catalog.int8;
  named pg_catalog.text := pg_catalog.split_part(pg_catalog.substr(token, 136, 32), '"version":', 2);
begin
  select o.version
  into here
  from rowhouse.placements p, rowhouse.organizations o
  where p.organization_id operator(pg_catalog.=) rowhouse.token_organization(token)
    and o.id operator(pg_catalog.=) p.organization_id
    and p.database_name is null
    and (
      p.login operator(pg_catalog.=) session_user
      or (p.login is null and not pg_catalog.starts_with(session_user::pg_catalog.text, 'rowhouse_h_'))
    );
  if here is null then
    perform rowhouse.check_token(token);
    raise exception 'Organization % does not live here.', rowhouse.token_organization(token)
      using errcode = 'RH009', hint = 'Look up its placement again.';
  end if;
  -- `is not true`: without a version nobody knows how old the copy may be.
  if (here operator(pg_catalog.>=) pg_catalog."substring"(named, '^[0-9]{1,18}')::pg_catalog.int8) is not true then
    perform rowhouse.check_token(token);
    if named operator(pg_catalog.=) '' then
      raise exception 'The token carries no version.' using errcode = 'RH002', hint = 'The runtime learns it from rowhouse.placement().';
    end if;
    raise exception 'What this database knows of the organization''s members is of version %, and older than the token.', here
      using errcode = 'RH083', hint = 'The copy is on its way; try again in a moment.';
  end if;
  perform rowhouse.enter(token);
end
$$;

-- Has a session of a home load what enter() needs, before anybody waits for it. Whatever becomes of entering is undone, so
-- that this lets nobody in: the seal, and the lock with it, go with the inner transaction.
create function rowhouse.warm_home(token text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  begin
    perform rowhouse.enter(token);
    raise exception 'undone';
  exception when others then
    null;
  end;
  begin
    perform rowhouse.enter_home(token);
    raise exception 'undone';
  exception when others then
    null;
  end;
  perform rowhouse.organization_id();
exception when others then
  null;
end
$$;

create function rowhouse.enter_home_with_settings(token text, settings text[]) returns void
  language plpgsql volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.enter_home(token);
  perform rowhouse.hold_organization_in(settings);
end
$$;

-- Seals a transaction for what the catalogue knows of an organization, wherever that lives: members, roles, invitations,
-- permissions. The seal names the organization in a place of its own, so that organization_id(), and with it every
-- protected table, refuses it (RH009): nobody takes the catalogue's empty tables for the organization's.
create function rowhouse.enter_catalogue(token text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization uuid;
  kind text := substr(token, 85, 1);
  payload text;
begin
  perform rowhouse.refuse_home_login();
  perform rowhouse.check_token(token);
  organization := rowhouse.token_organization(token);
  if organization is null then
    perform rowhouse.enter(token);
    return;
  end if;
  if rowhouse.is_copy(organization) then
    raise exception 'The catalogue of organization % is another database.', organization
      using errcode = 'RH084', hint = 'Here is a copy of it.';
  end if;
  if rowhouse.seal_payload() is not null then
    raise exception 'This transaction already acts for an organization.'
      using errcode = 'RH006', hint = 'One transaction, one organization: end it and begin another.';
  end if;
  if not pg_try_advisory_xact_lock_shared(rowhouse.lock_key(organization)) then
    perform rowhouse.wait_for_organization(organization);
  end if;
  payload := repeat('-', 36) || substr(left(token, -65), 85) || '@' || organization || rowhouse.admit(
    kind, organization, nullif(substr(token, 86, 36), repeat('-', 36))::uuid, substr(left(token, -65), 136)::jsonb, true);
  perform set_config('rowhouse.seal', encode(sha256(rowhouse.key_part('seal_outer') || sha256(
    rowhouse.key_part('seal_inner') || timestamptz_send(now()) || convert_to(payload, 'UTF8'))), 'hex') || payload, true);
end
$$;

revoke all on function
  rowhouse.check_token(text), rowhouse.token_organization(text), rowhouse.refuse_home_login(), rowhouse.placement(text),
  rowhouse.check_runtime_token(text), rowhouse.placement_changes(text, pg_snapshot), rowhouse.enter_home(text),
  rowhouse.warm_home(text), rowhouse.enter_home_with_settings(text, text[]), rowhouse.enter_catalogue(text), rowhouse.tell_of_cluster()
  from public;
grant execute on function
  rowhouse.placement(text), rowhouse.placement_changes(text, pg_snapshot), rowhouse.enter_home(text), rowhouse.warm_home(text),
  rowhouse.enter_home_with_settings(text, text[]), rowhouse.enter_catalogue(text)
  to rowhouse_app;
