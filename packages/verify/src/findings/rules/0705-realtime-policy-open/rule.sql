-- realtime_policy_open. Where: anywhere.
select 'error' as severity, 'policy' as kind, format('%I on realtime.messages', p.polname) as object,
  format('The policy %I lets every tenant %s every channel: it does not read the topic. It reads: %s', p.polname,
    case when p.polcmd = 'a' then 'send to' else 'listen to' end, left(e.text, 300)) as message,
  'Compare realtime.topic() with the tenant of the request.' as fix
from pg_policy p
cross join lateral (select coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') as text) e
where p.polrelid = to_regclass('realtime.messages') and p.polpermissive and e.text !~* 'topic'
  and (p.polroles = '{0}' or exists (select from reach h where h.role = any (p.polroles)))
