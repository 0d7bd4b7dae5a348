-- The seal: proof, for one transaction of one backend, of who acts for which organization.
-- Long because the functions of the hot path repeat lines that a call of another would cost more than.
--
--   token = v1.<key id>.<payload>.<64 hex digits of the MAC>      MAC = HMAC-SHA256(token key, all before the last dot)
--   payload = <database, 36><organization, 36><kind, 1><person or connection, 36><expiry, 14><the rest, JSON>
--   rowhouse.seal = <64 hex digits of the MAC><payload without the database><role>
--   MAC = HMAC-SHA256(seal key, int4send(backend pid) || timestamptz_send(transaction start) || all after the MAC)
--
-- What is absent is dashes; the expiry is epoch seconds, 1234567890.123; a role holds no brace, so it begins after the
-- last one. All before the JSON is ASCII and of fixed width, so nothing in the JSON can be read as anything else.
--
-- Everybody may read and set the variable; nobody but enter() can make a value that verifies. With pid and
-- transaction start in the MAC it is worthless in any other transaction, so a pooled connection cannot leak it.
-- Set again after ROLLBACK TO a savepoint from before enter(), or in a second transaction of one simple message, it
-- still names only the organization and person that entered; each write takes the organization's lock again and is
-- refused where it has moved. docs/isolation.md says what remains.
--
-- What it costs, and why it looks as it does. Every transaction initialises every plpgsql expression that it runs
-- anew: about 0.15 µs an expression and 0.35 µs a function or operator in it, whatever they do. So fixed positions
-- instead of base64 and JSON, as few calls as can be, and everything that is not the common case behind a branch that
-- is not taken. Over the wire, Postgres 18.4, a transaction of its own each, before and after: enter() 68 → 44 µs;
-- with a sealed query 90 → 61 (an empty plpgsql function 10, the plain query 13). Of enter(): the token's MAC 9,
-- expiry 3, organization, kind and lock 6, membership, placement and status 12, the seal 5.
--
-- Key constants. A key read from its table costs 3 µs a call, so key_constant() is declared IMMUTABLE: the planner
-- folds it into the expression once per session. That is sound, because
--   - keys change only by writes to rowhouse.database and rowhouse.keys, and a trigger there touches the functions that
--     hold constants: plpgsql compiles anew when pg_proc's row changes, which every session sees before its next
--     transaction;
--   - what is folded is read with a snapshot of that moment, or not at all: where the snapshot stands still (REPEATABLE
--     READ) nothing is folded, and that session asks the table each time until its plans go;
--   - a cached plan belongs to one backend, so the pid can be folded too; a parallel worker never runs these functions;
--   - no tenant sees a plan of these functions: they are no part of EXPLAIN, and constants are in simple expressions
--     only, which never reach the executor and its hooks (auto_explain). debug_print_plan, which everybody may set and
--     have sent to the client, would print them: while it is on nothing is folded.
--
-- These functions have no SET clause: every name, type and operator in them is qualified instead.
-- They are PARALLEL RESTRICTED, because a worker has another pid.

-- A part of the keys, as the table says now. VOLATILE, so that it sees what was committed a moment ago.
create function rowhouse.key_part(part text) returns bytea
  language plpgsql volatile security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select case part
        when 'seal_inner' then d.seal_inner_pad || int4send(pg_backend_pid())
        when 'seal_outer' then d.seal_outer_pad
        when 'token_inner' then k.inner_pad
        when 'token_outer' then k.outer_pad
        when 'token_start' then convert_to('v1.' || k.id || '.' || d.id, 'UTF8')
      end
    from rowhouse.database d
    -- The newest key; a token of another goes the slower way of verify_token().
    left join rowhouse.keys k on d.name = current_database()
    order by k.created_at desc, k.id
    limit 1
  );
end
$$;

-- The same for the planner to fold, or null where it must not be.
create function rowhouse.key_constant(part text) returns bytea
  language plpgsql immutable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_isolation') = 'read committed' and current_setting('debug_print_plan') = 'off' then
    return rowhouse.key_part(part);
  end if;
  return null;
end
$$;

