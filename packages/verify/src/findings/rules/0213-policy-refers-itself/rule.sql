-- policy_refers_itself. Where: anywhere.
select 'error' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I reads %s itself: queries fail with "infinite recursion detected" (42P17).', p.name, p.tbl_name) as message,
  'Ask a security definer function that reads the table, or read the tenant from the request.' as fix
from policies p
cross join lateral (select coalesce(p.qual, '') || ' ' || coalesce(p.chk, '') as text) e
where e.text ~ ('\mFROM \(*' || regexp_replace(p.tbl_name, '([^\w])', '\\\1', 'g') || '\M')
   or e.text ~ ('\mJOIN ' || regexp_replace(p.tbl_name, '([^\w])', '\\\1', 'g') || '\M')
