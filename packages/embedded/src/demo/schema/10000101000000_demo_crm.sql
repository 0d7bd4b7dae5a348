-- The demo's tenant tables: a tenant migration of the stack, in every home before what a folder of migrations makes.
-- `if not exists`, because a stack of before had them without a ledger.
create table if not exists companies (
  organization_id uuid not null default rowhouse.organization_id(),
  id uuid not null default gen_random_uuid(),
  name text not null,
  domain text,
  industry text,
  employees integer,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id)
);

create table if not exists contacts (
  organization_id uuid not null default rowhouse.organization_id(),
  id uuid not null default gen_random_uuid(),
  email text,
  first_name text,
  last_name text,
  phone text,
  title text,
  company_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  constraint contacts_email_is_unique_in_its_organization
    unique (organization_id, email),
  constraint contacts_company_is_of_the_same_organization
    foreign key (organization_id, company_id)
    references companies (organization_id, id)
    on delete set null (company_id)
);

create index if not exists contacts_by_company on contacts (organization_id, company_id);

select rowhouse.protect('companies');
select rowhouse.protect('contacts');
