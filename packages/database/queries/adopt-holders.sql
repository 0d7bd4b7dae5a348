-- Who holds a table, the oldest transaction first. $1: oids of tables.
select a.pid, a.usename as login, a.application_name as application, a.state,
  (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::bigint as "openMs"
from pg_stat_activity a
where a.pid <> pg_backend_pid()
  and exists (select from pg_locks l where l.pid = a.pid and l.granted and l.relation = any ($1::bigint[]::oid[]))
order by a.xact_start
limit 5
