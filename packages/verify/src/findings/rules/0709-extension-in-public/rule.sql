-- extension_in_public. Where: anywhere.
select 'info' as severity, 'extension' as kind, e.extname::text as object,
  format('The extension %s is in public: its functions are endpoints of the API.', e.extname) as message,
  case when e.extrelocatable then format('alter extension %I set schema extensions', e.extname)
    else format('Drop %s and make it again with schema extensions.', e.extname) end as fix
from pg_extension e
where e.extnamespace = to_regnamespace('public') and (select supabase from settings)
