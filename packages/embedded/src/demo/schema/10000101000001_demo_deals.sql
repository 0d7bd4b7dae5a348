-- What companies may buy, in the demo: synced with the deals of HubSpot and the opportunities of Salesforce.
create table if not exists deals (
  organization_id uuid not null default rowhouse.organization_id(),
  id uuid not null default gen_random_uuid(),
  name text not null,
  amount numeric,
  stage text,
  close_date date,
  company_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, id),
  constraint deals_company_is_of_the_same_organization
    foreign key (organization_id, company_id)
    references companies (organization_id, id)
    on delete set null (company_id)
);

create index if not exists deals_by_company on deals (organization_id, company_id);

select rowhouse.protect('deals');
