-- policy_trusts_user_metadata. Where: rowhouse, anywhere.
select 'error' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I believes user_metadata, which every user can change: %s', p.name, left(coalesce(p.qual, p.chk), 300)) as message,
  'Read app_metadata, which only the server can write, or the membership.' as fix
from policies p
where (coalesce(p.qual, '') || coalesce(p.chk, '')) ~* '(user_metadata|raw_user_meta_data)'
  or exists (
    select from pg_depend d join pg_proc f on f.oid = d.refobjid
    where d.classid = 'pg_policy'::regclass and d.objid = p.oid and d.refclassid = 'pg_proc'::regclass
      and f.prosrc ~* '(user_metadata|raw_user_meta_data)'
  )
