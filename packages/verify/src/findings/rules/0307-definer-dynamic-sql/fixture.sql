-- On: plain.
create function count_of(name text) returns bigint language plpgsql security definer set search_path = pg_catalog, pg_temp
  as $$ declare n bigint; begin
    if current_setting('app.organization', true) is null then return 0; end if;
    execute 'select count(*) from ' || name into n; return n; end $$;
alter function count_of(text) owner to shop_owner;
revoke execute on function count_of(text) from public; grant execute on function count_of(text) to shop_app;
