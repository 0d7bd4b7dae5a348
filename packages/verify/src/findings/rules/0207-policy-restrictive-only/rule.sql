-- policy_restrictive_only. Where: anywhere.
select 'warning' as severity, 'table' as kind, t.name as object,
  format('%s has restrictive policies only: with no permissive one, nobody sees a row.', t.name) as message,
  format('create policy members on %s using (true)', t.name) as fix
from tables t
where t.rls and t.reachable and not t.child
  and exists (select from all_policies p where p.tbl = t.oid and not p.permissive)
  and not exists (select from all_policies p where p.tbl = t.oid and p.permissive)
