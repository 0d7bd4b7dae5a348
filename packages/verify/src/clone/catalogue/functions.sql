-- Functions and procedures with what takes their place while they are disabled, aggregates, operators, operator
-- families and classes, casts. `language` and `source` let the copier judge what reaches outside the database.
select 'pg_proc' as class, p.oid::text as oid,
  case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as kind,
  p.oid::regprocedure::text as name, case p.prokind when 'a' then 12 else 10 end as rank,
  case p.prokind
    when 'a' then (
      select format('create aggregate %I.%I(%s) (%s)', n.nspname, p.proname, pg_get_function_arguments(p.oid), concat_ws(', ',
        'sfunc = ' || a.aggtransfn, 'stype = ' || format_type(a.aggtranstype, null),
        'sspace = ' || nullif(a.aggtransspace, 0),
        case when a.aggfinalfn <> 0 then 'finalfunc = ' || a.aggfinalfn end,
        case when a.aggfinalextra then 'finalfunc_extra' end,
        case when a.aggfinalfn <> 0 then 'finalfunc_modify = ' || case a.aggfinalmodify when 'r' then 'read_only' when 's' then 'shareable' else 'read_write' end end,
        case when a.aggcombinefn <> 0 then 'combinefunc = ' || a.aggcombinefn end,
        case when a.aggserialfn <> 0 then 'serialfunc = ' || a.aggserialfn end,
        case when a.aggdeserialfn <> 0 then 'deserialfunc = ' || a.aggdeserialfn end,
        'initcond = ' || quote_literal(a.agginitval),
        case when a.aggmtransfn <> 0 then 'msfunc = ' || a.aggmtransfn end,
        case when a.aggminvtransfn <> 0 then 'minvfunc = ' || a.aggminvtransfn end,
        case when a.aggmtranstype <> 0 then 'mstype = ' || format_type(a.aggmtranstype, null) end,
        case when a.aggmfinalfn <> 0 then 'mfinalfunc = ' || a.aggmfinalfn end,
        'minitcond = ' || quote_literal(a.aggminitval),
        case when a.aggsortop <> 0 then 'sortop = ' || (select format('operator(%I.%s)', on_.nspname, o.oprname)
          from pg_catalog.pg_operator o join pg_catalog.pg_namespace on_ on on_.oid = o.oprnamespace where o.oid = a.aggsortop) end,
        'parallel = ' || case p.proparallel when 's' then 'safe' when 'r' then 'restricted' else 'unsafe' end,
        case when a.aggkind = 'h' then 'hypothetical' end))
      from pg_catalog.pg_aggregate a where a.aggfnoid = p.oid)
    else pg_get_functiondef(p.oid)
  end as sql,
  case when p.prokind in ('f', 'p') then
    format('create or replace %s %I.%I(%s)%s language plpgsql %s%s%s%s%s',
      case p.prokind when 'p' then 'procedure' else 'function' end, n.nspname, p.proname, pg_get_function_arguments(p.oid),
      case when p.prokind = 'f' then ' returns ' || pg_get_function_result(p.oid) end,
      case when p.prokind = 'f' then case p.provolatile when 'i' then 'immutable ' when 's' then 'stable ' else 'volatile ' end end,
      case when p.prokind = 'f' and p.proisstrict then 'strict ' end,
      case when p.prosecdef then 'security definer ' end,
      case when p.prokind = 'f' then case p.proparallel when 's' then 'parallel safe ' when 'r' then 'parallel restricted ' end end,
      format('as %L', format('begin raise exception %L using errcode = %L; end',
        'rowhouse verify: ' || p.proname || ' is disabled in this scratch database.', '0A000')))
  end as stub,
  '{}'::text[] as aliases, l.lanname::text as language, l.lanpltrusted as trusted, p.prosrc as source
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  -- Members of extensions, and the constructors of ranges, come by themselves.
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_proc'::regclass and e.objid = p.oid and e.deptype in ('e', 'i')
  )
