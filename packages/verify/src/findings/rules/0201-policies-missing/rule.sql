-- policies_missing. Where: anywhere.
select 'info' as severity, 'table' as kind, t.name as object,
  format('Row security of %s is on without a policy: nobody but its owner sees a row.', t.name) as message,
  format('create policy tenant on %s using (%I = (select …)), or leave it so if only the server reads it', t.name, coalesce(t.col, 'id')) as fix
from tables t
where t.rls and not t.child and t.reachable and not exists (select from all_policies p where p.tbl = t.oid)
