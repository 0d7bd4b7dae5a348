-- rls_not_forced. Where: rowhouse, anywhere.
select 'error' as severity, 'table' as kind, t.name as object,
  format('Row security of %s does not hold its owner%s.', t.name,
    (select min(format(', whom %I can act as', r.name)) from reach h join roles r on r.oid = h.start where h.role = t.owner)) as message,
  format('alter table %s force row level security', t.name) as fix
from tables t
where t.rls and not t.forced and not t.child
  and (t.protected or (t.protected is null and exists (select from reach h where h.role = t.owner)))
