// Warm homes: as many as each cluster is told to keep, made one after the other by whichever worker comes first, so that a new
// organization only has to move in. Rollouts keep them at the newest migration; who is behind is filled up here.
import type { FleetContext } from './context.ts'
import { createHome } from './create-home.ts'
import { dropHome } from './drop-home.ts'

/** Homes that one pass makes or drops; the next pass goes on. */
const CHANGES_MAX = 20
/** One worker fills at a time, or two would make what one is missing. */
const FILL_LOCK = "select pg_catalog.pg_try_advisory_lock(rowhouse.turn_key('fills spares')) as locked"

interface Shortage {
  readonly cluster: string
  readonly isolation: 'schema' | 'database'
  readonly missing: number
}

export interface SparesPass {
  readonly made: number
  readonly dropped: number
}

/**
 * Makes the spares that are missing, and drops those that are too many. What cannot be made is observed, stays in
 * rowhouse.homes with its error, and does not keep other clusters from theirs.
 */
export async function keepSpares(fleet: FleetContext): Promise<SparesPass> {
  const client = await fleet.catalogue.connect()
  const ignore = (): void => {}
  client.on('error', ignore)
  try {
    const { rows } = await client.query<{ locked: boolean }>(FILL_LOCK)
    if (rows[0]?.locked !== true) return { made: 0, dropped: 0 }
    return await fill(fleet)
  } finally {
    client.off('error', ignore)
    // The lock goes with the session.
    client.release(true)
  }
}

async function fill(fleet: FleetContext): Promise<SparesPass> {
  const pass = { made: 0, dropped: 0 }
  const failed = new Set<string>()
  for (const { cluster, isolation, missing } of await shortages(fleet)) {
    for (let count = 0; count < missing && pass.made < CHANGES_MAX; count += 1) {
      // What fails once is not tried again in this pass: a server that is away, a disk that is full.
      if (failed.has(cluster)) break
      try {
        await createHome(fleet, { cluster, isolation })
        pass.made += 1
      } catch {
        failed.add(cluster)
      }
    }
  }
  for (const id of await surplus(fleet)) {
    await dropHome(fleet, id).then(
      () => (pass.dropped += 1),
      () => undefined,
    )
  }
  return pass
}

/** Homes under way count: another run makes them. So do no more than the capacity leaves. */
async function shortages(fleet: FleetContext): Promise<Shortage[]> {
  const { rows } = await fleet.catalogue.query<Shortage>(
    `select c.id as cluster, w.isolation,
       least(
         w.wanted - (
           select count(*) from rowhouse.homes h join rowhouse.clusters at on at.id = h.cluster
           where c.id in (at.id, at.parent) and h.isolation = w.isolation and h.organization_id is null
             and h.state in ('building', 'spare')),
         coalesce(w.most, 1000000) - (
           select count(*) from rowhouse.homes h join rowhouse.clusters at on at.id = h.cluster
           where c.id in (at.id, at.parent) and h.isolation = w.isolation)
       )::int as missing
     from rowhouse.clusters c
     cross join lateral (values
       ('schema', c.spare_schemas, c.schemas_max), ('database', c.spare_databases, c.databases_max)
     ) w (isolation, wanted, most)
     where c.status = 'active' and c.parent is null and w.isolation = any (c.models) and w.wanted > 0
     order by c.id, w.isolation`,
  )
  return rows.filter(({ missing }) => missing > 0)
}

/** Spares beyond what is wanted, the oldest first; also on a cluster that is draining. */
async function surplus(fleet: FleetContext): Promise<string[]> {
  const { rows } = await fleet.catalogue.query<{ id: string }>(
    `select s.id from (
       select h.id, h.created_at,
         row_number() over (partition by c.id, h.isolation order by h.version desc nulls last, h.created_at desc) as position,
         case when c.status = 'draining' or not h.isolation = any (c.models) then 0
           when h.isolation = 'schema' then c.spare_schemas else c.spare_databases end as wanted
       from rowhouse.homes h
       join rowhouse.clusters at on at.id = h.cluster
       join rowhouse.clusters c on c.id = coalesce(at.parent, at.id)
       where h.state = 'spare'
     ) s
     where s.position > s.wanted
     order by s.created_at
     limit $1`,
    [CHANGES_MAX],
  )
  return rows.map(({ id }) => id)
}
