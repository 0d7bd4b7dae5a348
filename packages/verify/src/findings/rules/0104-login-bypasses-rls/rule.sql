-- login_bypasses_rls. Where: rowhouse, anywhere.
select 'error' as severity, 'role' as kind, r.rolname::text as object,
  format('%s can act as %I, which row security does not hold%s.',
    string_agg(distinct quote_ident(s.name::text), ', '), r.rolname,
    case when r.rolsuper then ': it is a superuser' when r.rolreplication then ': it may replicate' else '' end) as message,
  case when bool_or(r.oid = s.oid) then format('alter role %I nosuperuser nobypassrls noreplication', r.rolname)
    else format('revoke %I from %s', r.rolname, string_agg(distinct quote_ident(s.name::text), ', ')) end as fix
from reach h
join pg_roles r on r.oid = h.role
join roles s on s.oid = h.start
where (h.settable and (r.rolsuper or r.rolbypassrls or r.rolreplication)) or r.rolname in ('rowhouse_owner', 'rowhouse_control')
group by r.oid, r.rolname, r.rolsuper, r.rolreplication
