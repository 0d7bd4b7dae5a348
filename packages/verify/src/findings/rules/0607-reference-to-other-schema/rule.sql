-- reference_to_other_schema. Where: anywhere.
select 'error' as severity, 'table' as kind, f.conrelid::regclass::text as object,
  format('The foreign key %s of %s refers to %s, in the schema of another tenant.', f.conname, f.conrelid::regclass, f.confrelid::regclass) as message,
  format('alter table %s drop constraint %I, add constraint %I %s', f.conrelid::regclass, f.conname, f.conname,
    replace(pg_get_constraintdef(f.oid), 'REFERENCES ' || f.confrelid::regclass::text,
      'REFERENCES ' || quote_ident(s.name::text) || '.' || quote_ident((select relname::text from pg_class where oid = f.confrelid)))) as fix
from pg_constraint f
join pg_class c on c.oid = f.conrelid
join pg_class p on p.oid = f.confrelid
join tenant_schemas s on s.oid = c.relnamespace
join tenant_schemas o on o.oid = p.relnamespace and o.oid <> s.oid
where f.contype = 'f'
