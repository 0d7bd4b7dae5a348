-- policy_ignores_row. Where: rowhouse, anywhere.
select 'error' as severity, 'policy' as kind, format('%I on %s', t.name, t.tbl_name) as object,
  format('The policy %I does not look at the row: whoever passes it sees every tenant''s rows of %s. It reads: %s', t.name,
    t.tbl_name, left(t.qual, 300)) as message,
  case when t.col is null then 'Compare the row with the tenant of the request.'
    else format('Compare %I with the tenant of the request as well.', t.col) end as fix
from policies t
where t.permissive and not t.guarded and t.cmd <> 'a' and t.qual <> 'true' and t.qual <> 'false'
  -- Nothing of the row: no column of the table is named anywhere in it.
  and not exists (
    select from pg_attribute a
    where a.attrelid = t.tbl and a.attnum > 0 and not a.attisdropped
      and t.qual ~ ('\m' || regexp_replace(a.attname, '([^\w])', '\\\1', 'g') || '\M')
  )
  and t.qual !~* '(service_role|rolbypassrls|is_super_?admin|is_platform_admin)'