union all
select 'pg_operator', o.oid::text, 'operator', o.oid::regoperator::text, 11,
  format('create operator %I.%s (%s)', n.nspname, o.oprname, concat_ws(', ',
    'function = ' || o.oprcode,
    case when o.oprleft <> 0 then 'leftarg = ' || format_type(o.oprleft, null) end,
    case when o.oprright <> 0 then 'rightarg = ' || format_type(o.oprright, null) end,
    (select format('commutator = operator(%I.%s)', cn.nspname, c.oprname) from pg_catalog.pg_operator c
     join pg_catalog.pg_namespace cn on cn.oid = c.oprnamespace where c.oid = o.oprcom),
    (select format('negator = operator(%I.%s)', cn.nspname, c.oprname) from pg_catalog.pg_operator c
     join pg_catalog.pg_namespace cn on cn.oid = c.oprnamespace where c.oid = o.oprnegate),
    case when o.oprrest <> 0 then 'restrict = ' || o.oprrest end,
    case when o.oprjoin <> 0 then 'join = ' || o.oprjoin end,
    case when o.oprcanhash then 'hashes' end,
    case when o.oprcanmerge then 'merges' end)),
  null, '{}', null, null, null
from pg_catalog.pg_operator o
join pg_catalog.pg_namespace n on n.oid = o.oprnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and o.oprcode <> 0
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_operator'::regclass and e.objid = o.oid and e.deptype = 'e'
  )
union all
select 'pg_opfamily', f.oid::text, 'operator family', format('%I.%I', n.nspname, f.opfname), 13,
  format('create operator family %I.%I using %I', n.nspname, f.opfname, m.amname), null, '{}', null, null, null
from pg_catalog.pg_opfamily f
join pg_catalog.pg_namespace n on n.oid = f.opfnamespace
join pg_catalog.pg_am m on m.oid = f.opfmethod
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_opfamily'::regclass and e.objid = f.oid and e.deptype = 'e'
  )
union all
select 'pg_opclass', c.oid::text, 'operator class', format('%I.%I', n.nspname, c.opcname), 14,
  format('create operator class %I.%I %sfor type %s using %I family %I.%I as %s', n.nspname, c.opcname,
    case when c.opcdefault then 'default ' end, format_type(c.opcintype, null), m.amname, fn.nspname, f.opfname,
    concat_ws(', ',
      case when c.opckeytype <> 0 then 'storage ' || format_type(c.opckeytype, null) end,
      (select string_agg(format('operator %s %s%s', ao.amopstrategy, ao.amopopr::regoperator,
          (select format(' for order by %I.%I', sn.nspname, sf.opfname) from pg_catalog.pg_opfamily sf
           join pg_catalog.pg_namespace sn on sn.oid = sf.opfnamespace where sf.oid = ao.amopsortfamily)), ', ' order by ao.amopstrategy)
       from pg_catalog.pg_amop ao where ao.amopfamily = c.opcfamily and ao.amoplefttype = c.opcintype and ao.amoprighttype = c.opcintype),
      (select string_agg(format('function %s (%s, %s) %s', ap.amprocnum, format_type(ap.amproclefttype, null),
          format_type(ap.amprocrighttype, null), ap.amproc::oid::regprocedure), ', ' order by ap.amprocnum)
       from pg_catalog.pg_amproc ap where ap.amprocfamily = c.opcfamily and ap.amproclefttype = c.opcintype))),
  null, '{}', null, null, null
from pg_catalog.pg_opclass c
join pg_catalog.pg_namespace n on n.oid = c.opcnamespace
join pg_catalog.pg_am m on m.oid = c.opcmethod
join pg_catalog.pg_opfamily f on f.oid = c.opcfamily
join pg_catalog.pg_namespace fn on fn.oid = f.opfnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_opclass'::regclass and e.objid = c.oid and e.deptype = 'e'
  )
union all
select 'pg_cast', c.oid::text, 'cast', format('(%s as %s)', format_type(c.castsource, null), format_type(c.casttarget, null)), 15,
  format('create cast (%s as %s) %s%s', format_type(c.castsource, null), format_type(c.casttarget, null),
    case c.castmethod when 'f' then 'with function ' || c.castfunc::regprocedure when 'i' then 'with inout' else 'without function' end,
    case c.castcontext when 'a' then ' as assignment' when 'i' then ' as implicit' end),
  null, '{}', null, null, null
from pg_catalog.pg_cast c
where c.oid >= 16384
  and not exists (
    select from pg_catalog.pg_depend e
    where e.classid = 'pg_catalog.pg_cast'::regclass and e.objid = c.oid and e.deptype in ('e', 'i')
  )