-- How a token of the newest key begins: version, key id, database.
create function rowhouse.token_start() returns text
  language plpgsql immutable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return convert_from(rowhouse.key_constant('token_start'), 'UTF8');
end
$$;

-- The seal of this transaction without its MAC, or null when there is none that verifies. Those who call it have one
-- search_path: plpgsql plans anew, and reads the keys anew, whenever that is another than at the last call.
create function rowhouse.sealed() returns text
  language plpgsql stable security definer parallel restricted
as $$
declare
  seal pg_catalog.text := pg_catalog.current_setting('rowhouse.seal', true);
begin
  if (pg_catalog."left"(seal, 64) operator(pg_catalog.=) pg_catalog.encode(pg_catalog.sha256(
      coalesce(rowhouse.key_constant('seal_outer'), rowhouse.key_part('seal_outer')) operator(pg_catalog.||) pg_catalog.sha256(
        coalesce(rowhouse.key_constant('seal_inner'), rowhouse.key_part('seal_inner'))
        operator(pg_catalog.||) pg_catalog.timestamptz_send(pg_catalog.now())
        operator(pg_catalog.||) pg_catalog.convert_to(pg_catalog.substr(seal, 65), 'UTF8')
      )), 'hex')) is not true
  then
    return null;
  end if;
  return pg_catalog.substr(seal, 65);
end
$$;

-- The payload of this transaction's seal, or null when there is none that verifies.
create function rowhouse.seal_payload() returns jsonb
  language plpgsql stable security definer parallel restricted
as $$
declare
  sealed pg_catalog.text := rowhouse.sealed();
  rest pg_catalog.text;
  role pg_catalog.text;
  kind pg_catalog.text;
  actor pg_catalog.text;
  organization pg_catalog.text;
begin
  if sealed is null then
    return null;
  end if;
  organization := nullif(pg_catalog."left"(sealed, 36), '------------------------------------');
  rest := pg_catalog.substr(sealed, 88);
  role := pg_catalog.split_part(rest, '}', -1);
  kind := pg_catalog.substr(sealed, 37, 1);
  actor := nullif(pg_catalog.substr(sealed, 38, 36), '------------------------------------');
  rest := pg_catalog."left"(rest, pg_catalog.length(rest) operator(pg_catalog.-) pg_catalog.length(role));
  -- Of enter_catalogue(): no role begins so.
  if organization is null then
    if role operator(pg_catalog.^@) '@' then
      organization := pg_catalog.substr(role, 2, 36);
      role := pg_catalog.substr(role, 38);
    end if;
  end if;
  return rest::pg_catalog.jsonb
    operator(pg_catalog.||) pg_catalog.jsonb_build_object(
      'org', organization,
      'kind', rowhouse.kind_name(kind),
      'user', case when kind operator(pg_catalog.=) 'u' then actor end,
      'connection', case when kind operator(pg_catalog.=) 'c' then actor end,
      'role', nullif(role, '')
    );
end
$$;

-- The kind of an actor by its letter in a token.
create function rowhouse.kind_name(letter text) returns text
  language sql immutable strict parallel safe
  return case letter
    when 'u' then 'user' when 's' then 'service' when 'o' then 'operator' when 'c' then 'sync' when 'r' then 'report'
  end;

-- The organization this transaction acts for; null without a seal. The policy of every protected table calls it once a
-- statement; it repeats seal_payload()'s check because the nested call and its JSON cost more than the lines.
-- A person who entered without an organization is told so (RH070), because a table that looks empty says something
-- else; so is who entered the catalogue alone (RH009). What must answer them calls active_organization().
create function rowhouse.organization_id() returns uuid
  language plpgsql stable security definer parallel restricted
