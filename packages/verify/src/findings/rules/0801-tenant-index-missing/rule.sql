-- tenant_index_missing. Where: anywhere.
select 'warning' as severity, 'table' as kind, t.name as object,
  coalesce(
    (select format('No index of %s begins with %s (%s has it further back): every query of one tenant reads the rows of all.', t.name, t.col, min(i.indexrelid::regclass::text))
      from pg_index i where i.indrelid = t.oid and t.att = any (i.indkey::int2[]) having count(*) > 0),
    format('No index of %s has %s: every query of one tenant reads the rows of all.', t.name, t.col)) as message,
  format('create index on %s (%I)', t.name, t.col) as fix,
  t.oid as measure
from tables t
where not t.root and not t.child and t.col is not null and t.kind in ('r', 'p') and t.reachable
  and not exists (select from pg_index i where i.indrelid = t.oid and i.indkey[0] = t.att and i.indisvalid and i.indpred is null)
