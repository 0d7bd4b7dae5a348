-- rowhouse.users is a mirror. On plain Postgres whoever signs people in writes it; where Supabase Auth keeps auth.users,
-- a trigger there does. Rows of tenants refer to the mirror (created_by), so a person who is deleted leaves a row
-- without e-mail and name: no row of a tenant goes with it, and none points to nowhere.

-- Removes what is known of a person, and every membership. Their rows stay, and still tell one author from another.
create function rowhouse.forget_user(person uuid) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update rowhouse.users u
  set email = null, name = null, email_verified_at = null, updated_at = now(), deleted_at = coalesce(u.deleted_at, now())
  where u.id = person;
  delete from rowhouse.members m where m.user_id = person;
end
$$;

-- What Supabase Auth says of a person. The name is shown and nothing else: people write raw_user_meta_data themselves.
create function rowhouse.remember_user(
  person uuid, person_email text, metadata jsonb, verified_at timestamptz default null
) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  person_name text := left(coalesce(metadata ->> 'full_name', metadata ->> 'name'), 200);
begin
  insert into rowhouse.users as u (id, email, name, email_verified_at)
  values (person, person_email, person_name, case when person_email is not null then verified_at end)
  on conflict (id) do update
  set email = excluded.email, name = excluded.name, email_verified_at = excluded.email_verified_at, updated_at = now(), deleted_at = null
  where (u.email, u.name, u.email_verified_at, u.deleted_at)
    is distinct from (excluded.email, excluded.name, excluded.email_verified_at, null);
end
$$;

create function rowhouse.mirror_user() returns trigger
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  person jsonb;
begin
  if tg_op = 'DELETE' then
    perform rowhouse.forget_user(old.id);
    return null;
  end if;
  -- Through JSON, so that a version of auth.users without one of the columns does not stop people from signing up.
  person := to_jsonb(new);
  perform rowhouse.remember_user(new.id, person ->> 'email', person -> 'raw_user_meta_data',
    (person ->> 'email_confirmed_at')::timestamptz);
  return null;
end
$$;

-- Puts the trigger on auth.users and copies who is there. Safe to run again; does nothing where there is no auth.users.
-- The installer runs it as the administrator, because rowhouse_owner has no rights there. Run it after a restore that left
-- the schema auth out: rowhouse.findings() says when (users_not_mirrored).
create function rowhouse.mirror_auth_users() returns setof text
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Not to_regclass(), which fails for a role that may not look into the schema.
  source oid := (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'auth' and c.relname = 'users' and c.relkind in ('r', 'p'));
  missing bigint;
begin
  if source is null then
    return;
  end if;
  if not exists (select from pg_trigger t where t.tgrelid = source and t.tgname = 'rowhouse_mirror_user') then
    create trigger rowhouse_mirror_user after insert or update or delete on auth.users
      for each row execute function rowhouse.mirror_user();
    return next 'auth.users is mirrored';
  end if;
  select count(rowhouse.remember_user(a.id, to_jsonb(a) ->> 'email', to_jsonb(a) -> 'raw_user_meta_data',
    (to_jsonb(a) ->> 'email_confirmed_at')::timestamptz)) into missing
  from auth.users a
  where not exists (
    select from rowhouse.users u
    where u.id = a.id and u.email is not distinct from to_jsonb(a) ->> 'email'
      and u.email_verified_at is not distinct from (to_jsonb(a) ->> 'email_confirmed_at')::timestamptz
  );
  if missing > 0 then
    return next format('copied %s users', missing);
  end if;
exception when insufficient_privilege then
  raise exception 'The role % may not put a trigger on auth.users.', current_user
    using errcode = 'RH036', hint = 'Run it as postgres, the role that owns the database on Supabase.';
end
$$;

grant execute on function rowhouse.forget_user(uuid) to rowhouse_control;
