-- login_reaches_admin. Where: anywhere.
select 'warning' as severity, 'role' as kind, l.rolname::text as object,
  format('%I serves tenants as %s and can become %s, which row security does not hold.', l.rolname,
    string_agg(distinct quote_ident(r.name::text), ', '), string_agg(distinct quote_ident(b.rolname::text), ', ')) as message,
  format('revoke %s from %I', string_agg(distinct quote_ident(b.rolname::text), ', '), l.rolname) as fix
from pg_roles l
join pg_auth_members m on m.member = l.oid
join roles r on r.oid = m.roleid
join pg_auth_members a on a.member = l.oid
join pg_roles b on b.oid = a.roleid and (b.rolsuper or b.rolbypassrls)
where l.rolcanlogin and not l.rolsuper and not l.rolbypassrls
  -- On Supabase the gateway has both; it runs no SQL of a caller unless a function does it for the caller.
  and (l.rolname <> 'authenticator' or exists (
    select from pg_proc p join schemas s on s.oid = p.pronamespace
    join pg_language g on g.oid = p.prolang and g.lanname = 'plpgsql'
    where p.prosrc ~* '\mexecute\s+[a-z_]' and not p.prosecdef
      and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
      and exists (select from roles r where has_function_privilege(r.oid, p.oid, 'execute'))
  ))
group by l.oid, l.rolname
