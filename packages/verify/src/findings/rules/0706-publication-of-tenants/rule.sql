-- publication_of_tenants. Where: anywhere.
select case when t.ident = 'f' then 'warning' else 'info' end as severity, 'publication' as kind, p.pubname::text as object,
  format('%s publishes %s: row security is not asked for a DELETE, so every subscriber sees %s of deleted rows.', p.pubname,
    string_agg(t.name, ', ' order by t.name), case when t.ident = 'f' then 'all columns' else 'the keys' end) as message,
  case when t.ident = 'f' then string_agg(format('alter table %s replica identity default', t.name), '; ' order by t.name)
    else 'Use keys that say nothing (uuid), or broadcast from a trigger to a private channel instead.' end as fix
from pg_publication p
join lateral (
  select t.name, c.relreplident as ident
  from tables t join pg_class c on c.oid = t.oid
  where not t.root and (p.puballtables or exists (select from pg_publication_rel r where r.prpubid = p.oid and r.prrelid = t.oid and r.prqual is null)
    or exists (select from pg_publication_namespace n where n.pnpubid = p.oid and n.pnnspid = t.schema))
) t on true
where p.pubname ~* 'realtime' and p.pubdelete
group by p.pubname, t.ident
