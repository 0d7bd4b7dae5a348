-- The roles of the cluster with what they may do, and who is a member of whom. No password is readable here.
select r.rolname::text as name, r.rolsuper as superuser, r.rolinherit as inherit, r.rolcreaterole as createrole, r.rolcreatedb as createdb,
  r.rolcanlogin as login, r.rolreplication as replication, r.rolbypassrls as bypassrls, r.rolconnlimit as connection_limit,
  coalesce(r.rolconfig, '{}') as settings,
  coalesce((
    select jsonb_agg(jsonb_build_object('role', g.rolname, 'admin', m.admin_option,
      'inherit', to_jsonb(m) -> 'inherit_option', 'set', to_jsonb(m) -> 'set_option') order by g.rolname)
    from pg_catalog.pg_auth_members m join pg_catalog.pg_roles g on g.oid = m.roleid
    where m.member = r.oid), '[]') as member_of
from pg_catalog.pg_roles r
where r.rolname !~ '^pg_'
order by r.rolname
