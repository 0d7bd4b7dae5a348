-- The seal: proof, for one transaction of one backend, of who acts for which organization.
--
--   rowhouse.seal = <64 hex digits of the MAC><organization, 36 characters><claims and role, JSON>
--   MAC = HMAC-SHA256(seal key, int4send(backend pid) || timestamptz_send(transaction start) || all after the MAC)
--
-- Everybody may read and set the variable; nobody but enter() can make a value that verifies. With pid and
-- transaction start in the MAC it is worthless in any other transaction, so a pooled connection cannot leak it.
-- Set again after ROLLBACK TO a savepoint from before enter(), or in a second transaction of one simple message, it
-- still names only the organization and person that entered; each write takes the organization's lock again and is
-- refused where it has moved. docs/isolation.md says what remains.
--
-- In-server µs a call, minimum over batches, Postgres 18.4 and 15 on two shared cores:
--   enter()            27 and 25   text functions 47 (UTF-8 length counting, translate) · keys joined to database +2
--   organization_id()   4 and 5    text functions 8.3 · without seal 0.5
-- Of enter(): membership, placement and status 8, base64 and JSON 4, key row 3, the two MACs 3, lock 0.5.
-- So strings are cut as bytea, keys are stored as pads, and what is assigned is not performed.
--
-- These functions have no SET clause: every name, type and operator in them is qualified instead.
-- They are PARALLEL RESTRICTED, because a worker has another pid.

-- The payload of this transaction's seal, or null when there is none that verifies.
create function rowhouse.seal_payload() returns jsonb
  language plpgsql stable security definer parallel restricted
as $$
declare
  seal pg_catalog.bytea := pg_catalog.convert_to(pg_catalog.current_setting('rowhouse.seal', true), 'UTF8');
  payload pg_catalog.bytea;
  inner_pad pg_catalog.bytea;
  outer_pad pg_catalog.bytea;
begin
  if seal is null or pg_catalog.length(seal) operator(pg_catalog.<) 100 then
    return null;
  end if;
  payload := pg_catalog.substr(seal, 65);
  select d.seal_inner_pad, d.seal_outer_pad into inner_pad, outer_pad from rowhouse.database d;
  if pg_catalog.encode(pg_catalog.sha256(outer_pad operator(pg_catalog.||) pg_catalog.sha256(
      inner_pad
      operator(pg_catalog.||) pg_catalog.int4send(pg_catalog.pg_backend_pid())
      operator(pg_catalog.||) pg_catalog.timestamptz_send(pg_catalog.now())
      operator(pg_catalog.||) payload
    )), 'hex') operator(pg_catalog.=) pg_catalog.encode(pg_catalog.substr(seal, 1, 64), 'escape')
  then
    return pg_catalog.convert_from(pg_catalog.substr(payload, 37), 'UTF8')::pg_catalog.jsonb;
  end if;
  return null;
end
$$;

-- The organization this transaction acts for, or null. The policy of every protected table calls it once a
-- statement; it repeats seal_payload() because the nested call and its JSON cost more than the lines.
create function rowhouse.organization_id() returns uuid
  language plpgsql stable security definer parallel restricted
as $$
declare
  seal pg_catalog.bytea := pg_catalog.convert_to(pg_catalog.current_setting('rowhouse.seal', true), 'UTF8');
  payload pg_catalog.bytea;
  inner_pad pg_catalog.bytea;
  outer_pad pg_catalog.bytea;
