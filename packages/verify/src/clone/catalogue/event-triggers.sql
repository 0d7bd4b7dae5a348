-- Event triggers, last of all: they would run while the rest is made.
select 'event trigger' as kind, quote_ident(e.evtname) as name,
  format('create event trigger %I on %s%s execute function %s()', e.evtname, e.evtevent,
    ' when tag in (' || (select string_agg(quote_literal(t), ', ') from unnest(e.evttags) t) || ')', e.evtfoid::regproc)
  || case e.evtenabled when 'O' then '' else format('; alter event trigger %I %s', e.evtname,
    case e.evtenabled when 'D' then 'disable' when 'A' then 'enable always' else 'enable replica' end) end as sql,
  p.prosrc as source
from pg_catalog.pg_event_trigger e
join pg_catalog.pg_proc p on p.oid = e.evtfoid
where not exists (
  select from pg_catalog.pg_depend x
  where x.classid = 'pg_catalog.pg_event_trigger'::regclass and x.objid = e.oid and x.deptype = 'e'
)
