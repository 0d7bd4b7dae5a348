-- schema_exposed. Where: anywhere.
select 'error' as severity, 'schema' as kind, x.schema as object,
  format('The API exposes the schema %s (pgrst.db_schemas).', x.schema) as message,
  format('Remove %s from pgrst.db_schemas: alter role authenticator set pgrst.db_schemas = …', x.schema) as fix
from (
  select distinct trim(n) as schema
  from pg_db_role_setting d, unnest(d.setconfig) c, unnest(string_to_array(split_part(c, '=', 2), ',')) n
  where c like 'pgrst.db\_schemas=%'
    and (d.setdatabase = 0 or d.setdatabase = (select oid from pg_database where datname = current_database()))
) x
where x.schema in ('auth', 'storage', 'realtime', 'vault', 'rowhouse', 'rowhouse_home', 'extensions', 'pg_catalog', 'information_schema', 'cron', 'net')
   or x.schema in (select name::text from tenant_schemas)
