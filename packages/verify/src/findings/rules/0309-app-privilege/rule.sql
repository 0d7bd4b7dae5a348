-- app_privilege. Where: rowhouse, anywhere.
select case when bool_or(l.rolcanlogin) or (select rowhouse from settings) then 'error' else 'info' end as severity, 'table' as kind, t.name as object,
  format('%s has %s on %s, which row security does not hold.', string_agg(distinct r.name::text, ', '), string_agg(distinct p.privilege, ', '), t.name) as message,
  format('revoke %s on %s from %s, public', string_agg(distinct p.privilege, ', '), t.name, string_agg(distinct quote_ident(r.name::text), ', ')) as fix
from tables t
cross join unnest('{TRUNCATE,REFERENCES,TRIGGER}'::text[]) as p (privilege)
join roles r on has_table_privilege(r.oid, t.oid, p.privilege)
join pg_roles l on l.oid = r.oid
where t.protected is not false and t.kind in ('r', 'p')
  and not exists (select from reach h where h.start = r.oid and h.role = t.owner)
group by t.name
