-- policy_restricts_some. Where: anywhere.
select 'warning' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The restrictive policy %I holds %s only; %s is not held by it.', p.name,
    (select string_agg(quote_ident(r.rolname::text), ', ') from pg_roles r where r.oid = any (p.roles)),
    (select string_agg(quote_ident(r.name::text), ', ') from roles r
      where not exists (select from reach h where h.start = r.oid and h.role = any (p.roles)))) as message,
  format('alter policy %I on %s to public', p.name, p.tbl_name) as fix
from policies p
where not p.permissive and not p.complete and coalesce(p.qual, p.chk) ~ p.mention
