-- reference_index_missing. Where: anywhere.
select 'info' as severity, 'table' as kind, t.name as object,
  format('No index of %s begins with the columns of %s (%s): deleting a parent reads all of it.', t.name, f.conname, c.names) as message,
  format('create index on %s (%s)', t.name, c.names) as fix,
  null::oid as measure
from pg_constraint f
join tables t on t.oid = f.conrelid
cross join lateral (
  select string_agg(quote_ident(a.attname::text), ', ' order by u.ordinality) as names
  from unnest(f.conkey) with ordinality u (attnum, ordinality) join pg_attribute a on a.attrelid = f.conrelid and a.attnum = u.attnum
) c
where f.contype = 'f' and f.conparentid = 0 and not t.child and t.kind in ('r', 'p')
  and not exists (
    select from pg_index i
    where i.indrelid = t.oid and i.indisvalid and i.indpred is null
      and (i.indkey::int2[])[0:cardinality(f.conkey) - 1] @> f.conkey
  )
  -- The tenant column alone is another finding.
  and not (cardinality(f.conkey) = 1 and f.conkey[1] = coalesce(t.att, 0))
