-- On: plain.
create function is_member(organization uuid) returns boolean language plpgsql stable
  as $$ begin return organization::text = current_setting('app.organization', true); end $$;
create policy members on projects for select using (is_member(organization_id));
