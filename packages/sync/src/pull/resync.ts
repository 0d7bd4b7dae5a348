// Reading an object anew, because it is not known what was missed: a stream that could not tell all, a position that is
// no longer valid, a bin that was emptied meanwhile. It is a wish in the home, counted, and a walk that answers it: so
// one that comes while a walk is under way is answered by another walk, and none is lost with a worker.
//
// The walk reads every record there is. What it does not meet may be gone: each link is marked before it begins, a page
// takes away the marks of what it met, and what is left is asked for by id. Absent means deleted, never merely unseen.
import type { Transaction } from 'rowhouse'

type Query = Pick<Transaction, 'query'>

/** Due far from now: it is due by the end of the walk only, or when something else makes it so. */
const UNMET = "timestamptz '9999-01-01'"
const UNMET_WAITS_FOR = 'walk'
const LINKS_AT_ONCE = 10_000

export interface Wish {
  /** How often it was asked for, and how many of them the last walk to begin answers. */
  readonly wanted: number
  readonly begun: number
  /** The positions of polls and deletions are no longer valid either. */
  readonly renew: boolean
}

/** Asks for a walk over these objects; `renew` asks once, until a walk has renewed the positions. */
export async function wantResync(
  tx: Query,
  connectionId: string,
  objects: readonly string[],
  renew = false,
): Promise<void> {
  await tx.query(
    `insert into rowhouse_home.sync_cursors as c (connection_id, kind, object, position)
     select $1, 'resync', o.object, jsonb_build_object('wanted', 1, 'begun', 0, 'renew', $3::boolean)
     from unnest($2::text[]) as o(object)
     on conflict (organization_id, connection_id, kind, object) do update
     set position = jsonb_build_object(
         'wanted', (c.position ->> 'wanted')::int + 1, 'begun', c.position -> 'begun',
         'renew', $3::boolean or (c.position ->> 'renew')::boolean
       ),
       updated_at = now()
     where not $3::boolean or not (c.position ->> 'renew')::boolean`,
    [connectionId, objects, renew],
  )
}

/** The wishes that no walk has answered, by object. */
export async function readWishes(tx: Query, connectionId: string): Promise<Map<string, Wish>> {
  const { rows } = await tx.query<{ object: string; position: Wish }>(
    `select c.object, c.position from rowhouse_home.sync_cursors c
     where c.connection_id = $1 and c.kind = 'resync' and (c.position ->> 'wanted')::int > (c.position ->> 'begun')::int`,
    [connectionId],
  )
  return new Map(rows.map(({ object, position }) => [object, position]))
}

/**
 * Asks for a walk where the last one was longer ago than this. What becomes visible later than the overlap of polls, and is
 * in no event, is found by nothing else.
 */
export async function wantRepair(tx: Query, connectionId: string, everyMs: number): Promise<boolean> {
  const { rows } = await tx.query<{ object: string }>(
    `select c.object from rowhouse_home.sync_cursors c
     where c.connection_id = $1 and c.kind = 'backfill' and c.done
       and c.updated_at < clock_timestamp() - $2 * interval '1 millisecond'`,
    [connectionId, everyMs],
  )
  if (rows.length === 0) return false
  await wantResync(
    tx,
    connectionId,
    rows.map(({ object }) => object),
  )
  return true
}

/** A walk begins that answers this wish, and every one before it. */
export async function beginWish(tx: Query, connectionId: string, object: string, wish: Wish): Promise<void> {
  await tx.query(
    `update rowhouse_home.sync_cursors c
     set position = c.position || jsonb_build_object('begun', $3::int, 'renew', false), updated_at = now()
     where c.connection_id = $1 and c.kind = 'resync' and c.object = $2`,
    [connectionId, object, wish.wanted],
  )
}

/** Marks links as not met yet, from one id on. Returns the id to go on from; null: all are marked. */
export async function markUnmet(
  tx: Query,
  connectionId: string,
  object: string,
  after: string,
): Promise<string | null> {
  const { rows } = await tx.query<{ last: string | null; links: number }>(
    `with batch as materialized (
       select l.id, l.remote_id from rowhouse_home.sync_links l
       where l.connection_id = $1 and l.object = $2 and l.state = 'linked' and l.id > $3::bigint
       order by l.id limit $4
     ),
     marked as (
       insert into rowhouse_home.sync_marks (connection_id, direction, object, record_id, due_at, waits_for)
       select $1, 'inbound', $2, batch.remote_id, ${UNMET}, $5 from batch
       on conflict do nothing
     )
     select max(batch.id)::text as last, count(*)::int as links from batch`,
    [connectionId, object, after, LINKS_AT_ONCE, UNMET_WAITS_FOR],
  )
  const [row] = rows
  return row === undefined || row.links < LINKS_AT_ONCE ? null : row.last
}

/** These were met. A mark that has another reason by now stays. */
export async function takeMet(tx: Query, connectionId: string, object: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await tx.query(
    `delete from rowhouse_home.sync_marks m
     where m.connection_id = $1 and m.direction = 'inbound' and m.object = $2 and m.record_id = any ($3)
       and m.waits_for = $4 and m.due_at = ${UNMET}`,
    [connectionId, object, ids, UNMET_WAITS_FOR],
  )
}

/** The walk is over: what was not met is asked for by its id. */
export async function askForUnmet(tx: Query, connectionId: string, object: string): Promise<void> {
  await tx.query(
    `update rowhouse_home.sync_marks m
     set due_at = '-infinity', waits_for = null, generation = m.generation + 1
     where m.connection_id = $1 and m.direction = 'inbound' and m.object = $2 and m.waits_for = $3`,
    [connectionId, object, UNMET_WAITS_FOR],
  )
}
