-- policy_always_true. Where: rowhouse, anywhere.
select case when t.cmd = 'r' and t.root then 'warning' else 'error' end as severity, 'policy' as kind,
  format('%I on %s', t.name, t.tbl_name) as object,
  format('The policy %I lets %s of %s: its condition is true for every row.', t.name,
    case t.cmd when 'r' then 'every tenant read every row' when 'w' then 'every tenant change every row'
      when 'd' then 'every tenant delete every row' else 'every tenant read and write every row' end, t.tbl_name) as message,
  case when t.col is null then 'Compare the row with the tenant of the request.'
    else format('Compare %I with the tenant of the request: using (%I = (select …)).', t.col, t.col) end as fix
from policies t
where t.permissive and not t.guarded and t.cmd <> 'a' and t.qual = 'true'
