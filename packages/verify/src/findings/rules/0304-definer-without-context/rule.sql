-- definer_without_context. Where: anywhere.
select case when x.held then 'info' else 'error' end as severity, 'function' as kind, f.name as object,
  format('%s runs as its owner, %s %s, asks nothing about who is calling, and %s may call it%s.', f.name,
    case when f.body ~ '\m(insert\s+into|update|delete\s+from)\M' then 'writes' else 'reads' end, x.touched,
    case when f.open then 'everybody' else 'every tenant' end,
    case when x.held then format('; row security holds %I as well, for as long as it is forced', x.rolname) else '' end) as message,
  format('revoke execute on function %s from public%s', f.name,
    coalesce((select string_agg(', ' || quote_ident(r.name::text), '' order by r.name) from roles r), '')) as fix
from definers f
cross join lateral (
  select string_agg(distinct t.name, ', ' order by t.name) as touched, bool_and(t.held) as held, o.rolname
  from pg_roles o
  cross join (
    select t.oid, t.name, split_part(t.name, '.', 2) as short, t.owner, t.rls, t.forced from tables t where not t.child
    union all select null, 'auth.users', 'auth.users', null, false, false
  ) x (oid, name, short, owner, rls, forced)
  -- An owner whom the same policies hold, and no other policy lets through, reads what whoever calls would.
  cross join lateral (
    select x.name, x.short, x.rls and not o.rolsuper and not o.rolbypassrls and (x.forced or not pg_has_role(o.oid, x.owner, 'usage'))
      and not exists (
        select from all_policies p
        where p.tbl = x.oid and p.permissive and p.roles <> '{0}'
          and exists (select from unnest(p.roles) r (oid) where r.oid <> 0 and pg_has_role(o.oid, r.oid, 'usage'))
      ) as held
  ) t
  where o.oid = f.owner and f.body ~ ('(from|join|into|update)\s+(only\s+)?("?[a-z_]+"?\.)?"?' || regexp_replace(lower(trim('"' from t.short)), '([^\w])', '\\\1', 'g') || '"?(\s|;|,|\)|\(|$)')
  group by o.rolname
) x
where x.touched is not null and f.callable
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
