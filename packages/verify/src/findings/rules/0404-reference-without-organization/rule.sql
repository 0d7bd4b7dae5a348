-- reference_without_organization. Where: rowhouse, anywhere.
select case when p.protected then 'error' else 'warning' end as severity, 'table' as kind, f.conrelid::regclass::text as object,
  format('The foreign key %s lets a row of %s refer to a row of another organization%s.', f.conname, f.conrelid::regclass,
    case when f.confdeltype = 'c' then ', whose deletion deletes it' else '' end) as message,
  case when p.protected or c.col is null or r.key <> 1 then format('Make it foreign key (%s, …) references %s (%s, …).', coalesce(c.col, p.col), f.confrelid::regclass, p.col)
    else format('alter table %s add unique (%I, %s); alter table %s drop constraint %I, add constraint %I foreign key (%I, %s) references %s (%I, %s)%s',
      f.confrelid::regclass, p.col, r.target, f.conrelid::regclass, f.conname, f.conname, c.col, r.columns, f.confrelid::regclass, p.col, r.target,
      case f.confdeltype when 'c' then ' on delete cascade' when 'n' then format(' on delete set null (%s)', r.columns) else '' end) end as fix
from pg_constraint f
join tables p on p.oid = f.confrelid
left join tables c on c.oid = f.conrelid
cross join lateral (
  select count(*) as key, string_agg(quote_ident(a.attname::text), ', ') as columns, string_agg(quote_ident(b.attname::text), ', ') as target
  from unnest(f.conkey, f.confkey) u (att, target_att)
  join pg_attribute a on a.attrelid = f.conrelid and a.attnum = u.att
  join pg_attribute b on b.attrelid = f.confrelid and b.attnum = u.target_att
) r
where f.contype = 'f' and f.conparentid = 0 and p.protected is not false and not p.root and p.col is not null
  and (c.oid is null and p.protected or c.col is not null)
  and not exists (
    select from unnest(f.conkey, f.confkey) u (att, target_att)
    where u.target_att = p.att and (u.att = c.att
      or (c.oid is null and exists (select from pg_attribute a where a.attrelid = f.conrelid and a.attnum = u.att and a.attname = p.col)))
  )
