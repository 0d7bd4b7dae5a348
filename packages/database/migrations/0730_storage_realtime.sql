-- Storage and Realtime on Supabase. Their services set role and request.jwt.claims from a JWT that they verified, and never
-- call pre_request(): there is no seal. So their policies go by the claims and by the membership as it is now, and both
-- go through one function, claimed_organizations(). docs/adr/0012-storage-and-realtime-go-by-claims.md says what that
-- costs, and why it ends here: no policy of a protected table calls it.

-- The organizations in which whoever asks has the permission now; with null, in which they are a member.
-- A seal is believed first, and where there is one nothing else. request.jwt.claims are believed in sessions of the
-- services only: over PostgREST, where authenticator logs in, a function that runs SQL from a request could set them.
create function rowhouse.claimed_organizations(permission text) returns setof uuid
  language plpgsql stable security definer parallel restricted
  set search_path = pg_catalog, pg_temp
as $$
declare
  seal jsonb := rowhouse.seal_payload();
  claims jsonb;
  person uuid;
begin
  if seal is not null then
    person := seal ->> 'user';
  elsif session_user not in ('authenticator', 'rowhouse_app') then
    claims := nullif(current_setting('request.jwt.claims', true), '');
    if claims ->> 'role' = 'authenticated'
      and claims ->> 'sub' ~ '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
    then
      person := claims ->> 'sub';
    end if;
  end if;
  if person is null then
    return;
  end if;
  return query
    select m.organization_id
    from rowhouse.members m
    join rowhouse.organizations o on o.id = m.organization_id and o.status = 'active'
    where m.user_id = person
      and (seal ->> 'org' is null or m.organization_id = (seal ->> 'org')::uuid)
      and (permission is null or exists (
        select from rowhouse.roles r
        where r.name = m.role and (r.organization_id is null or r.organization_id = m.organization_id)
          and (permission = any (r.permissions) or '*' = any (r.permissions))
      ));
end
$$;

-- The organization in whose folder an object lies: <organization id>/<path>. Null unless the first segment is a uuid as
-- Postgres writes it and every segment is a plain name: no prefix, no pattern, no '..', nothing another program could
-- read as another path.
create function rowhouse.path_organization(path text) returns uuid
  language sql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when path ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[^/\\[:cntrl:]]+)+$' and path !~ '/\.{1,2}(/|$)'
    then left(path, 36)::uuid
  end
$$;

-- The organization that a topic names where a pattern has {organization_id}; null when the topic does not fit. A * at the
-- end of the pattern is any rest; everything else is compared letter by letter.
create function rowhouse.topic_organization(topic text, pattern text) returns uuid
  language sql immutable parallel safe
  set search_path = pg_catalog, pg_temp
as $$
  select case
    when starts_with(topic, p.head) and p.id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
      and case when p.tail like '%*' then starts_with(p.rest, left(p.tail, -1)) else p.rest = p.tail end
    then p.id::uuid
  end
  from (
    select h.head, h.tail, substr(topic, length(h.head) + 1, 36) as id, substr(topic, length(h.head) + 37) as rest
    from (
      select split_part(pattern, '{organization_id}', 1) as head, split_part(pattern, '{organization_id}', 2) as tail
    ) h
  ) p
$$;

