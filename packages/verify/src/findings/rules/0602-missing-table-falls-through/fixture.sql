-- On: schemas.
create table public.tasks (id uuid primary key, title text); drop table tenant_b.tasks;
