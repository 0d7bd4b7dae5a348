-- policy_trusts_stale_claim. Where: anywhere.
select 'info' as severity, 'table' as kind, p.tbl_name as object,
  format('%s believes the tenant in the JWT until it expires: somebody removed stays inside so long.', min(p.tbl_name)) as message,
  'Ask the membership as it is now, or keep tokens short and say so.' as fix
from policies p
where p.permissive and not p.guarded and coalesce(p.qual, p.chk) ~ p.mention
  and coalesce(p.qual, p.chk) !~ 'SELECT .*\mFROM [a-z_]+'
  and (coalesce(p.qual, p.chk) ~ 'app_metadata' or exists (
    select from pg_depend d
    join pg_proc f on f.oid = d.refobjid and f.pronamespace in (select oid from schemas)
    where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
      and f.prosrc ~ 'app_metadata' and f.prosrc !~* '\mfrom\s+[a-z_"]'
  ))
group by p.tbl_name
