-- set_null_clears_tenant. Where: rowhouse, anywhere.
select 'error' as severity, 'table' as kind, f.conrelid::regclass::text as object,
  format('The foreign key %s sets %s to null as well when the row it refers to is deleted.', f.conname, c.col) as message,
  format('alter table %s drop constraint %I, add constraint %I %s', f.conrelid::regclass, f.conname, f.conname,
    regexp_replace(pg_get_constraintdef(f.oid), 'ON DELETE SET (NULL|DEFAULT)', format('ON DELETE SET \1 (%s)', (
      select string_agg(quote_ident(a.attname::text), ', ') from pg_attribute a
      where a.attrelid = f.conrelid and a.attnum = any (f.conkey) and a.attnum <> c.att
    )))) as fix
from pg_constraint f
join tables c on c.oid = f.conrelid
where f.contype = 'f' and f.confdeltype in ('n', 'd') and f.conparentid = 0 and cardinality(f.conkey) > 1
  and c.att = any (f.conkey) and (f.confdelsetcols is null or c.att = any (f.confdelsetcols))
