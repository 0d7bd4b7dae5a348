-- app_privilege. Where: rowhouse, anywhere.
select case when x.grave then 'error' else 'info' end as severity, case when x.grave then 'table' else 'schema' end as kind,
  x.object,
  format('%s has %s on %s, which row security does not hold.', string_agg(distinct x.role, ', '),
    string_agg(distinct x.privilege, ', '), case when x.grave then x.object
      else case when count(distinct x.name) = 1 then min(x.name) else format('%s tables of tenants', count(distinct x.name)) end end) as message,
  format('revoke %s on %s from %s, public', string_agg(distinct x.privilege, ', '),
    case when x.grave then x.object else 'all tables in schema ' || x.object end,
    string_agg(distinct quote_ident(x.role), ', ')) as fix
from (
  select t.name, p.privilege, r.name::text as role, g.grave,
    case when g.grave then t.name else quote_ident(n.nspname::text) end as object
  from tables t
  cross join unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) as p (privilege)
  join roles r on has_table_privilege(r.oid, t.oid, p.privilege)
  join pg_roles l on l.oid = r.oid
  join pg_namespace n on n.oid = t.schema
  -- A gateway sends none of the three: what is granted by default there is said once for a schema.
  cross join lateral (select l.rolcanlogin or (select rowhouse from settings) as grave) g
  where t.protected is not false and t.kind in ('r', 'p')
    and not exists (select from reach h where h.start = r.oid and h.role = t.owner)
) x
group by x.grave, x.object
