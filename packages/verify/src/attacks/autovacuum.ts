// Autovacuum would analyze a table in one world a minute before the other, and plans would differ by that alone. Where a
// table cannot be altered, its plans are compared as they come.
import type { Client } from 'pg'

/** Tables altered in one message, which is one transaction: each is locked until it ends, and a server has room for some thousands. */
const TABLES_AT_ONCE = 100

export async function keepStatisticsStill(admin: Client): Promise<void> {
  const { rows } = await admin.query<{ sql: string }>(
    `select format('alter table %s set (autovacuum_enabled = false)', c.oid::pg_catalog.regclass) as sql
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm') and c.relpersistence <> 't' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
       and not coalesce(c.reloptions @> '{autovacuum_enabled=false}', false)
       and pg_catalog.current_setting('autovacuum') = 'on'`,
  )
  for (let start = 0; start < rows.length; start += TABLES_AT_ONCE) {
    const some = rows.slice(start, start + TABLES_AT_ONCE).map(({ sql }) => sql)
    const together = await admin.query(some.join('; ')).then(
      () => true,
      () => false,
    )
    if (!together) for (const sql of some) await admin.query(sql).catch(() => undefined)
  }
}
