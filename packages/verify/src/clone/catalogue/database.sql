-- What belongs to the database itself: its owner, who may connect, its settings. A template does not bring them.
select pg_get_userbyid(d.datdba)::text as owner, d.encoding, pg_encoding_to_char(d.encoding)::text as encoding_name,
  d.datcollate as collate, d.datctype as ctype, d.datlocprovider::text as provider,
  coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') as locale,
  current_setting('server_version_num')::int as version,
  coalesce((
    select jsonb_agg(jsonb_build_object('grantee', case when x.grantee = 0 then null else r.rolname end, 'privilege', x.privilege_type, 'grantable', x.is_grantable))
    from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x left join pg_catalog.pg_roles r on r.oid = x.grantee
    where x.grantee = 0 or r.rolname is not null), '[]') as grants,
  coalesce((
    select jsonb_agg(jsonb_build_object('role', r.rolname, 'name', split_part(c, '=', 1), 'value', substr(c, strpos(c, '=') + 1)))
    from pg_catalog.pg_db_role_setting s left join pg_catalog.pg_roles r on r.oid = s.setrole, unnest(s.setconfig) c
    where s.setdatabase = d.oid and (s.setrole = 0 or r.rolname is not null)), '[]') as settings
from pg_catalog.pg_database d
where d.datname = current_database()
