-- What adopt must know of tables, one JSON object each, names quoted as SQL wants them. $1: their oids.
-- Deparsed names are qualified, because the caller's search_path is pg_catalog.
select json_build_object(
  'oid', c.oid::bigint,
  'name', c.relname,
  'schema', n.nspname,
  'qualified', format('%I.%I', n.nspname, c.relname),
  'kind', c.relkind,
  'persistence', c.relpersistence,
  'inherits', c.relispartition or exists (select from pg_inherits i where c.oid in (i.inhrelid, i.inhparent)),
  'owner', pg_get_userbyid(c.relowner),
  'mayOwn', pg_has_role(c.relowner, 'USAGE'),
  'rows', greatest(c.reltuples, 0)::bigint,
  'pages', pg_relation_size(c.oid) / current_setting('block_size')::int,
  'isProtected', rowhouse.is_protected(c.oid),
  'rowSecurity', c.relrowsecurity,
  'forced', c.relforcerowsecurity,
  'identity', c.relreplident,
  'identityIndex', (
    select format('%I', x.relname) from pg_index i join pg_class x on x.oid = i.indexrelid
    where i.indrelid = c.oid and i.indisreplident),
  'columns', (
    select coalesce(json_agg(json_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
      'generated', a.attgenerated <> '', 'default', pg_get_expr(d.adbin, d.adrelid)
    ) order by a.attnum), '[]')
    from pg_attribute a
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
  'keys', (
    select coalesce(json_agg(json_build_object(
      'name', k.conname, 'isPrimary', k.contype = 'p', 'columns', rowhouse.column_names(k.conrelid, k.conkey),
      'index', x.relname, 'deferrable', k.condeferrable, 'deferred', k.condeferred,
      'included', (
        select coalesce(json_agg(a.attname order by o.position), '[]')
        from unnest(i.indkey) with ordinality as o (number, position)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = o.number
        where o.position > i.indnkeyatts),
      'nullsNotDistinct', i.indnullsnotdistinct,
      'views', (
        select coalesce(json_agg(distinct w.ev_class::regclass::text), '[]')
        from pg_depend p join pg_rewrite w on w.oid = p.objid and p.classid = 'pg_rewrite'::regclass
        where p.refclassid = 'pg_constraint'::regclass and p.refobjid = k.oid)
    ) order by k.contype, k.conname), '[]')
    from pg_constraint k
    join pg_index i on i.indexrelid = k.conindid
    join pg_class x on x.oid = k.conindid
    where k.conrelid = c.oid and k.contype in ('p', 'u')),
  'exclusions', (
    select coalesce(json_agg(k.conname order by k.conname), '[]')
    from pg_constraint k where k.conrelid = c.oid and k.contype = 'x'
      and (rowhouse.column_names(k.conrelid, k.conkey))[1] is distinct from 'organization_id'),
  'takenNames', (
    select coalesce(json_agg(t.name), '[]') from (
      select k.conname as name from pg_constraint k where k.conrelid = c.oid
      union
      select x.relname from pg_class x where x.relnamespace = c.relnamespace and x.relname like '%organization%'
    ) t),
  'filledBy', (
    select coalesce(json_agg(k.conname), '[]') from pg_constraint k
    where k.conrelid = c.oid and k.contype = 'f' and k.confrelid = 'rowhouse.organizations'::regclass
      and rowhouse.column_names(k.conrelid, k.conkey) = '{organization_id}' and k.convalidated),
  'indexes', (
    select coalesce(json_agg(json_build_object(
      'name', x.relname, 'first', rowhouse.column_names(c.oid, array[i.indkey[0]]), 'valid', i.indisvalid,
      'definition', pg_get_indexdef(x.oid),
      'head', format('CREATE UNIQUE INDEX %I ON %I.%I USING %s (', x.relname, n.nspname, c.relname, m.amname),
      'on', format('on %I.%I using %s (', n.nspname, c.relname, m.amname)
    ) order by x.relname), '[]')
    from pg_index i join pg_class x on x.oid = i.indexrelid join pg_am m on m.oid = x.relam
    where i.indrelid = c.oid and i.indisunique
      and not exists (select from pg_constraint k where k.conindid = x.oid and k.contype in ('p', 'u', 'x'))),
  'indexed', (
    select coalesce(json_agg(rowhouse.column_names(c.oid, (i.indkey::int2[])[0:i.indnkeyatts - 1])), '[]')
    from pg_index i where i.indrelid = c.oid and i.indpred is null and i.indisvalid),
  'references', (
    select coalesce(json_agg(json_build_object(
      'name', k.conname, 'columns', rowhouse.column_names(k.conrelid, k.conkey),
      'target', k.confrelid::bigint, 'targetName', k.confrelid::regclass::text,
      'targetColumns', rowhouse.column_names(k.confrelid, k.confkey),
      'targetIsProtected', rowhouse.is_protected(k.confrelid),
      'isNotNull', not exists (
        select from pg_attribute a where a.attrelid = c.oid and a.attnum = any (k.conkey) and not a.attnotnull),
      'onDelete', k.confdeltype, 'onDeleteColumns', rowhouse.column_names(k.conrelid, coalesce(k.confdelsetcols, '{}')),
      'onUpdate', k.confupdtype, 'match', k.confmatchtype,
      'deferrable', k.condeferrable, 'deferred', k.condeferred, 'validated', k.convalidated
    ) order by k.conname), '[]')
    from pg_constraint k where k.conrelid = c.oid and k.contype = 'f'),
  'referencedBy', (
    select coalesce(json_agg(distinct jsonb_build_object(
      'oid', k.conrelid::bigint, 'table', k.conrelid::regclass::text)), '[]')
    from pg_constraint k
    where k.confrelid = c.oid and k.contype = 'f' and k.conparentid = 0
      and 'organization_id' <> all (rowhouse.column_names(k.confrelid, k.confkey))),
  'policies', (
    select coalesce(json_agg(json_build_object('name', p.policyname, 'definition', format(
      'create policy %I on %I.%I as %s for %s to %s%s%s', p.policyname, p.schemaname, p.tablename, lower(p.permissive),
      lower(p.cmd), (select string_agg(case r when 'public' then r else quote_ident(r) end, ', ') from unnest(p.roles) r),
      ' using (' || p.qual || ')', ' with check (' || p.with_check || ')')) order by p.policyname), '[]')
    from pg_policies p
    where p.schemaname = n.nspname and p.tablename = c.relname and p.policyname not like 'rowhouse\_%'),
  'triggers', (
    select coalesce(json_agg(t.tgname order by t.tgname), '[]') from pg_trigger t
    where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled in ('O', 'A') and t.tgtype & 16 <> 0
      and cardinality(t.tgattr::int2[]) = 0 and t.tgname not like '_rowhouse\_%'),
  'publications', (
    select coalesce(json_agg(distinct p.pubname), '[]') from pg_publication_tables p
    where p.schemaname = n.nspname and p.tablename = c.relname)
) as facts
from unnest($1::bigint[]) with ordinality as wanted (oid, position)
join pg_class c on c.oid = wanted.oid::oid
join pg_namespace n on n.oid = c.relnamespace
order by wanted.position
