-- key_without_organization. Where: rowhouse, anywhere.
select case when t.protected or t.type is null then 'error' when k.contype = 'p' then 'info' else 'warning' end as severity, 'table' as kind, t.name as object,
  format('The key %s does not begin with %s: it would tell one organization what another has.', k.conname, t.col) as message,
  format('Make it (%s).', array_to_string(array_prepend(t.col::text, array_remove(c.names, t.col::text)), ', ')) as fix
from pg_constraint k
join tables t on t.oid = k.conrelid
cross join lateral (
  select array_agg(a.attname::text order by u.ordinality) as names,
    -- A secret is long, and a counter is another finding.
    bool_and(a.atttypid = 'uuid'::regtype or a.attname ~* '(token|secret|hash|nonce)$' or a.attidentity <> '' or exists (
      select from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum
        and pg_get_expr(d.adbin, d.adrelid) ~ '^nextval'
    )) as unguessable
  from unnest(k.conkey) with ordinality u (attnum, ordinality)
  join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum
) c
where k.contype in ('p', 'u') and t.protected is not false and not t.root and t.col is not null and not t.child
  and case when t.protected then c.names[1] <> t.col
    -- Elsewhere: any place in the key keeps organizations apart, and a uuid cannot be guessed.
    else t.reachable and not t.col::text = any (c.names) and not c.unguessable end