begin
  if seal is null or pg_catalog.length(seal) operator(pg_catalog.<) 100 then
    return null;
  end if;
  payload := pg_catalog.substr(seal, 65);
  select d.seal_inner_pad, d.seal_outer_pad into inner_pad, outer_pad from rowhouse.database d;
  if pg_catalog.encode(pg_catalog.sha256(outer_pad operator(pg_catalog.||) pg_catalog.sha256(
      inner_pad
      operator(pg_catalog.||) pg_catalog.int4send(pg_catalog.pg_backend_pid())
      operator(pg_catalog.||) pg_catalog.timestamptz_send(pg_catalog.now())
      operator(pg_catalog.||) payload
    )), 'hex') operator(pg_catalog.=) pg_catalog.encode(pg_catalog.substr(seal, 1, 64), 'escape')
    and pg_catalog.get_byte(payload, 0) operator(pg_catalog.<>) 45
  then
    return pg_catalog.encode(pg_catalog.substr(payload, 1, 36), 'escape')::pg_catalog.uuid;
  end if;
  return null;
end
$$;

-- Checks a token and seals the transaction. Refuses by SQLSTATE class RH; see src/sqlstate.ts.
create function rowhouse.enter(token text) returns void
  language plpgsql volatile security definer
as $$
declare
  raw pg_catalog.bytea := pg_catalog.convert_to(token, 'UTF8');
  size pg_catalog.int4 := pg_catalog.length(raw);
  inner_pad pg_catalog.bytea;
  outer_pad pg_catalog.bytea;
  seal_inner_pad pg_catalog.bytea;
  seal_outer_pad pg_catalog.bytea;
  database_id pg_catalog.uuid;
  database_name pg_catalog.name;
  encoded pg_catalog.text;
  claims pg_catalog.jsonb;
  organization pg_catalog.uuid;
  person pg_catalog.uuid;
  kind pg_catalog.text;
  organization_status pg_catalog.text;
  placement_state pg_catalog.text;
  member_role pg_catalog.text;
  life pg_catalog.interval;
  payload pg_catalog.bytea;
  ignored pg_catalog.text;
