-- policy_ignores_tenant. Where: rowhouse, anywhere.
select 'warning' as severity, 'policy' as kind, format('%I on %s', t.name, t.tbl_name) as object,
  format('The policy %I does not read %s: rows of other tenants that match are seen. It reads: %s', t.name, t.col,
    left(t.qual, 300)) as message,
  format('Compare %I with the tenant of the request as well.', t.col) as fix
from policies t
where t.permissive and not t.guarded and t.cmd <> 'a' and not t.root and t.col is not null
  and t.qual not in ('true', 'false') and t.qual !~ t.mention
  -- The row of a person, and rows reached through another table or a function, are not of a tenant by accident.
  and t.qual !~* '(uid\(\)|current_user|session_user|''sub''|user_?id|owner_?id|created_?by)'
  and t.qual !~ '\(\s*SELECT'
  and not exists (
    select from pg_depend d join pg_proc f on f.oid = d.refobjid
    where d.classid = 'pg_policy'::regclass and d.objid = t.oid and d.refclassid = 'pg_proc'::regclass and f.pronargs > 0
  )
  and exists (
    select from pg_attribute a
    where a.attrelid = t.tbl and a.attnum > 0 and not a.attisdropped
      and t.qual ~ ('\m' || regexp_replace(a.attname, '([^\w])', '\\\1', 'g') || '\M')
  )
