-- storage_path_prefix. Where: anywhere.
select 'error' as severity, 'policy' as kind, format('%I on storage.objects', p.polname) as object,
  format('The policy %I compares the beginning of the path: tenant 1 reads what lies under 10/, and %% and _ match anything. It reads: %s', p.polname, left(e.text, 300)) as message,
  'Compare the whole first folder: (storage.foldername(name))[1] = ….' as fix
from pg_policy p
cross join lateral (select coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as text) e
where p.polrelid = to_regclass('storage.objects')
  and e.text ~ '(\mname ~~|starts_with\(name|"left"\(name|\mname ~ |"substring"\(name|\mname\)? \^@|"position"|strpos)'