as $$
declare
  seal pg_catalog.text := pg_catalog.current_setting('rowhouse.seal', true);
  elsewhere pg_catalog.text;
  organization pg_catalog.uuid := case
    when pg_catalog."left"(seal, 64) operator(pg_catalog.=) pg_catalog.encode(pg_catalog.sha256(
        coalesce(rowhouse.key_constant('seal_outer'), rowhouse.key_part('seal_outer')) operator(pg_catalog.||) pg_catalog.sha256(
          coalesce(rowhouse.key_constant('seal_inner'), rowhouse.key_part('seal_inner'))
          operator(pg_catalog.||) pg_catalog.timestamptz_send(pg_catalog.now())
          operator(pg_catalog.||) pg_catalog.convert_to(pg_catalog.substr(seal, 65), 'UTF8')
        )), 'hex')
    then nullif(pg_catalog.substr(seal, 65, 36), '------------------------------------')::pg_catalog.uuid
  end;
begin
  if organization is null then
    if rowhouse.seal_payload() is not null then
      elsewhere := rowhouse.seal_payload() operator(pg_catalog.->>) 'org';
      if elsewhere is not null then
        raise exception 'This transaction acts for organization % in the catalogue only.', elsewhere
          using errcode = 'RH009', hint = 'Its rows are in its home: rowhouse.as(…) finds it.';
      end if;
      raise exception 'No organization is active.'
        using errcode = 'RH070', hint = 'Name one: the header x-organization-id, or organizationId of rowhouse.as(…).';
    end if;
  end if;
  return organization;
end
$$;

-- The organization this transaction acts for, or null: without a seal, and for a person who has not chosen one.
create function rowhouse.active_organization() returns uuid
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (rowhouse.seal_payload() ->> 'org')::uuid;
end
$$;

-- The token when enter() could not verify it at a glance: of another key that is valid, or an error that says what is
-- wrong with it.
create function rowhouse.verify_token(token text) returns void
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  verified boolean;
begin
  if token is null then
    raise exception 'No token was given.'
      using errcode = 'RH001', hint = 'Pass the token as a bind parameter of rowhouse.enter($1).';
  end if;
  if token !~ '^v1\.[0-9a-f]{8}\.[0-9a-f-]{72}[a-z][0-9a-f-]{36}[0-9]{10}\.[0-9]{3}\{.*\}\.[0-9a-f]{64}$' then
    raise exception 'The token has not the form v1.<key id>.<payload>.<signature>.' using errcode = 'RH002';
  end if;
  select right(token, 64) = encode(sha256(k.outer_pad || sha256(k.inner_pad || convert_to(left(token, -65), 'UTF8'))), 'hex')
  into verified
  from rowhouse.keys k
  where k.id = substr(token, 4, 8);
  -- `is not true`, because a comparison with null is neither.
  if verified is not true then
    raise exception 'The signature of the token is wrong.'
      using errcode = 'RH003', hint = 'Application and database must be installed with the same signing key.';
  end if;
  if not exists (
    select from rowhouse.database d where d.id::text = substr(token, 13, 36) and d.name = current_database()
  ) then
    raise exception 'The token is for another database.'
      using errcode = 'RH005', hint = 'A renamed, cloned or restored database gets an id of its own: rowhouse install.';
  end if;
end
$$;

-- Lets in whoever is not a member of an active organization, or says why not. The organization's lock is held. Returns
-- the role, or '' for an actor without one.
-- With `anywhere` it may live in another home: what is entered is the catalogue. `has_slot`: it is one of as many as its plan
-- allows already.
create function rowhouse.admit(
  kind text, organization uuid, actor uuid, claims jsonb, anywhere boolean default false, has_slot boolean default false
) returns text
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  organization_status text;
  placement_state text;
  lives_here boolean;
  member_role text;
  organization_limits jsonb;