begin
  if token is null then
    raise exception 'No token was given.'
      using errcode = 'RH001', hint = 'Pass the token as a bind parameter of rowhouse.enter($1).';
  end if;
  if (case
      when size operator(pg_catalog.<) 60 then false
      else pg_catalog.substr(raw, 1, 3) operator(pg_catalog.=) '\x76312e'::pg_catalog.bytea
        and pg_catalog.get_byte(raw, 11) operator(pg_catalog.=) 46
        and pg_catalog.get_byte(raw, size operator(pg_catalog.-) 44) operator(pg_catalog.=) 46
    end) is not true
  then
    raise exception 'The token has not the form v1.<key id>.<payload>.<signature>.' using errcode = 'RH002';
  end if;

  select k.inner_pad, k.outer_pad, k.seal_inner_pad, k.seal_outer_pad, k.database_id, k.database_name
  into inner_pad, outer_pad, seal_inner_pad, seal_outer_pad, database_id, database_name
  from rowhouse.keys k
  where k.id operator(pg_catalog.=) pg_catalog.encode(pg_catalog.substr(raw, 4, 8), 'escape');
  -- `is not true`, because a comparison with null is neither.
  if (pg_catalog.translate(pg_catalog.encode(pg_catalog.sha256(outer_pad operator(pg_catalog.||) pg_catalog.sha256(
      inner_pad operator(pg_catalog.||) pg_catalog.substr(raw, 1, size operator(pg_catalog.-) 44)
    )), 'base64'), '+/=', '-_')
    operator(pg_catalog.=) pg_catalog.encode(pg_catalog.substr(raw, size operator(pg_catalog.-) 42), 'escape')) is not true
  then
    raise exception 'The signature of the token is wrong.'
      using errcode = 'RH003', hint = 'Application and database must be installed with the same signing key.';
  end if;

  -- Verified: from here on the token is what the application wrote.
  encoded := pg_catalog.encode(pg_catalog.substr(raw, 13, size operator(pg_catalog.-) 56), 'escape');
  claims := pg_catalog.convert_from(pg_catalog.decode(
      pg_catalog.replace(pg_catalog.replace(encoded, '-', '+'), '_', '/')
        operator(pg_catalog.||) pg_catalog.substr('===', 1, (3 operator(pg_catalog.*) (size operator(pg_catalog.-) 56)) operator(pg_catalog.%) 4),
      'base64'), 'UTF8')::pg_catalog.jsonb;
  if ((claims operator(pg_catalog.->>) 'db')::pg_catalog.uuid operator(pg_catalog.=) database_id
    and database_name operator(pg_catalog.=) pg_catalog.current_database()) is not true
  then
    raise exception 'The token is for another database.'
      using errcode = 'RH005', hint = 'A renamed, cloned or restored database gets an id of its own: rowhouse install.';
  end if;
  -- clock_timestamp(): now() stands still inside a long transaction.
  life := pg_catalog.to_timestamp((claims operator(pg_catalog.->>) 'exp')::pg_catalog.float8)
    operator(pg_catalog.-) pg_catalog.clock_timestamp();
  if (life operator(pg_catalog.>) '0'::pg_catalog.interval) is not true then
    raise exception 'The token has expired.' using errcode = 'RH004';
  end if;
  if life operator(pg_catalog.>) '60 seconds'::pg_catalog.interval then
    raise exception 'The token lives longer than 60 seconds.'
      using errcode = 'RH002', hint = 'Tokens are minted on the time of the database.';
  end if;
  if pg_catalog.current_setting('rowhouse.seal', true) operator(pg_catalog.<>) ''
    and rowhouse.seal_payload() is not null
  then
    raise exception 'This transaction already acts for an organization.'
      using errcode = 'RH006', hint = 'One transaction, one organization: end it and begin another.';
  end if;

  kind := claims operator(pg_catalog.->>) 'kind';
  organization := claims operator(pg_catalog.->>) 'org';
  person := claims operator(pg_catalog.->>) 'user';
  if (case
      when kind operator(pg_catalog.=) 'user' then person is not null
      when organization is null then false
      when kind operator(pg_catalog.=) 'service' then (claims operator(pg_catalog.->>) 'service') is not null
      when kind operator(pg_catalog.=) 'sync' then (claims operator(pg_catalog.->>) 'connection') is not null
      when kind operator(pg_catalog.=) 'operator' or kind operator(pg_catalog.=) 'report'
        then (claims operator(pg_catalog.->>) 'reason') is not null
    end) is not true
  then
    raise exception 'The token names no actor.' using errcode = 'RH002';
  end if;

  if organization is not null then
    -- The try is a simple expression (0.4 µs); only when a mover is there does it fail, and then we wait.
    if not pg_catalog.pg_try_advisory_xact_lock_shared(rowhouse.lock_key(organization)) then
      perform rowhouse.wait_for_organization(organization);
    end if;
    -- Where the snapshot is older than the lock, only a row lock sees that the organization has moved (40001).
    if pg_catalog.current_setting('transaction_isolation') operator(pg_catalog.<>) 'read committed'
      and pg_catalog.current_setting('transaction_read_only') operator(pg_catalog.=) 'off'
    then
      perform from rowhouse.placements p where p.organization_id operator(pg_catalog.=) organization for share;
    end if;
    -- A statement of its own, after the lock: its snapshot sees what a mover committed while we waited.
    select o.status, p.state, m.role
    into organization_status, placement_state, member_role
    from rowhouse.organizations o
    left join rowhouse.placements p on p.organization_id operator(pg_catalog.=) o.id
    left join rowhouse.members m
      on m.organization_id operator(pg_catalog.=) o.id and m.user_id operator(pg_catalog.=) person
    where o.id operator(pg_catalog.=) organization;

    if organization_status is null then
      raise exception 'No organization has the id %.', organization using errcode = 'RH007';
    end if;
    if kind operator(pg_catalog.=) 'user' and member_role is null then
      raise exception 'User % is not a member of organization %.', person, organization using errcode = 'RH011';
    end if;
    if (placement_state operator(pg_catalog.=) 'active') is not true then
      if placement_state operator(pg_catalog.=) 'moving' then
        raise exception 'Organization % is being moved.', organization
          using errcode = 'RH010', hint = 'Try again in a moment.';
      end if;
      raise exception 'Organization % does not live here.', organization
        using errcode = 'RH009', hint = 'Look up its placement again.';
    end if;
    if organization_status operator(pg_catalog.<>) 'active' and kind operator(pg_catalog.<>) 'operator' then
      raise exception 'Organization % is suspended.', organization
        using errcode = 'RH008', hint = 'An operator can resume it.';
    end if;
    if kind operator(pg_catalog.=) 'sync' and rowhouse.connection_belongs(
        organization, (claims operator(pg_catalog.->>) 'connection')::pg_catalog.uuid
      ) is not true
    then
      raise exception 'Organization % has no connection %.', organization, claims operator(pg_catalog.->>) 'connection'
        using errcode = 'RH013';
    end if;
  end if;

  payload := pg_catalog.convert_to(
    coalesce(organization::pg_catalog.text, '------------------------------------') operator(pg_catalog.||)
      pg_catalog.jsonb_set(claims, '{role}', coalesce(pg_catalog.to_jsonb(member_role), 'null'))::pg_catalog.text, 'UTF8');
  -- Assigned, not performed: a simple expression costs half.
  ignored := pg_catalog.set_config('rowhouse.seal', pg_catalog.encode(pg_catalog.sha256(
      seal_outer_pad operator(pg_catalog.||) pg_catalog.sha256(
        seal_inner_pad
        operator(pg_catalog.||) pg_catalog.int4send(pg_catalog.pg_backend_pid())
        operator(pg_catalog.||) pg_catalog.timestamptz_send(pg_catalog.now())
        operator(pg_catalog.||) payload
      )), 'hex') operator(pg_catalog.||) pg_catalog.convert_from(payload, 'UTF8'), true);
