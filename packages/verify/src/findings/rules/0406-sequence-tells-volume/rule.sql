-- sequence_tells_volume. Where: anywhere.
select 'info' as severity, 'table' as kind, t.name as object,
  format('The keys of %s come from one sequence for all tenants: each sees how many rows the others make%s.', t.name,
    case when bool_or(has_sequence_privilege(h.role, s.oid, 'select, update')) then ', and can read or set it directly' else '' end) as message,
  case when bool_or(has_sequence_privilege(h.role, s.oid, 'select, update')) then 'Use uuid keys; at least revoke select and update on the sequence, usage is enough.'
    else 'Use uuid keys, or number them for each tenant.' end as fix
from tables t
join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid and d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
join pg_class s on s.oid = d.objid and s.relkind = 'S'
cross join reach h
where not t.child and not t.root and t.reachable
  -- What Rowhouse itself counts there is documented: docs/verify.md.
  and t.schema is distinct from to_regnamespace('rowhouse_home')
group by t.name
