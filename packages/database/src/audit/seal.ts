// Makes seals: covers what an organization's change log holds and no seal covers yet. The caller's login sees every
// organization (rowhouse_migrator); a lock keeps two callers from making the same seal.
import type { ClientBase } from 'pg'

import { deriveSealKey, digestOf, lineColumns, macOf } from './chain.ts'
import type { LineValues, Seal } from './chain.ts'

/** Lines a seal covers at most, so that one is made and verified in bounded memory. */
export const SEAL_LINES_MAX = 5000

/** The lines that a seal covers; $1 to $6: organization, since, until, after, through, limit. */
export const coveredLines = `
  select ${lineColumns}
  from rowhouse.change_log l
  where l.organization_id = $1
    and pg_visible_in_snapshot(l.xid, $3::pg_snapshot)
    and ($2::pg_snapshot is null or not pg_visible_in_snapshot(l.xid, $2::pg_snapshot))
    and ($2::pg_snapshot is null or l.xid >= pg_snapshot_xmin($2::pg_snapshot))
    and l.seq > $4::bigint and ($5::bigint is null or l.seq <= $5::bigint)
  order by l.seq, l.at
  limit $6`

export const sealColumns = `
  organization_id as "organizationId", number::int, (extract(epoch from at) * 1000000)::bigint::text as at,
  since::text, until::text, after_seq::text as "afterSeq", through_seq::text as "throughSeq",
  seqs::text[] as seqs, digests, previous, mac`

export interface StoredSeal extends Seal {
  readonly mac: Buffer
}

/** The id that the seals' key is salted with. */
export async function sealKeyOf(client: ClientBase, masterKey: string): Promise<Buffer> {
  const { rows } = await client.query<{ id: string }>('select database_id as id from rowhouse.handshake()')
  return deriveSealKey(masterKey, (rows[0] as { id: string }).id)
}

/**
 * Seals what is new in an organization's log. Returns how many seals it made: none when nothing is new.
 *
 * @param client not in a transaction
 */
export async function sealOrganization(client: ClientBase, organizationId: string, key: Buffer): Promise<number> {
  for (let made = 0; ; made += 1) {
    const lines = await sealOnce(client, organizationId, key)
    if (lines === 0) return made
    if (lines < SEAL_LINES_MAX) return made + 1
  }
}

async function sealOnce(client: ClientBase, organizationId: string, key: Buffer): Promise<number> {
  await client.query('begin')
  try {
    await client.query('set local row_security = off')
    await client.query("select pg_advisory_xact_lock(hashtextextended('rowhouse audit ' || $1, 0))", [organizationId])
    const { rows: seals } = await client.query<StoredSeal>(
      `select ${sealColumns} from rowhouse.audit_seals where organization_id = $1 order by number desc limit 1`,
      [organizationId],
    )
    const last = seals[0]
    // A seal that was full goes on with the same snapshots, behind its last line.
    const isOpen = last !== undefined && last.throughSeq !== null
    const { rows: moments } = await client.query<{ now: string; at: string }>(
      `select pg_current_snapshot()::text as now, (extract(epoch from clock_timestamp()) * 1000000)::bigint::text as at`,
    )
    const { now, at } = moments[0] as { now: string; at: string }
    const since = last === undefined ? null : isOpen ? last.since : last.until
    const until = isOpen ? last.until : now
    const afterSeq = isOpen ? last.throughSeq : '0'
    const { rows: lines } = await client.query<LineValues & unknown[]>({
      text: coveredLines,
      values: [organizationId, since, until, afterSeq, null, SEAL_LINES_MAX],
      rowMode: 'array',
    })
    // An open seal is closed even by none, so that the next begins at a new snapshot.
    if (lines.length > 0 || isOpen) {
      const seal: Seal = {
        organizationId,
        number: (last?.number ?? 0) + 1,
        at,
        since,
        until,
        afterSeq,
        throughSeq: lines.length === SEAL_LINES_MAX ? (lines.at(-1)?.[0] as string) : null,
        seqs: lines.map((line) => line[0] as string),
        digests: Buffer.concat(lines.map(digestOf)),
        previous: last?.mac ?? null,
      }
      await client.query(
        `insert into rowhouse.audit_seals (
           organization_id, number, at, since, until, after_seq, through_seq, seqs, digests, previous, mac
         ) values ($1, $2, to_timestamp(0) + $3::bigint * interval '1 microsecond', $4, $5, $6, $7, $8, $9, $10, $11)`,
        [
          organizationId,
          seal.number,
          at,
          since,
          until,
          afterSeq,
          seal.throughSeq,
          seal.seqs,
          seal.digests,
          seal.previous,
          macOf(seal, key),
        ],
      )
    }
    await client.query('commit')
    return isOpen && lines.length === 0 ? SEAL_LINES_MAX : lines.length
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
