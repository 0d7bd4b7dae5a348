-- policy_function_per_row. Where: anywhere.
select 'warning' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I calls %s for each row of %s, and no index helps.', p.name, x.call, p.tbl_name) as message,
  format('Ask the other way around: %I in (select …) or = (select …), with what belongs to whoever asks.', coalesce(p.col, 'id')) as fix,
  p.tbl as measure
from policies p
cross join lateral (select coalesce(p.qual, '') || ' ' || coalesce(p.chk, '') as text) e
cross join lateral (
  select m[1] as call
  from pg_depend d
  join pg_proc f on f.oid = d.refobjid and f.pronargs > 0 and f.pronamespace in (select oid from schemas)
  cross join lateral regexp_matches(e.text, '(\m' || f.proname || '\([^()]*\))') m
  where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
    and exists (select from pg_attribute a where a.attrelid = p.tbl and a.attnum > 0 and not a.attisdropped and m[1] ~ ('[(, ]' || regexp_replace(a.attname, '([^\w])', '\\\1', 'g') || '\M'))
  limit 1
) x
-- A check runs once for a row that is written anyway.
where p.qual is not null
