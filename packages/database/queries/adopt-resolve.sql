-- The oid of each name, as the caller's search_path finds it; null where there is none. $1: the names.
select wanted.name, to_regclass(wanted.name)::oid::bigint as oid
from unnest($1::text[]) with ordinality as wanted (name, position)
order by wanted.position
