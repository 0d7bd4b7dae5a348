// What is due: the one queue of each direction. A mark is a reason to look at a record again, never data.
import type { Transaction } from 'rowhouse'

export type Direction = 'outbound' | 'inbound'

export interface Mark {
  readonly object: string
  readonly recordId: string
  readonly generation: string
  readonly deleted: boolean
  readonly throughSeq: string
  /** Epoch milliseconds: when the change was made here or told by a webhook, else when the mark was. */
  readonly sinceMs: number
  /** Whether somebody told of a change: the change log, a webhook. */
  readonly told: boolean
  readonly attempts: number
}

export interface NewMark {
  readonly object: string
  readonly recordId: string
  readonly deleted?: boolean
  /** 'object:id' of the parent whose link it waits for. */
  readonly waitsFor?: string
  readonly delayMs?: number
  /** A webhook tells of a change, now. */
  readonly told?: boolean
}

/**
 * Marks records due; a record that is due already is due once, with a later generation. One that waits for a
 * parent is looked at again after a minute in any case: the parent may have been linked in that moment.
 */
export async function addMarks(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  direction: Direction,
  marks: readonly NewMark[],
): Promise<void> {
  if (marks.length === 0) return
  const unique = new Map(marks.map((mark) => [`${mark.object}:${mark.recordId}`, mark]))
  await tx.query(
    `insert into rowhouse_home.sync_marks (
       connection_id, direction, object, record_id, deleted, waits_for, changed_at, due_at
     )
     select $2, $3, p.object, p."recordId", coalesce(p.deleted, false), p."waitsFor",
       case when p.told then clock_timestamp() end,
       case
         when p."waitsFor" is not null then clock_timestamp() + interval '60 seconds'
         when p."delayMs" is not null then clock_timestamp() + p."delayMs" * interval '1 millisecond'
         else '-infinity'::timestamptz
       end
     from jsonb_to_recordset($1::jsonb) as p(
       object text, "recordId" text, deleted boolean, "waitsFor" text, told boolean, "delayMs" int
     )
     on conflict (organization_id, connection_id, direction, object, record_id) do update
     set generation = sync_marks.generation + 1, deleted = sync_marks.deleted or excluded.deleted,
       changed_at = coalesce(sync_marks.changed_at, excluded.changed_at),
       due_at = least(sync_marks.due_at, excluded.due_at),
       waits_for = case when sync_marks.waits_for is null then null else excluded.waits_for end`,
    [JSON.stringify([...unique.values()]), connectionId, direction],
  )
}

interface MarkRow {
  readonly object: string
  readonly record_id: string
  readonly generation: string
  readonly deleted: boolean
  readonly through_seq: string
  readonly since_ms: string
  readonly told: boolean
  readonly attempts: number
}

/** The oldest due marks, at most `limit`. Objects come in the given order, so parents go first. */
export async function readMarks(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  direction: Direction,
  objects: readonly string[],
  limit: number,
): Promise<Mark[]> {
  const { rows } = await tx.query<MarkRow>(
    `select m.object, m.record_id, m.generation::text, m.deleted, m.through_seq::text, m.attempts,
       m.changed_at is not null as told,
       (extract(epoch from coalesce(m.changed_at, m.since)) * 1000)::bigint::text as since_ms
     from unnest($3::text[]) with ordinality as o(object, place)
     cross join lateral (
       -- Each as one stretch of an index, so that the first of a million cost what the first of ten cost.
       (select n.* from rowhouse_home.sync_marks n
        where n.connection_id = $1 and n.direction = $2 and n.object = o.object and n.due_at = '-infinity'
        order by n.since, n.record_id limit $4)
       union all
       (select n.* from rowhouse_home.sync_marks n
        where n.connection_id = $1 and n.direction = $2 and n.object = o.object
          and n.due_at > '-infinity' and n.due_at <= (select clock_timestamp())
        order by n.due_at limit $4)
     ) m
     order by o.place, m.since, m.record_id
     limit $4`,
    [connectionId, direction, objects, limit],
  )
  return rows.map((row) => ({
    object: row.object,
    recordId: row.record_id,
    generation: row.generation,
    deleted: row.deleted,
    throughSeq: row.through_seq,
    sinceMs: Number(row.since_ms),
    told: row.told,
    attempts: row.attempts,
  }))
}