begin
  if (case
      when kind = 'u' then actor is not null
      -- Without an organization it may list them and combine what they answered, and sees no row of any.
      when kind = 'r' then (claims ->> 'service') is not null and (claims ->> 'reason') is not null
      when organization is null then false
      when kind = 's' then (claims ->> 'service') is not null
      when kind = 'c' then actor is not null
      when kind = 'o' then (claims ->> 'reason') is not null
    end) is not true
  then
    raise exception 'The token names no actor.' using errcode = 'RH002';
  end if;
  -- Also a run that was let in a moment ago ends when the owner takes the approval back.
  if kind = 'r' then
    perform rowhouse.approved_report(claims ->> 'service');
  end if;
  if organization is null then
    return '';
  end if;
  select o.status, p.state, p.database_name is null and (p.login is null or p.login = session_user), m.role, o.limits
  into organization_status, placement_state, lives_here, member_role, organization_limits
  from rowhouse.organizations o
  left join rowhouse.placements p on p.organization_id = o.id
  left join rowhouse.members m on m.organization_id = o.id and m.user_id = actor and kind = 'u'
  where o.id = organization;

  if organization_status is null then
    raise exception 'No organization has the id %.', organization using errcode = 'RH007';
  end if;
  if kind = 'u' and member_role is null then
    raise exception 'User % is not a member of organization %.', actor, organization using errcode = 'RH011';
  end if;
  if (anywhere or placement_state = 'active' and lives_here) is not true then
    if placement_state = 'placing' then
      raise exception 'Organization % has no home yet.', organization
        using errcode = 'RH010', hint = 'It is being made; try again in a moment.';
    end if;
    if placement_state = 'moving' and lives_here then
      raise exception 'Organization % is being moved.', organization
        using errcode = 'RH010', hint = 'Try again in a moment.';
    end if;
    raise exception 'Organization % does not live here.', organization
      using errcode = 'RH009', hint = 'Look up its placement again.';
  end if;
  if organization_status <> 'active' and kind <> 'o' then
    raise exception 'Organization % is suspended.', organization
      using errcode = 'RH008', hint = 'An operator can resume it.';
  end if;
  if kind = 'c' and rowhouse.connection_belongs(organization, actor) is not true then
    raise exception 'Organization % has no connection %.', organization, actor using errcode = 'RH013';
  end if;
  if organization_limits is not null then
    -- An operator gets in however much is under way, and so does whoever asks the catalogue alone.
    if rowhouse.limit_transaction(
      organization_limits, case when not (has_slot or anywhere or kind = 'o') then organization end)
    then
      -- It waited: who may enter is asked again.
      return rowhouse.admit(kind, organization, actor, claims, anywhere, true);
    end if;
  end if;
  return coalesce(member_role, '');
end
$$;

-- Checks a token and seals the transaction. Refuses by SQLSTATE class RH; see src/sqlstate.ts.
create function rowhouse.enter(token text) returns void
  language plpgsql volatile security definer
as $$
declare
  signed pg_catalog.text := pg_catalog."left"(token, -65);
  life pg_catalog.interval;
  kind pg_catalog.text;
  organization pg_catalog.uuid;
  actor pg_catalog.uuid;
  role pg_catalog.text;
  limits pg_catalog.jsonb;
  waited pg_catalog.bool := false;
  payload pg_catalog.text;
  ignored pg_catalog.text;
