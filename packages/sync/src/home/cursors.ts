// How far each reading of the CRM has come. A position is stored in the transaction that applied what it covers.
import type { Organization, Transaction } from 'rowhouse'

export type CursorKind = 'poll' | 'backfill' | 'deleted' | 'events'

export interface Cursor {
  readonly position: unknown
  readonly done: boolean
  readonly records: number
}

type Query = Pick<Transaction, 'query'>

export async function readCursors(tx: Query, connectionId: string, kind: CursorKind): Promise<Map<string, Cursor>> {
  const { rows } = await tx.query<{ object: string; position: unknown; done: boolean; records: number }>(
    `select c.object, c.position, c.done, c.records from rowhouse_home.sync_cursors c
     where c.connection_id = $1 and c.kind = $2`,
    [connectionId, kind],
  )
  return new Map(
    rows.map(({ object, position, done, records }) => [object, { position: position ?? null, done, records }]),
  )
}

export async function saveCursor(
  tx: Query,
  connectionId: string,
  kind: CursorKind,
  object: string,
  cursor: Cursor,
): Promise<void> {
  await tx.query(
    `insert into rowhouse_home.sync_cursors (connection_id, kind, object, position, done, records)
     values ($1, $2, $3, $4::jsonb, $5, $6)
     on conflict (organization_id, connection_id, kind, object) do update
     set position = excluded.position, done = excluded.done, records = excluded.records, updated_at = now()`,
    [connectionId, kind, object, JSON.stringify(cursor.position), cursor.done, cursor.records],
  )
}

/**
 * Forgets how far every reading has come, so that all is read anew, and what is due of objects that are mapped no
 * longer. What was captured of the change log stays: its changes are still to be sent.
 */
export async function forgetReading(
  organization: Organization,
  connectionId: string,
  objects: readonly string[],
): Promise<void> {
  await organization.transaction(async (tx) => {
    await tx.query(
      `delete from rowhouse_home.sync_cursors c where c.connection_id = $1 and c.kind in ('poll', 'backfill', 'deleted')`,
      [connectionId],
    )
    await tx.query(`delete from rowhouse_home.sync_marks m where m.connection_id = $1 and m.object <> all ($2)`, [
      connectionId,
      objects,
    ])
  })
}
