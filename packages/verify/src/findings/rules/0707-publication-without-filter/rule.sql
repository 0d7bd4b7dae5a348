-- publication_without_filter. Where: anywhere.
select 'info' as severity, 'publication' as kind, p.pubname::text as object,
  format('%s publishes the rows of every tenant%s: whoever may replicate from it reads them all.', p.pubname,
    case when p.puballtables then ', of every table there is and will be' else '' end) as message,
  'Give publications that leave the house a row filter on the tenant column, and their login nothing else.' as fix
from pg_publication p
where p.pubname !~* '(realtime|rowhouse)'
  and (p.puballtables or exists (select from pg_publication_rel r join tables t on t.oid = r.prrelid where r.prpubid = p.oid and r.prqual is null))
