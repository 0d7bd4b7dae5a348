-- policy_compares_itself. Where: rowhouse, anywhere.
select 'error' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I compares a column with itself, which is always true: %s', p.name,
    substring(e.text from '(\m[\w."]+) = \1(?![\w."])') || ' = ' || substring(e.text from '(\m[\w."]+) = \1(?![\w."])')) as message,
  format('Name the table of the policy in the subquery: … = %s.%I.', (select relname from pg_class where oid = p.tbl), coalesce(p.col, 'id')) as fix
from policies p
cross join lateral (select coalesce(p.qual, '') || ' ' || coalesce(p.chk, '') as text) e
where e.text ~ '(\m[a-z_][\w."]*) = \1(?![\w."])'