begin
  -- `is not true`, because a comparison with null is neither.
  if (pg_catalog.starts_with(token, rowhouse.token_start())
    and pg_catalog."right"(token, 64) operator(pg_catalog.=) pg_catalog.encode(pg_catalog.sha256(
      rowhouse.key_constant('token_outer') operator(pg_catalog.||) pg_catalog.sha256(
        rowhouse.key_constant('token_inner') operator(pg_catalog.||) pg_catalog.convert_to(signed, 'UTF8')
      )), 'hex')) is not true
  then
    perform rowhouse.verify_token(token);
  end if;

  -- Verified: from here on the token is what the application wrote. clock_timestamp(), because now() stands still
  -- inside a long transaction.
  life := pg_catalog.to_timestamp(pg_catalog.substr(token, 122, 14)::pg_catalog.float8)
    operator(pg_catalog.-) pg_catalog.clock_timestamp();
  if (life operator(pg_catalog.>) '0'::pg_catalog.interval
    and life operator(pg_catalog.<=) '60 seconds'::pg_catalog.interval) is not true
  then
    if (life operator(pg_catalog.>) '0'::pg_catalog.interval) is not true then
      raise exception 'The token has expired.' using errcode = 'RH004';
    end if;
    raise exception 'The token lives longer than 60 seconds.'
      using errcode = 'RH002', hint = 'Tokens are minted on the time of the database.';
  end if;
  if pg_catalog.current_setting('rowhouse.seal', true) operator(pg_catalog.<>) '' then
    if rowhouse.seal_payload() is not null then
      raise exception 'This transaction already acts for an organization.'
        using errcode = 'RH006', hint = 'One transaction, one organization: end it and begin another.';
    end if;
  end if;

  organization := nullif(pg_catalog.substr(token, 49, 36), '------------------------------------')::pg_catalog.uuid;
  kind := pg_catalog.substr(token, 85, 1);
  actor := nullif(pg_catalog.substr(token, 86, 36), '------------------------------------')::pg_catalog.uuid;
  -- The try is a simple expression (0.4 µs); only when a mover is there does it fail, and then we wait.
  if pg_catalog.pg_try_advisory_xact_lock_shared(rowhouse.lock_key(organization)) is not true then
    if organization is not null then
      perform rowhouse.wait_for_organization(organization);
    end if;
  end if;
  -- Where the snapshot is older than the lock, only a row lock sees that the organization has moved (40001).
  if pg_catalog.current_setting('transaction_isolation') operator(pg_catalog.<>) 'read committed' then
    if pg_catalog.current_setting('transaction_read_only') operator(pg_catalog.=) 'off' then
      perform from rowhouse.placements p where p.organization_id operator(pg_catalog.=) organization for share;
    end if;
  end if;
  -- A statement of its own, after the lock: its snapshot sees what a mover committed while we waited. It finds a member
  -- of an active organization that lives here and is this login's to enter; everybody else is for admit() to judge.
  if kind operator(pg_catalog.=) 'u' then
    select m.role, o.limits
    into role, limits
    from rowhouse.members m, rowhouse.organizations o, rowhouse.placements p
    where m.organization_id operator(pg_catalog.=) organization and m.user_id operator(pg_catalog.=) actor
      and o.id operator(pg_catalog.=) organization and o.status operator(pg_catalog.=) 'active'
      and p.organization_id operator(pg_catalog.=) organization and p.state operator(pg_catalog.=) 'active'
      and p.database_name is null and (p.login is null or p.login operator(pg_catalog.=) session_user);
    if limits is not null then
      waited := rowhouse.limit_transaction(limits, organization);
    end if;
  end if;
  -- Who waited for its turn is judged as things are now.
  if role is null or waited then
    role := rowhouse.admit(kind, organization, actor, pg_catalog.substr(signed, 136)::pg_catalog.jsonb, false, waited);
  end if;

  payload := pg_catalog.substr(signed, 49) operator(pg_catalog.||) role;
  -- Assigned, not performed: a simple expression costs half.
  ignored := pg_catalog.set_config('rowhouse.seal', pg_catalog.encode(pg_catalog.sha256(
      coalesce(rowhouse.key_constant('seal_outer'), rowhouse.key_part('seal_outer')) operator(pg_catalog.||) pg_catalog.sha256(
        coalesce(rowhouse.key_constant('seal_inner'), rowhouse.key_part('seal_inner'))
        operator(pg_catalog.||) pg_catalog.timestamptz_send(pg_catalog.now())
        operator(pg_catalog.||) pg_catalog.convert_to(payload, 'UTF8')
      )), 'hex') operator(pg_catalog.||) payload, true);
end
$$;

-- What plan and organization bound, for this transaction; with `organization` also how many of its transactions there are.
-- Says whether it had to wait for one of them to end. The times are a guard against queries that run away, not against
-- whoever sets them back. Postgres arms the timer for each message anew, so it holds for the statement that comes after enter().
create function rowhouse.limit_transaction(limits jsonb, organization uuid default null) returns boolean
  language plpgsql volatile security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if limits ? 'statementTimeoutMs' then
    perform set_config('statement_timeout', limits ->> 'statementTimeoutMs', true);
  end if;
  if limits ? 'idleInTransactionTimeoutMs' then
    perform set_config('idle_in_transaction_session_timeout', limits ->> 'idleInTransactionTimeoutMs', true);
  end if;
  return organization is not null and limits ? 'concurrency'
    and rowhouse.take_slot(organization, (limits ->> 'concurrency')::int);
end
$$;

