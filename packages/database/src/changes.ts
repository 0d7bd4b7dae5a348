// Reads an organization's change log from snapshot to snapshot. The caller has entered the organization; this module
// holds no cursor: the position it returns is stored by the reader, together with what the reader did.
import { readAllChanges, readChanges as readFreshChanges } from './generated/queries.ts'

/** Where a reader stands. Belongs to one cluster: after a move or a restore start anew. JSON-safe. */
export interface ChangePosition {
  /** The last snapshot that is read to its end; null: nothing yet. */
  readonly since: string | null
  /** The snapshot being read up to, when a batch ended before its end. */
  readonly until: string | null
  /** The last seq read on the way to `until`. */
  readonly afterSeq: string
}

export interface Change {
  /** bigint as text. */
  readonly seq: string
  readonly xid: string
  readonly at: Date
  readonly tableSchema: string
  readonly tableName: string
  readonly recordId: string
  /** `truncate` takes a row as `delete` does; `read` is no write: a report's or an operator's read with its reason. */
  readonly action: 'insert' | 'update' | 'delete' | 'truncate' | 'read'
  readonly old: Record<string, unknown> | null
  readonly new: Record<string, unknown> | null
  readonly actorKind: string
  readonly actorId: string | null
  readonly origin: string
  readonly requestId: string | null
  readonly ip: string | null
}

interface ChangeRow extends Pick<Change, 'seq' | 'xid' | 'at' | 'action' | 'old' | 'new' | 'origin' | 'ip'> {
  readonly table_schema: string
  readonly table_name: string
  readonly record_id: string
  readonly actor_kind: string
  readonly actor_id: string | null
  readonly request_id: string | null
}

export const positionAtStart: ChangePosition = Object.freeze({ since: null, until: null, afterSeq: '0' })

/** What `query` of a pg client, and of an entered handle of the runtime, have in common. */
export interface Queryable {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

const BATCH_MAX = 10_000

/**
 * The next changes of the entered organization, oldest first per record, and the position after them.
 * `changes` is shorter than `limit` exactly when all that was committed before the call is read.
 *
 * @param limit at most 10 000. @default 500
 */
export async function readChanges(
  client: Queryable,
  position: ChangePosition,
  limit = 500,
): Promise<{ changes: Change[]; position: ChangePosition }> {
  const size = Math.min(Math.max(Math.trunc(limit), 1), BATCH_MAX)
  const until = position.until ?? (await currentSnapshot(client))
  const { rows } =
    position.since === null
      ? await client.query(readAllChanges, [until, position.afterSeq, size])
      : await client.query(readFreshChanges, [position.since, until, position.afterSeq, size])
  const changes = (rows as ChangeRow[]).map(changeOf)
  const last = changes.at(-1)
  if (last !== undefined && changes.length === size) {
    return { changes, position: { since: position.since, until, afterSeq: last.seq } }
  }
  return { changes, position: { since: until, until: null, afterSeq: '0' } }
}

/** The position of somebody who wants only what comes from now on. */
export async function positionNow(client: Queryable): Promise<ChangePosition> {
  return { since: await currentSnapshot(client), until: null, afterSeq: '0' }
}

async function currentSnapshot(client: Queryable): Promise<string> {
  const { rows } = await client.query('select pg_catalog.pg_current_snapshot()::text as snapshot')
  return (rows[0] as { snapshot: string }).snapshot
}

function changeOf({
  table_schema,
  table_name,
  record_id,
  actor_kind,
  actor_id,
  request_id,
  ...same
}: ChangeRow): Change {
  return {
    ...same,
    tableSchema: table_schema,
    tableName: table_name,
    recordId: record_id,
    actorKind: actor_kind,
    actorId: actor_id,
    requestId: request_id,
  }
}

/** Polled by a worker as rowhouse_control: who has changes since the snapshot, and the snapshot to ask with next. */
export async function changedOrganizations(
  client: Queryable,
  since: string | null,
): Promise<{ snapshot: string; organizationIds: string[] }> {
  const { rows } = await client.query(
    'select snapshot::text, organization_ids from rowhouse.changed_organizations($1::pg_catalog.pg_snapshot)',
    [since],
  )
  const { snapshot, organization_ids } = rows[0] as { snapshot: string; organization_ids: string[] }
  return { snapshot, organizationIds: organization_ids }
}
