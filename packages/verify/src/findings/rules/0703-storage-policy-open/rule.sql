-- storage_policy_open. Where: anywhere.
select case when p.polcmd = 'r' then 'warning' else 'error' end as severity, 'policy' as kind, format('%I on storage.objects', p.polname) as object,
  format('The policy %I lets %s the files of every tenant: it does not read the path or the owner. It reads: %s', p.polname,
    case p.polcmd when 'r' then 'every tenant read' when 'a' then 'every tenant put files among' when 'd' then 'every tenant delete' else 'every tenant write' end,
    left(e.text, 300)) as message,
  'Compare the first folder with the tenant: (storage.foldername(name))[1] = ….' as fix
from pg_policy p
cross join lateral (select coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as text) e
where p.polrelid = to_regclass('storage.objects') and p.polpermissive
  and e.text !~* '(\mname\M|path_tokens|foldername|owner|metadata)'
  and (p.polroles = '{0}' or exists (select from reach h where h.role = any (p.polroles)))
