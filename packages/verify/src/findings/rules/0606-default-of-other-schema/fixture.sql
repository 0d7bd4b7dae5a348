-- On: schemas.
create sequence tenant_a.numbers; alter table tenant_a.tasks add number bigint default nextval('tenant_a.numbers');
alter table tenant_b.tasks add number bigint default nextval('tenant_a.numbers');
