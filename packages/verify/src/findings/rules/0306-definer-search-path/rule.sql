-- definer_search_path. Where: anywhere.
select case when f.config is null or not (f.config::text ~ 'search_path') then 'error' else 'warning' end as severity,
  'function' as kind, f.name as object,
  format('%s runs as its owner with %s: a temporary table or function of the caller can stand in for what it names.', f.name,
    coalesce((select format('the search_path %s, in which pg_temp is not last', split_part(c, '=', 2)) from unnest(f.config) c where c like 'search\_path=%'),
      'the search_path of its caller')) as message,
  format('alter function %s set search_path = %s, pg_temp', f.name,
    coalesce((select nullif(nullif(split_part(c, '=', 2), '""'), '') from unnest(f.config) c where c like 'search\_path=%'), 'pg_catalog, public')) as fix
from definers f
where f.returns <> 'event_trigger'::regtype
  and not coalesce(f.config::text ~ 'search_path=[^,]*(,[^=]*)?pg_temp\s*"?\s*[,}]?', false)
  -- An empty search_path leaves pg_temp first for tables only where names are not qualified, and there they must be.
  and not coalesce(f.config && array['search_path=""', 'search_path='], false)
