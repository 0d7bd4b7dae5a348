-- Every type a column can lead to: what it is made of, and what its values must satisfy.
select t.oid::text as oid, t.typname::text as name, format_type(t.oid, null) as text, t.typtype::text as kind,
  case when t.typtype = 'b' and t.typelem <> 0 and t.typsubscript = 'pg_catalog.array_subscript_handler'::regproc then t.typelem::text end as element,
  case when t.typtype = 'd' then t.typbasetype::text end as base, t.typtypmod as typmod, t.typnotnull as "notNull",
  (select r.rngsubtype::text from pg_catalog.pg_range r where r.rngtypid = t.oid) as subtype,
  (select r.rngtypid::text from pg_catalog.pg_range r where r.rngmultitypid = t.oid) as range,
  (select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid) as labels,
  (
    select jsonb_agg(jsonb_build_object('type', a.atttypid::text, 'typmod', a.atttypmod, 'name', a.attname) order by a.attnum)
    from pg_catalog.pg_attribute a where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
  ) as attributes,
  (select jsonb_agg(pg_get_constraintdef(k.oid)) from pg_catalog.pg_constraint k where k.contypid = t.oid and k.contype = 'c') as checks
from pg_catalog.pg_type t
where t.typtype <> 'p' or t.typname in ('record')
