-- policy_subquery. Where: anywhere.
select 'warning' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I of %s reads other tables for each query, as they are at its start: it costs, and it races with the removal of a member. It reads: %s', p.name, p.tbl_name, left(e.text, 300)) as message,
  'Compare the row with one value that is looked up once for the transaction: column = (select f()).' as fix,
  p.tbl as measure
from policies p
cross join lateral (select coalesce(p.qual, '') || ' ' || coalesce(p.chk, '') as text) e
where e.text ~ '\mFROM \(*[a-z_"]+'
