-- On: plain.
create function use_organization(organization text) returns void language sql
  as $$ select set_config('app.organization', organization, false) $$;
