-- check_always_true. Where: rowhouse, anywhere.
select 'error' as severity, 'policy' as kind, format('%I on %s', t.name, t.tbl_name) as object,
  format('The policy %I lets every tenant write rows of any tenant into %s: its check is true.', t.name, t.tbl_name) as message,
  case when t.col is null then 'Check the row against the tenant of the request.'
    else format('Check %I: with check (%I = (select …)).', t.col, t.col) end as fix
from policies t
where t.permissive and not t.guarded and t.chk = 'true' and t.cmd in ('a', 'w', '*')
  -- Anybody may found an organization.
  and not (t.root and t.cmd = 'a')
