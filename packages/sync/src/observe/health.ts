// Measures a connection's health in its home and writes the numbers to the catalogue, at most once a second
// per connection, so that showing it costs the hot path nothing.
import type { Connection } from '@rowhouse/contracts'
import type { Organization } from 'rowhouse'
import type { Health } from '../connections/store.ts'
import type { MappedObject } from '../mapping/mapping.ts'

interface HealthRow {
  readonly lag_ms: number
  readonly dead_letters: number
  readonly conflicts: number
  readonly links: Readonly<Record<string, number>>
  readonly backfill: Readonly<Record<string, { readonly records: number; readonly done: boolean }>>
}

const MEASURE = `
select
  coalesce((
    select greatest(0, extract(epoch from clock_timestamp() - min(m.since)) * 1000)::int
    from rowhouse_home.sync_marks m
    where m.connection_id = $1 and m.due_at <= (select clock_timestamp())
  ), 0) as lag_ms,
  (select count(*)::int from rowhouse_home.sync_dead_letters l where l.connection_id = $1) as dead_letters,
  (select count(*)::int from rowhouse_home.sync_conflicts c where c.connection_id = $1) as conflicts,
  coalesce((
    select jsonb_object_agg(g.object, g.n) from (
      select l.object, count(*) as n from rowhouse_home.sync_links l
      where l.connection_id = $1 and l.state = 'linked' group by l.object
    ) g
  ), '{}') as links,
  coalesce((
    select jsonb_object_agg(c.object, jsonb_build_object('records', c.records, 'done', c.done))
    from rowhouse_home.sync_cursors c where c.connection_id = $1 and c.kind = 'backfill'
  ), '{}') as backfill`

/** `lagMs` is that of what could be sent or fetched now; what waits for a parent or a retry is said elsewhere. */
export async function measureHealth(
  organization: Organization,
  connectionId: string,
  objects: readonly MappedObject[],
): Promise<Health> {
  const { rows } = await organization.query<HealthRow>(MEASURE, [connectionId])
  const [row] = rows
  if (row === undefined) return {}
  const progress = objects.map(({ object, table }): Connection['objects'][number] => ({
    object,
    table,
    records: row.links[object] ?? 0,
    backfilled: row.backfill[object]?.records ?? 0,
    expected: null,
    backfillDone: row.backfill[object]?.done ?? false,
  }))
  return {
    lagMs: row.lag_ms,
    deadLetters: row.dead_letters,
    conflicts: row.conflicts,
    records: progress.reduce((sum, { records }) => sum + records, 0),
    objects: progress,
  }
}
