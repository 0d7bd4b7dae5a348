-- Everything of a schema that bears on isolation, one line a fact, free of oids: two databases with the same lines hold
-- organizations apart in the same way. It reads other columns than the copy writes, so that a fault of the copy shows.
with namespace as (
  select n.* from pg_catalog.pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
),
member as (
  select e.classid, e.objid, x.extname from pg_catalog.pg_depend e
  join pg_catalog.pg_extension x on e.refclassid = 'pg_catalog.pg_extension'::regclass and x.oid = e.refobjid
  where e.deptype = 'e'
),
relation as (
  select c.*, format('%I.%I', n.nspname, c.relname) as ident,
    case c.relkind when 'v' then 'view ' when 'm' then 'materialized view ' when 'f' then 'foreign table ' when 'S' then 'sequence '
      when 'i' then 'index ' when 'I' then 'index ' when 'c' then 'composite type ' else 'table ' end || format('%I.%I', n.nspname, c.relname) as object
  from pg_catalog.pg_class c
  join namespace n on n.oid = c.relnamespace
  where not exists (select from member m where m.classid = 'pg_catalog.pg_class'::regclass and m.objid = c.oid)
),
routine as (
  select p.*, 'function ' || p.oid::regprocedure as object
  from pg_catalog.pg_proc p
  join namespace n on n.oid = p.pronamespace
  where not exists (select from member m where m.classid = 'pg_catalog.pg_proc'::regclass and m.objid = p.oid)
    and not exists (select from pg_catalog.pg_depend i where i.classid = 'pg_catalog.pg_proc'::regclass and i.objid = p.oid and i.deptype = 'i')
),
acl as (
  select 'schema ' || quote_ident(n.nspname) as object, n.nspacl as acl, n.nspowner as owner, 'n'::"char" as type from namespace n
  union all
  select c.object, c.relacl, c.relowner, case c.relkind when 'S' then 's' else 'r' end::"char" from relation c where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select p.object, p.proacl, p.proowner, 'f' from routine p
  union all
  select 'type ' || t.oid::regtype, t.typacl, t.typowner, 'T' from pg_catalog.pg_type t join namespace n on n.oid = t.typnamespace where t.typacl is not null
  union all
  -- What somebody changed of what initdb or an extension gave.
  select 'function ' || p.oid::regprocedure, p.proacl, p.proowner, 'f' from pg_catalog.pg_proc p
  where p.proacl is distinct from (select i.initprivs from pg_catalog.pg_init_privs i where i.classoid = 'pg_catalog.pg_proc'::regclass and i.objoid = p.oid and i.objsubid = 0)
    and not exists (select from routine r where r.oid = p.oid) and p.proacl is not null
  union all
  select 'table ' || c.oid::regclass, c.relacl, c.relowner, 'r' from pg_catalog.pg_class c
  where c.relacl is distinct from (select i.initprivs from pg_catalog.pg_init_privs i where i.classoid = 'pg_catalog.pg_class'::regclass and i.objoid = c.oid and i.objsubid = 0)
    and not exists (select from relation r where r.oid = c.oid) and c.relacl is not null and c.relkind in ('r', 'v', 'm', 'p', 'f', 'S')
)
select object, line
from (
  select 'schema ' || quote_ident(n.nspname) as object, 'owner ' || pg_get_userbyid(n.nspowner) as line from namespace n
  union all
  select 'extension ' || x.extname, 'in ' || n.nspname from pg_catalog.pg_extension x join pg_catalog.pg_namespace n on n.oid = x.extnamespace
  union all
  select c.object, format('%s %s owner %s rls=%s forced=%s options=%s of=%s', c.relkind, c.relpersistence, pg_get_userbyid(c.relowner), c.relrowsecurity,
      c.relforcerowsecurity, (select array_agg(o order by o) from unnest(c.reloptions) o), nullif(c.reloftype, 0)::regtype)
    || case when c.relkind in ('r', 'p') then ' identity=' || c.relreplident::text else '' end
  from relation c where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select c.object, format('parent %s %s', i.inhparent::regclass, pg_get_expr(c.relpartbound, c.oid))
  from relation c join pg_catalog.pg_inherits i on i.inhrelid = c.oid
  union all
  select c.object, 'partitioned by ' || pg_get_partkeydef(c.oid) from relation c where c.relkind = 'p'
  union all
  select c.object, format('column %I %s notnull=%s identity=%s generated=%s collation=%s storage=%s default %s', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    case when c.relispartition then '' else a.attidentity::text end, a.attgenerated, (select co.collname from pg_catalog.pg_collation co where co.oid = a.attcollation), a.attstorage, pg_get_expr(d.adbin, d.adrelid))
  from relation c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
  union all
  select c.object, format('column order %s', string_agg(a.attname, ',' order by a.attnum))
  from relation c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  where c.relkind in ('r', 'p', 'v', 'm', 'f', 'c') group by c.object
  union all
  select c.object, 'query ' || pg_get_viewdef(c.oid) from relation c where c.relkind in ('v', 'm')
  union all
  select coalesce(c.object, 'domain ' || k.contypid::regtype), format('constraint %s %s %s deferrable=%s %s valid=%s',
    case when k.conparentid = 0 then quote_ident(k.conname) else '(of a partition)' end, k.contype, pg_get_constraintdef(k.oid), k.condeferrable, k.condeferred, k.convalidated)
  from pg_catalog.pg_constraint k left join relation c on c.oid = k.conrelid
  where (c.oid is not null or k.contypid <> 0 and k.connamespace in (select n.oid from namespace n))
    and k.contype in ('c', 'p', 'u', 'f', 'x') and not exists (select from member m where m.classid = 'pg_catalog.pg_type'::regclass and m.objid = k.contypid)
  union all
  select c.object, pg_get_indexdef(i.indexrelid) || ' ready=' || i.indisvalid
  from pg_catalog.pg_index i join relation c on c.oid = i.indexrelid
  union all
  select c.object, format('sequence %s from %s by %s min %s max %s cache %s cycle %s of %s', format_type(s.seqtypid, null), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
    (select format('%s.%I', d.refobjid::regclass, a.attname) from pg_catalog.pg_depend d join pg_catalog.pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i') and d.refobjsubid > 0))
  from relation c join pg_catalog.pg_sequence s on s.seqrelid = c.oid
  union all
  select c.object, format('policy %I permissive=%s for %s to %s using %s check %s', p.polname, p.polpermissive, p.polcmd,
    (select string_agg(case when o = 0 then 'public' else pg_get_userbyid(o)::text end, ',' order by case when o = 0 then 'public' else pg_get_userbyid(o)::text end) from unnest(p.polroles) o),
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  from pg_catalog.pg_policy p join relation c on c.oid = p.polrelid
  union all
  select c.object, format('trigger %s enabled=%s', pg_get_triggerdef(t.oid), t.tgenabled)
  from pg_catalog.pg_trigger t join relation c on c.oid = t.tgrelid where not t.tgisinternal
  union all
  select c.object, format('rule %s enabled=%s', pg_get_ruledef(r.oid), r.ev_enabled)
  from pg_catalog.pg_rewrite r join relation c on c.oid = r.ev_class where r.rulename <> '_RETURN'
  union all
  select p.object, format('owner %s language %s definer=%s leakproof=%s strict=%s volatile=%s parallel=%s config=%s body %s', pg_get_userbyid(p.proowner), l.lanname, p.prosecdef,
    p.proleakproof, p.proisstrict, p.provolatile, p.proparallel, p.proconfig, case p.prokind when 'a' then
      (select format('%s %s %s %s %s', a.aggkind, a.aggtransfn, a.aggfinalfn, format_type(a.aggtranstype, null), a.agginitval) from pg_catalog.pg_aggregate a where a.aggfnoid = p.oid)
      else md5(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)) end)
  from routine p join pg_catalog.pg_language l on l.oid = p.prolang
  union all
  select p.object, format('(%s) returns %s', pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)) from routine p
  union all
  select 'type ' || t.oid::regtype, format('%s owner %s base %s notnull=%s default %s labels %s range of %s', t.typtype, pg_get_userbyid(t.typowner),
    case when t.typbasetype <> 0 then format_type(t.typbasetype, t.typtypmod) end, t.typnotnull, t.typdefault,
    (select string_agg(e.enumlabel, ',' order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = t.oid),
    (select r.rngsubtype::regtype from pg_catalog.pg_range r where r.rngtypid = t.oid))
  from pg_catalog.pg_type t join namespace n on n.oid = t.typnamespace left join pg_catalog.pg_class c on c.oid = t.typrelid
  where (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and c.relkind = 'c' or t.typtype = 'b' and t.typelem = 0)
    and not exists (select from member m where m.classid = 'pg_catalog.pg_type'::regclass and m.objid = t.oid)
    and not exists (select from member m where m.classid = 'pg_catalog.pg_class'::regclass and m.objid = t.typrelid)
  union all
  select 'operator ' || o.oid::regoperator, format('function %s leakproof by it, commutator %s negator %s owner %s', o.oprcode, nullif(o.oprcom, 0)::regoperator, nullif(o.oprnegate, 0)::regoperator, pg_get_userbyid(o.oprowner))
  from pg_catalog.pg_operator o join namespace n on n.oid = o.oprnamespace
  where not exists (select from member m where m.classid = 'pg_catalog.pg_operator'::regclass and m.objid = o.oid)
  union all
  select 'operator class ' || quote_ident(n.nspname) || '.' || quote_ident(o.opcname), format('for %s default=%s', o.opcintype::regtype, o.opcdefault)
  from pg_catalog.pg_opclass o join namespace n on n.oid = o.opcnamespace
  where not exists (select from member m where m.classid = 'pg_catalog.pg_opclass'::regclass and m.objid = o.oid)
  union all
  select format('cast (%s as %s)', c.castsource::regtype, c.casttarget::regtype), format('%s %s %s', c.castcontext, c.castmethod, nullif(c.castfunc, 0)::regprocedure)
  from pg_catalog.pg_cast c where c.oid >= 16384 and not exists (select from member m where m.classid = 'pg_catalog.pg_cast'::regclass and m.objid = c.oid)
  union all
  select 'collation ' || quote_ident(n.nspname) || '.' || quote_ident(o.collname), format('%s deterministic=%s', o.collprovider, o.collisdeterministic)
  from pg_catalog.pg_collation o join namespace n on n.oid = o.collnamespace
  where not exists (select from member m where m.classid = 'pg_catalog.pg_collation'::regclass and m.objid = o.oid)
  union all
  select 'text search configuration ' || quote_ident(n.nspname) || '.' || quote_ident(g.cfgname), 'exists' from pg_catalog.pg_ts_config g join namespace n on n.oid = g.cfgnamespace
  union all
  select 'text search dictionary ' || quote_ident(n.nspname) || '.' || quote_ident(g.dictname), coalesce(g.dictinitoption, '') from pg_catalog.pg_ts_dict g join namespace n on n.oid = g.dictnamespace
  where not exists (select from member m where m.classid = 'pg_catalog.pg_ts_dict'::regclass and m.objid = g.oid)
  union all
  select 'conversion ' || quote_ident(n.nspname) || '.' || quote_ident(o.conname), 'exists' from pg_catalog.pg_conversion o join namespace n on n.oid = o.connamespace
  union all
  select 'language ' || l.lanname, format('trusted=%s', l.lanpltrusted) from pg_catalog.pg_language l
  where l.oid >= 16384 and not exists (select from member m where m.classid = 'pg_catalog.pg_language'::regclass and m.objid = l.oid)
  union all
  select 'statistics ' || quote_ident(n.nspname) || '.' || quote_ident(s.stxname), pg_get_statisticsobjdef(s.oid) from pg_catalog.pg_statistic_ext s join namespace n on n.oid = s.stxnamespace
  union all
  select 'publication ' || quote_ident(p.pubname), format('all=%s %s%s%s%s root=%s owner %s tables %s schemas %s', p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot, pg_get_userbyid(p.pubowner),
    (select string_agg(format('%s%s where %s', r.prrelid::regclass,
        (select format('(%s)', string_agg(a.attname, ',' order by a.attname)) from pg_catalog.pg_attribute a where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)),
        pg_get_expr(r.prqual, r.prrelid)), ',' order by r.prrelid::regclass::text)
     from pg_catalog.pg_publication_rel r where r.prpubid = p.oid),
    (select string_agg(s.pnnspid::regnamespace::text, ',' order by s.pnnspid::regnamespace::text) from pg_catalog.pg_publication_namespace s where s.pnpubid = p.oid))
  from pg_catalog.pg_publication p
  union all
  select 'foreign server ' || quote_ident(s.srvname), 'wrapper ' || w.fdwname from pg_catalog.pg_foreign_server s join pg_catalog.pg_foreign_data_wrapper w on w.oid = s.srvfdw
  union all
  select 'event trigger ' || quote_ident(e.evtname), format('%s %s %s enabled=%s', e.evtevent, e.evttags, e.evtfoid::regproc, e.evtenabled) from pg_catalog.pg_event_trigger e
  where not exists (select from member m where m.classid = 'pg_catalog.pg_event_trigger'::regclass and m.objid = e.oid)
  union all
  select a.object, format('grant %s to %s%s', x.privilege_type, case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end, case when x.is_grantable then ' with grant option' end)
  from acl a cross join lateral aclexplode(coalesce(a.acl, acldefault(a.type, a.owner))) x
  -- The owner gives itself what it likes; MAINTAIN is known from 17 on only.
  where x.grantee <> a.owner
  union all
  select c.object, format('grant %s (%I) to %s%s', x.privilege_type, a.attname, case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end, case when x.is_grantable then ' with grant option' end)
  from relation c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attacl is not null and not a.attisdropped cross join lateral aclexplode(a.attacl) x
  union all
  select 'default privileges of ' || pg_get_userbyid(d.defaclrole), format('in %s on %s %s to %s', nullif(d.defaclnamespace, 0)::regnamespace, d.defaclobjtype, x.privilege_type,
    case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end)
  from pg_catalog.pg_default_acl d cross join lateral aclexplode(d.defaclacl) x
  where x.grantee <> d.defaclrole
  union all
  select 'database', format('grant %s to %s', x.privilege_type, case when x.grantee = 0 then 'public' else pg_get_userbyid(x.grantee)::text end)
  from pg_catalog.pg_database d cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) x
  where d.datname = current_database() and x.grantee <> d.datdba
  union all
  select 'database', 'owner ' || pg_get_userbyid(d.datdba) from pg_catalog.pg_database d where d.datname = current_database()
  union all
  select 'setting ' || split_part(k, '=', 1), format('of %s: %s', coalesce(r.rolname, 'all'), substr(k, strpos(k, '=') + 1))
  from pg_catalog.pg_db_role_setting s join pg_catalog.pg_database d on d.oid = s.setdatabase and d.datname = current_database()
  left join pg_catalog.pg_roles r on r.oid = s.setrole, unnest(s.setconfig) k
  where s.setrole = 0 or r.rolname is not null
  union all
  select 'role ' || quote_ident(r.rolname), format('superuser=%s bypassrls=%s inherit=%s login=%s createrole=%s createdb=%s replication=%s settings %s', r.rolsuper, r.rolbypassrls, r.rolinherit, r.rolcanlogin, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolconfig)
  from pg_catalog.pg_roles r where r.rolname !~ '^pg_'
  union all
  select 'role ' || quote_ident(m.member::regrole::text), format('member of %s admin=%s inherit=%s set=%s', m.roleid::regrole, m.admin_option,
      -- Before Postgres 16 a membership says neither: the member does.
      coalesce(to_jsonb(m) ->> 'inherit_option', r.rolinherit::text), coalesce(to_jsonb(m) ->> 'set_option', 'true'))
  from pg_catalog.pg_auth_members m join pg_catalog.pg_roles r on r.oid = m.member and r.rolname !~ '^pg_'
) f
order by object collate "C", line collate "C"
