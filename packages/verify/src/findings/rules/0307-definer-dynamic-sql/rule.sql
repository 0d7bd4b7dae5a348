-- definer_dynamic_sql. Where: anywhere.
select 'error' as severity, 'function' as kind, f.name as object,
  format('%s runs as its owner and executes text that it puts together without quoting.', f.name) as message,
  'Use format() with %I for names and %L for values, or execute … using; check names against the catalogue.' as fix
from definers f
where (f.callable or f.returns = 'trigger'::regtype) and (
    (f.body ~ '\mexecute\s+[^;]*\|\|' and f.body !~ '\mexecute\s+[^;]*quote_(ident|literal)')
    -- Beside something that is quoted, what the caller gave and what is written is not.
    or f.body ~ '\mexecute\s+[^;]*\|\|\s*\(*\s*(\$\d|(new|old)\.[a-z_"]+\s*(\)|\|\||;|using|into))'
    or exists (
      select from pg_proc p, unnest(p.proargnames) a
      where p.oid = f.oid and a <> ''
        and f.body ~ ('\mexecute\s+[^;]*\|\|\s*\(*\s*' || regexp_replace(lower(a), '([^\w])', '\\\1', 'g') || '\s*(\)|\|\||;|using|into)')
    )
    or f.body ~ '\mexecute\s+format\s*\(\s*(''[^'']*|\$[a-z]*\$[^$]*)%(\d+\$)?s'
    or f.body ~ '\mexecute\s+[a-z_]+\s*;'
  )
