-- On: rowhouse.
create table bare (organization_id uuid, id int);
