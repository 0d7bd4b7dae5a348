-- policy_differs. Where: rowhouse.
select 'error' as severity, 'table' as kind, p.polrelid::regclass::text as object,
  format('The policy rowhouse_organization of %s is not the one text that is proven.', p.polrelid::regclass) as message,
  format('select rowhouse.protect(%L)', p.polrelid::regclass) as fix
from pg_policy p
where p.polname = 'rowhouse_organization' and (
  p.polpermissive or p.polcmd <> '*' or p.polroles <> '{0}'
  or pg_get_expr(p.polqual, p.polrelid) is distinct from rowhouse.policy_text()
  or pg_get_expr(p.polwithcheck, p.polrelid) is distinct from rowhouse.policy_check_text()
)