end
$$;

-- Waits for a mover to let go. Bounded, so that a stuck move is an error and not a full pool.
create function rowhouse.wait_for_organization(organization uuid) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '5s'
as $$
begin
  perform pg_advisory_xact_lock_shared(rowhouse.lock_key(organization));
exception when lock_not_available then
  raise exception 'Organization % is being moved or suspended.', organization
    using errcode = 'RH010', hint = 'Try again in a moment.';
end
$$;

create function rowhouse.user_id() returns uuid
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (rowhouse.seal_payload() ->> 'user')::uuid;
end
$$;

-- user, service, operator, sync or report; null without a seal.
create function rowhouse.actor_kind() returns text
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return rowhouse.seal_payload() ->> 'kind';
end
$$;

-- The role of the person in the organization, as it was when the transaction entered; null for other actors.
create function rowhouse.role() returns text
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return rowhouse.seal_payload() ->> 'role';
end
$$;

create function rowhouse.has_role(role text) returns boolean
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(rowhouse.seal_payload() ->> 'role' = has_role.role, false);
end
$$;

-- Whether the actor has a permission. A person's comes from the role; the application itself and an operator
-- have all; the sync engine reads and writes data; a report reads.
create function rowhouse.can(permission text) returns boolean
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
declare
  seal jsonb := rowhouse.seal_payload();
  organization uuid := seal ->> 'org';
begin
  if organization is null or permission is null then
    return false;
  end if;
  case seal ->> 'kind'
    when 'user' then
      return exists (
        select from rowhouse.roles r
        where r.name = seal ->> 'role'
          and (r.organization_id is null or r.organization_id = organization)
          and (permission = any (r.permissions) or '*' = any (r.permissions))
      );
    when 'service', 'operator' then
      return true;
    when 'sync' then
      return permission = any ('{data.read,data.write,activity.read,connections.read}'::text[]);
    when 'report' then
      return permission = any ('{organization.read,data.read,activity.read}'::text[]);
    else
      return false;
  end case;
end
$$;
