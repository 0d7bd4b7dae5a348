-- partition_exposed. Where: rowhouse, anywhere.
with recursive children (parent, oid, depth) as (
  select t.oid, i.inhrelid, 1 from tables t join pg_inherits i on i.inhparent = t.oid where not t.child and t.protected is not false
  union all
  select c.parent, i.inhrelid, c.depth + 1 from children c join pg_inherits i on i.inhparent = c.oid where c.depth < 20
)
select 'error' as severity, 'table' as kind, k.oid::regclass::text as object,
  format('%s may read %s directly, where the policies of %s do not apply and there is no row security of its own.',
    string_agg(distinct r.name::text, ', '), k.oid::regclass, c.parent::regclass) as message,
  format('revoke all on %s from public, %s', k.oid::regclass, string_agg(distinct quote_ident(r.name::text), ', ')) as fix
from children c
join pg_class k on k.oid = c.oid
cross join roles r
where not k.relrowsecurity and k.relkind in ('r', 'p', 'f')
  and exists (select from reach h where h.start = r.oid
    and (has_table_privilege(h.role, k.oid, 'select, insert, update, delete') or has_any_column_privilege(h.role, k.oid, 'select')))
group by k.oid, c.parent
