-- On: schemas.
create schema tenant_cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc;
