-- policy_function_unwrapped. Where: anywhere.
select case when x.own then 'warning' else 'info' end as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I calls %s once for each row it looks at.', p.name, x.call) as message,
  format('Write (select %s): then it is called once for the statement.', x.call) as fix,
  p.tbl as measure
from policies p
cross join lateral (select coalesce(p.qual, '') || ' ' || coalesce(p.chk, '') as text) e
-- A subquery whole, with parentheses inside of it five deep: what is in it runs once, or is another finding.
cross join (
  select '\( SELECT ' || repeat('([^()]|\(', 5) || '[^()]*' || repeat('\))*', 5) || '\)' as subquery
) n
cross join lateral (
  select m[1] || ')' as call, m[1] !~ '^current_setting' as own
  from regexp_matches(regexp_replace(e.text, n.subquery, '', 'g'), '((?:\m[a-z_][a-z_0-9]*\.)?\m(?!nullif|coalesce|any|all|exists|in|or|and|not|select|where|lower|upper|now|from\M)[a-z_][a-z_0-9]*\((?:''[^'']*''(?:::text)?(?:, true|, false)?)?)\)', 'gi') m
  where m[1] ~* '(\.|^current_setting|^current_|^get_|^my_|_id\()' or m[1] ~ '\($'
  limit 1
) x
where x.call !~* '^(array|row|values|nullif|coalesce|gen_random_uuid|now)\('
