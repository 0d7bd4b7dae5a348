-- On: plain.
create function founded() returns bigint language sql stable security definer
  as $$ select count(*) from organizations o where o.id = nullif(current_setting('app.organization', true), '')::uuid $$;
alter function founded() owner to shop_owner;
