-- exclusion_without_organization. Where: rowhouse, anywhere.
select case when t.protected then 'error' else 'warning' end as severity, 'table' as kind, t.name as object,
  format('The exclusion constraint %s spans all organizations: a refusal tells one what another has.', k.conname) as message,
  format('Add %s with = to it (extension btree_gist).', t.col) as fix
from pg_constraint k
join tables t on t.oid = k.conrelid
where k.contype = 'x' and t.protected is not false and not t.root and t.col is not null and not t.child
  and (t.protected or t.reachable) and not t.att = any (k.conkey)
