-- On: rowhouse.
create table bare (organization_id uuid not null, id uuid not null, primary key (organization_id, id));
