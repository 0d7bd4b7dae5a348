-- On: plain.
create foreign data wrapper nothing; create server elsewhere foreign data wrapper nothing;
create foreign table crm_contacts (organization_id uuid, email text) server elsewhere;
grant select on crm_contacts to shop_app;
