-- policy_open_without_context. Where: rowhouse, anywhere.
select 'error' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I is open when nothing says who is asking. It reads: %s', p.name, left(e.text, 300)) as message,
  'Leave the case out: without a tenant there must be no rows.' as fix
from policies p
cross join lateral (select coalesce(p.qual, '') || ' ' || coalesce(p.chk, '') as text) e
where p.permissive and not p.guarded
  and (
    -- "no setting, or mine": any OR with a test that the context is missing.
    (e.text ~ '\mOR\M' and e.text ~* '(current_setting\([^)]*\)|jwt\(\)|uid\(\)|->> ''[^'']*''::text\)|NULLIF\([^)]*\)[^)]*\))\)* (IS NULL|= ''''::text)')
    -- coalesce(context, the row's own column) = the row's own column
    or e.text ~* ('COALESCE\([^=]*(current_setting|jwt|uid)[^=]*, \(*' || coalesce(p.col, '-'))
  )