-- Makes every session compile anew the functions that hold key constants: ALTER FUNCTION writes a new row of pg_proc
-- even where it changes nothing. Whatever changes keys, it runs in the same transaction.
create function rowhouse.forget_key_constants() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  alter function rowhouse.enter(text) volatile;
  alter function rowhouse.organization_id() stable;
  alter function rowhouse.sealed() stable;
  alter function rowhouse.lock_key(uuid) volatile;
  alter function rowhouse.turn_key(text) volatile;
  alter function rowhouse.slots_key(uuid) volatile;
  return null;
end
$$;
create trigger forget_key_constants after insert or update or delete or truncate on rowhouse.database
  for each statement execute function rowhouse.forget_key_constants();
create trigger forget_key_constants after insert or update or delete or truncate on rowhouse.keys
  for each statement execute function rowhouse.forget_key_constants();
create trigger forget_key_constants after insert or update or delete or truncate on rowhouse.lock_seed
  for each statement execute function rowhouse.forget_key_constants();

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
declare
  sealed text := rowhouse.sealed();
begin
  return case when substr(sealed, 37, 1) = 'u' then nullif(substr(sealed, 38, 36), '------------------------------------')::uuid end;
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

-- What the built-in roles permit, by name, as the table says now. VOLATILE, so that it sees what was committed a moment ago.
create function rowhouse.built_in_permissions() returns jsonb
  language plpgsql volatile security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (select jsonb_object_agg(r.name, r.permissions) from rowhouse.roles r where r.organization_id is null);
end
$$;

-- The same for the planner to fold, as key_constant() is, or null where it must not be: only a new version of Rowhouse
-- changes a built-in role. Nearly all writes ask for one, and the table costs 10 µs.
create function rowhouse.built_in_constant() returns jsonb
  language plpgsql immutable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_isolation') = 'read committed' then
    return rowhouse.built_in_permissions();
  end if;
  return null;
end
$$;

create function rowhouse.forget_built_in_constant() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  alter function rowhouse.can(text) stable;
  return null;
end
$$;
-- Not where an organization changes a role of its own: that is no constant.
create trigger forget_made_constant after insert on rowhouse.roles
  for each row when (new.organization_id is null) execute function rowhouse.forget_built_in_constant();
create trigger forget_changed_constant after update on rowhouse.roles
  for each row when (old.organization_id is null or new.organization_id is null)
  execute function rowhouse.forget_built_in_constant();
create trigger forget_deleted_constant after delete on rowhouse.roles
  for each row when (old.organization_id is null) execute function rowhouse.forget_built_in_constant();
create trigger forget_truncated_constant after truncate on rowhouse.roles
  for each statement execute function rowhouse.forget_built_in_constant();

-- Whether the actor has a permission. A person's comes from the role; the application itself and an operator
-- have all; the sync engine reads and writes data; a report reads. `connections.manage:<id>` asks of one connection, which
-- may be granted alone (0755). The policies of every write ask: a person with a built-in role that permits it is answered
-- first, and without a look at a table.
create function rowhouse.can(permission text) returns boolean
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
declare
  sealed text := rowhouse.sealed();
begin
  -- Who has no organization has no role either; of enter_catalogue() one that begins with @, which is in no constant.
  if substr(sealed, 37, 1) = 'u' and (rowhouse.built_in_constant() -> split_part(sealed, '}', -1)) ?| array['*', permission] then
    return permission is not null;
  end if;
  return rowhouse.is_permitted(permission);
end
$$;

-- can() for everybody else.
create function rowhouse.is_permitted(permission text) returns boolean
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
      ) or (
        starts_with(permission, 'connections.')
        and rowhouse.can_connection(organization, (seal ->> 'user')::uuid, seal ->> 'role', permission)
      );
    when 'service', 'operator' then
      return true;
    when 'sync' then
      return permission = any ('{data.read,data.write,data.manage,activity.read,connections.read}'::text[])
        or starts_with(permission, 'connections.read:');
    when 'report' then
      return permission = any ('{organization.read,data.read,activity.read}'::text[]);
    else
      return false;
  end case;
end
$$;
