create function rowhouse.is_given_up(organization uuid, at timestamptz) returns boolean
  language plpgsql stable security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return false;
end
$$;
revoke all on function rowhouse.is_given_up(uuid, timestamptz) from public;
