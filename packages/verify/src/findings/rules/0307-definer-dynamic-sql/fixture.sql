-- On: plain.
create function count_of(name text) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$ declare n bigint; begin
    if current_setting('app.organization', true) is null then return 0; end if;
    execute 'select count(*) from ' || name into n; return n; end $$;
alter function count_of(text) owner to shop_owner;
revoke execute on function count_of(text) from public; grant execute on function count_of(text) to shop_app;
create function note_name() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$ begin execute 'update public.projects set name = ''' || new.name || ''' where id = $1' using new.id; return null; end $$;
alter function note_name() owner to shop_owner; revoke execute on function note_name() from public;
create trigger note_name after insert on projects for each row execute function note_name();
create function count_where(name text, condition text) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$ declare n bigint; begin
    if current_setting('app.organization', true) is null then return 0; end if;
    execute 'select count(*) from ' || quote_ident(name) || ' where ' || condition into n; return n; end $$;
create function count_quoted(name text, wanted text) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$ declare n bigint; begin
    if current_setting('app.organization', true) is null then return 0; end if;
    execute 'select count(*) from ' || name::regclass || ' where name = ' || quote_literal(wanted) into n; return n; end $$;
