// How near a server is to its last connection.
import type { ClientBase } from 'pg'

export interface Connections {
  readonly used: number
  /** Without those that are kept for superusers. */
  readonly max: number
}

/** By pg_stat_database, which everybody may read of all; it counts what is connected to a database. */
export async function readConnections(client: ClientBase): Promise<Connections> {
  const { rows } = await client.query<Connections>(
    `select (select sum(d.numbackends) from pg_stat_database d)::int as used,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
         - coalesce(current_setting('reserved_connections', true), '0')::int as max`,
  )
  return rows[0] as Connections
}
