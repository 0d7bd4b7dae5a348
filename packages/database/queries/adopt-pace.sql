-- Whether a backfill should wait: how far the slowest standby is behind (null where there is none, or this login may
-- not see it), and how many sessions wait for a lock that $1 holds.
select
  (select extract(epoch from max(r.replay_lag)) * 1000 from pg_stat_replication r)::float8 as "lagMs",
  (
    select count(*) from pg_locks l
    where not l.granted and l.pid <> $1 and $1 = any (pg_blocking_pids(l.pid))
  )::int as waiting
