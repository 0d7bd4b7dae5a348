// The breaker of deletes: a person is asked before a large part of an object disappears on the other side.
import type { Transaction } from 'rowhouse'

/** Fewer deletes than this never open the breaker. */
export const BREAKER_RECORDS_MIN = 20
/** Share of an object's linked records above which it opens. */
export const BREAKER_SHARE = 0.1

export const breaks = (deletes: number, linked: number): boolean =>
  deletes > BREAKER_RECORDS_MIN && deletes > linked * BREAKER_SHARE

export async function countLinked(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  object: string,
): Promise<number> {
  const { rows } = await tx.query<{ linked: number }>(
    `select count(*)::int as linked from rowhouse_home.sync_links l
     where l.connection_id = $1 and l.object = $2 and l.state = 'linked'`,
    [connectionId, object],
  )
  return rows[0]?.linked ?? 0
}

/** How many of these records are linked now: what deleting them would take away here. */
export async function countAffected(
  tx: Pick<Transaction, 'query'>,
  connectionId: string,
  object: string,
  remoteIds: readonly string[],
): Promise<number> {
  const { rows } = await tx.query<{ affected: number }>(
    `select count(*)::int as affected from rowhouse_home.sync_links l
     where l.connection_id = $1 and l.object = $2 and l.state = 'linked' and l.remote_id = any ($3)`,
    [connectionId, object, remoteIds],
  )
  return rows[0]?.affected ?? 0
}

export const breakerReason = (deletes: number, object: string, side: string): string =>
  `${deletes} of the ${object} records were deleted ${side} at once. Resume to let it through, or restore them first.`
