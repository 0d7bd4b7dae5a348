-- check_ignores_tenant. Where: rowhouse, anywhere.
select 'error' as severity, 'policy' as kind, format('%I on %s', t.name, t.tbl_name) as object,
  format('The policy %I lets a tenant %s another tenant in %s: what it checks does not read %s. It reads: %s', t.name,
    case t.cmd when 'a' then 'insert rows for' when 'w' then 'move rows to' else 'insert rows for, or move rows to,' end,
    t.tbl_name, t.col, left(c.text, 300)) as message,
  format('Check %I as well: with check (%I = (select …)).', t.col, t.col) as fix
from policies t
-- Without a check of its own the condition is the check.
cross join lateral (select coalesce(t.chk, t.qual) as text) c
where t.permissive and not t.guarded and t.cmd in ('a', 'w', '*') and not t.root and t.col is not null
  and c.text not in ('true', 'false') and c.text !~ t.mention
  and not exists (
    select from pg_depend d join pg_proc f on f.oid = d.refobjid
    where d.classid = 'pg_policy'::regclass and d.objid = t.oid and d.refclassid = 'pg_proc'::regclass
      and f.pronargs > 0 and f.pronamespace <> 'pg_catalog'::regnamespace
      and f.pronamespace in (select oid from schemas)
  )
  -- A privilege that nobody has is no way.
  and exists (
    select from reach h
    where has_table_privilege(h.role, t.tbl, case t.cmd when 'a' then 'insert' when 'w' then 'update' else 'insert, update' end)
      or has_column_privilege(h.role, t.tbl, t.att, case t.cmd when 'a' then 'insert' when 'w' then 'update' else 'insert, update' end)
  )
