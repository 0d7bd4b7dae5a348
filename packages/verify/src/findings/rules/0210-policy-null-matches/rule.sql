-- policy_null_matches. Where: rowhouse, anywhere.
select 'error' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I compares with IS NOT DISTINCT FROM: without a tenant, every row without one is seen. It reads: %s', p.name,
    left(coalesce(p.qual, p.chk), 300)) as message,
  'Compare with =, which is never true for null.' as fix
from policies p
where p.permissive and not p.guarded
  and (coalesce(p.qual, '') || ' ' || coalesce(p.chk, '')) ~ 'NOT \([^()]*(\([^()]*\)[^()]*)*IS DISTINCT FROM'
