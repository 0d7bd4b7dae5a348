-- setting_forgeable. Where: anywhere.
select 'info' as severity, 'setting' as kind, s.name as object,
  format('Policies believe the setting %s, which any SQL of the session can change: an injection chooses its tenant.', s.name) as message,
  'Bind the tenant to the transaction with a proof that SQL cannot make (rowhouse.enter), and never build SQL from input.' as fix
from (
  select p.tbl, m[1] as name
  from policies p, regexp_matches(coalesce(p.qual, '') || ' ' || coalesce(p.chk, ''), 'current_setting\(''([^'']+)''', 'g') m
  where not p.guarded or not p.permissive
  union
  select p.tbl, m[1]
  from policies p
  join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
  join pg_proc f on f.oid = d.refobjid and f.pronamespace in (select oid from schemas),
    regexp_matches(f.prosrc, 'current_setting\(\s*''([^'']+)''', 'g') m
) s
where s.name !~ '^(request\.|role$|rowhouse\.)'
group by s.name
