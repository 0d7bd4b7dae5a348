-- schema_name_cut. Where: anywhere.
select 'warning' as severity, 'schema' as kind, s.name::text as object,
  format('The name of %I has 63 bytes: it may have been cut, and another tenant''s may be cut to the same.', s.name) as message,
  'Use short generated names.' as fix
from schemas s
where octet_length(s.name::text) >= 63
