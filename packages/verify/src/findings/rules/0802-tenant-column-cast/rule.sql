-- tenant_column_cast. Where: anywhere.
select 'warning' as severity, 'policy' as kind, format('%I on %s', p.name, p.tbl_name) as object,
  format('The policy %I casts %s: no index on it can be used. It reads: %s', p.name, p.col, left(coalesce(p.qual, p.chk), 300)) as message,
  format('Cast the other side: %I = (…)::%s.', p.col, format_type(p.type, null)) as fix,
  p.tbl as measure
from policies p
where coalesce(p.qual, p.chk) ~ ('\(' || case when p.col ~ '^[a-z_][a-z0-9_]*$' then p.col::text else '"' || p.col || '"' end || '\)::')
  and p.type in ('uuid'::regtype, 'int4'::regtype, 'int8'::regtype, 'int2'::regtype)
