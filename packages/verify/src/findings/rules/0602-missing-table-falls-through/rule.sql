-- missing_table_falls_through. Where: anywhere.
select 'error' as severity, 'table' as kind, format('%I.%I', s.name, c.relname) as object,
  format('%I.%I is missing: with %I first and public behind it in the search_path, queries read public.%I, which is everybody''s.', s.name,
    c.relname, s.name, c.relname) as message,
  format('Make the table in %I, and remove public.%I or public from the search_path.', s.name, c.relname) as fix
from tenant_schemas s
join pg_class c on c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p', 'v', 'm', 'f')
where exists (select from pg_class o join tenant_schemas x on x.oid = o.relnamespace where o.relname = c.relname and x.oid <> s.oid)
  and not exists (select from pg_class o where o.relnamespace = s.oid and o.relname = c.relname)
