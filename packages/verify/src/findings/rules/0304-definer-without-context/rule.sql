-- definer_without_context. Where: anywhere.
select 'error' as severity, 'function' as kind, f.name as object,
  format('%s runs as its owner, %s %s, asks nothing about who is calling, and %s may call it.', f.name,
    case when f.body ~ '\m(insert\s+into|update|delete\s+from)\M' then 'writes' else 'reads' end, x.touched,
    case when f.open then 'everybody' else 'every tenant' end) as message,
  format('revoke execute on function %s from public%s', f.name,
    coalesce((select string_agg(', ' || quote_ident(r.name::text), '' order by r.name) from roles r), '')) as fix
from definers f
cross join lateral (
  select string_agg(distinct t.name, ', ' order by t.name) as touched
  from (
    select t.name, split_part(t.name, '.', 2) as short from tables t where not t.child
    union all select 'auth.users', 'auth.users'
  ) t
  where f.body ~ ('(from|join|into|update)\s+(only\s+)?("?[a-z_]+"?\.)?"?' || regexp_replace(lower(trim('"' from t.short)), '([^\w])', '\\\1', 'g') || '"?(\s|;|,|\)|\(|$)')
) x
where x.touched is not null
  and f.returns not in ('trigger'::regtype, 'event_trigger'::regtype)
  and f.body !~ '(auth\.(uid|jwt|role|email)\s*\(|current_setting\s*\(|rowhouse\.|session_user|requesting_user|current_user_id)'
  -- It may ask through a function of the application.
  and not exists (
    select from pg_proc g join schemas s on s.oid = g.pronamespace
    where g.oid <> f.oid and g.prosrc ~ '(auth\.(uid|jwt)\s*\(|current_setting\s*\(|rowhouse\.)'
      and f.body ~ ('\m' || lower(g.proname) || '\s*\(')
  )
  -- A secret that is looked up proves the caller: an invitation's token.
  and f.body !~ '(token|secret|code|hash)\w*\s*=\s*\w+'