-- The permissions that read and write need, from the options of protect_bucket() and protect_channel().
create function rowhouse.check_access_options(options jsonb) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  option record;
begin
  if options is null or jsonb_typeof(options) <> 'object' then
    raise exception 'The options are not valid: they must be a JSON object.' using errcode = 'RH023';
  end if;
  for option in select e.key, e.value from jsonb_each(options) e loop
    if option.key not in ('read', 'write') then
      raise exception 'The options are not valid: there is no option %; there are read and write.', option.key
        using errcode = 'RH023';
    end if;
    if option.value <> 'null' and (jsonb_typeof(option.value) <> 'string' or option.value #>> '{}' !~ '^[a-z][a-z0-9_.-]{0,62}$') then
      raise exception 'The options are not valid: % takes the name of a permission, such as "data.read", or null.', option.key
        using errcode = 'RH023';
    end if;
  end loop;
end
$$;

-- The five policies that hold one bucket or one pattern of topics: a restrictive one, which other policies cannot loosen,
-- and a permissive one a command. `inside` says whether a row is theirs, `place` which organization it names.
create function rowhouse.give_claim_policies(target regclass, prefix text, inside text, place text, options jsonb)
  returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  reads text := rowhouse.claim_text(place, case when options ? 'read' then options ->> 'read' else 'data.read' end);
  writes text := rowhouse.claim_text(place, case when options ? 'write' then options ->> 'write' else 'data.write' end);
  wanted record;
begin
  for wanted in
    select * from (values
      ('organization', 'restrictive', 'all', 'public', format('not (%s) or %s', inside, reads), format('not (%s) or %s', inside, writes)),
      ('read', 'permissive', 'select', 'authenticated', format('%s and %s', inside, reads), null),
      ('insert', 'permissive', 'insert', 'authenticated', null, format('%s and %s', inside, writes)),
      ('update', 'permissive', 'update', 'authenticated', format('%s and %s', inside, writes), format('%s and %s', inside, writes)),
      ('delete', 'permissive', 'delete', 'authenticated', format('%s and %s', inside, writes), null)
    ) as p (name, kind, command, audience, using_text, check_text)
  loop
    execute format('drop policy if exists %I on %s', prefix || wanted.name, target);
    execute format('create policy %I on %s as %s for %s to %s%s%s', prefix || wanted.name, target, wanted.kind,
      wanted.command, wanted.audience, ' using (' || wanted.using_text || ')', ' with check (' || wanted.check_text || ')');
    return next format('policy %s', prefix || wanted.name);
  end loop;
end
$$;

-- array(select …) makes it an InitPlan: memberships are asked for once a statement, however many rows a list has.
create function rowhouse.claim_text(place text, permission text) returns text
  language sql immutable
  set search_path = pg_catalog, pg_temp
as $$
  select format('coalesce(%s = any (array(select rowhouse.claimed_organizations(%L))), false)', place, permission)
$$;

-- Makes a bucket keep organizations apart: every object lies under <organization id>/, members read and write there as
-- their role allows, anon has nothing. Run it as the role that migrates (`postgres` on Supabase); again, it replaces.
--
-- Options: read, the permission to read and list (default "data.read"); write, to upload, move, copy and delete (default
-- "data.write"); null for every member.
create function rowhouse.protect_bucket(bucket text, options jsonb default '{}') returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  is_public boolean;
begin
  perform rowhouse.check_access_options(options);
  if to_regclass('storage.objects') is null then
    raise exception 'There is no storage.objects in this database.'
      using errcode = 'RH072', hint = 'Buckets are Supabase Storage''s.';
  end if;
  execute 'select b.public from storage.buckets b where b.id = $1' into is_public using bucket;
  if is_public is null then
    raise exception 'There is no bucket %.', bucket
      using errcode = 'RH072', hint = 'Make it first: insert into storage.buckets (id, name, public) values (…, …, false)';
  end if;
  if is_public then
    raise exception 'The bucket % is public: its objects are served without asking any policy.', bucket
      using errcode = 'RH072', hint = 'Make it private: update storage.buckets set public = false where id = …';
  end if;
  return query select * from rowhouse.give_claim_policies('storage.objects',
    'rowhouse_bucket_' || left(encode(sha256(convert_to(bucket, 'UTF8')), 'hex'), 12) || '_',
    format('bucket_id is not distinct from %L', bucket), 'rowhouse.path_organization(name)', options);
end
$$;

-- Makes private Realtime topics of one pattern keep organizations apart, such as 'room:{organization_id}:*'. Reading is
-- receiving broadcasts and presence, writing is sending them. Options as for protect_bucket().
create function rowhouse.protect_channel(pattern text, options jsonb default '{}') returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform rowhouse.check_access_options(options);
  if to_regclass('realtime.messages') is null then
    raise exception 'There is no realtime.messages in this database.'
      using errcode = 'RH073', hint = 'Channels are Supabase Realtime''s.';
  end if;
  -- The text before the placeholder is what tells these topics from others, which the policies leave alone.
  if (pattern ~ '^[^{}*]+\{organization_id\}([^{}*0-9a-zA-Z-][^{}*]*)?\*?$') is not true or pattern ~ '\{organization_id\}\*' then
    raise exception 'The pattern % does not name an organization.', pattern
      using errcode = 'RH073', hint = 'Such as room:{organization_id}:* — a name, the placeholder, a separator, and * for any rest.';
  end if;
  return query select * from rowhouse.give_claim_policies('realtime.messages',
    'rowhouse_channel_' || left(encode(sha256(convert_to(pattern, 'UTF8')), 'hex'), 12) || '_',
    format('starts_with(topic, %L)', split_part(pattern, '{organization_id}', 1)),
    format('rowhouse.topic_organization(topic, %L)', pattern), options);
end
$$;

revoke all on function
  rowhouse.claimed_organizations(text), rowhouse.path_organization(text), rowhouse.topic_organization(text, text),
  rowhouse.check_access_options(jsonb), rowhouse.give_claim_policies(regclass, text, text, text, jsonb),
  rowhouse.claim_text(text, text), rowhouse.protect_bucket(text, jsonb), rowhouse.protect_channel(text, jsonb)
  from public;
-- anon too: it runs into these policies like everybody, and must get no rows rather than an error for other buckets.
grant execute on function
  rowhouse.claimed_organizations(text), rowhouse.path_organization(text), rowhouse.topic_organization(text, text)
  to anon, authenticated, service_role;
