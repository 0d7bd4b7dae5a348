-- definer_dynamic_sql. Where: anywhere.
select 'error' as severity, 'function' as kind, f.name as object,
  format('%s runs as its owner and executes text that it puts together without quoting.', f.name) as message,
  'Use format() with %I for names and %L for values, or execute … using; check names against the catalogue.' as fix
from definers f
where (f.body ~ '\mexecute\s+[^;]*\|\|' and f.body !~ '\mexecute\s+[^;]*quote_(ident|literal)')
  or f.body ~ '\mexecute\s+format\s*\(\s*(''[^'']*|\$[a-z]*\$[^$]*)%(\d+\$)?s'
  or f.body ~ '\mexecute\s+[a-z_]+\s*;'