const keysOf = (marks: readonly Mark[]): string =>
  JSON.stringify(marks.map(({ object, recordId, generation }) => ({ object, recordId, generation })))

/** Removes marks, except where a new reason came in between. */
export async function clearMarks(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  direction: Direction,
  marks: readonly Mark[],
): Promise<void> {
  if (marks.length === 0) return
  await tx.query(
    `delete from rowhouse_home.sync_marks m
     using jsonb_to_recordset($1::jsonb) as p(object text, "recordId" text, generation bigint)
     where m.connection_id = $2 and m.direction = $3 and m.object = p.object and m.record_id = p."recordId"
       and m.generation = p.generation`,
    [keysOf(marks), connectionId, direction],
  )
}

/** Not now: later by `delayMs`, or, with `waitsFor`, when that parent is linked. */
export async function postponeMarks(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  direction: Direction,
  marks: readonly (Mark & { readonly delayMs: number })[],
): Promise<void> {
  if (marks.length === 0) return
  await tx.query(
    `update rowhouse_home.sync_marks m
     set due_at = clock_timestamp() + p."delayMs" * interval '1 millisecond', attempts = m.attempts + 1
     from jsonb_to_recordset($1::jsonb) as p(object text, "recordId" text, "delayMs" int)
     where m.connection_id = $2 and m.direction = $3 and m.object = p.object and m.record_id = p."recordId"`,
    [JSON.stringify(marks), connectionId, direction],
  )
}

/** Wakes the records that waited for these parents. */
export async function releaseMarks(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  parents: readonly string[],
): Promise<void> {
  if (parents.length === 0) return
  await tx.query(
    `update rowhouse_home.sync_marks m
     set due_at = '-infinity', waits_for = null, generation = m.generation + 1
     where m.connection_id = $1 and m.waits_for = any ($2)`,
    [connectionId, parents],
  )
}

/** Milliseconds until the next mark or parked record is due; null when none is. Capped at a day. */
export async function nextDueMs(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  direction: Direction,
): Promise<number | null> {
  const { rows } = await tx.query<{ ms: number | null }>(
    `select least(greatest(
       ceil(extract(epoch from min(next.at) - clock_timestamp()) * 1000), 0), 86400000)::int as ms
     from (
       (select case when m.due_at = '-infinity' then clock_timestamp() else m.due_at end as at
        from rowhouse_home.sync_marks m
        where m.connection_id = $1 and m.direction = $2 order by m.due_at limit 1)
       union all
       -- Looked for once a second at most.
       select greatest(min(l.retry_at), clock_timestamp() + interval '1 second')
       from rowhouse_home.sync_dead_letters l
       where l.connection_id = $1 and l.direction = $2 and l.retry_at is not null
       having min(l.retry_at) is not null
     ) next
     having min(next.at) is not null`,
    [connectionId, direction],
  )
  return rows[0]?.ms ?? null
}

/** When these rows were last changed here, epoch milliseconds, of those whose change is not sent yet. */
export async function readChangedAt(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  object: string,
  recordIds: readonly string[],
): Promise<Map<string, number>> {
  if (recordIds.length === 0) return new Map()
  const { rows } = await tx.query<{ record_id: string; ms: string }>(
    `select m.record_id, (extract(epoch from m.changed_at) * 1000)::bigint::text as ms
     from rowhouse_home.sync_marks m
     where m.connection_id = $1 and m.direction = 'outbound' and m.object = $2 and m.record_id = any ($3)
       and m.changed_at is not null`,
    [connectionId, object, recordIds],
  )
  return new Map(rows.map((row) => [row.record_id, Number(row.ms)]))
}
