-- On: schemas.
grant connect on database tenants_one to public;
