// Makes seals: covers what an organization's change log holds and no seal covers yet. The database digests the lines and
// this makes the MAC, so rowhouse_control seals without reading one; a lock keeps two callers from making the same seal.
import type { ClientBase } from 'pg'

import { deriveSealKey, lineColumns, macOfDigest } from './chain.ts'
import type { Seal, SealDigest } from './chain.ts'

/** Lines a seal covers at most, so that one is made and verified in bounded memory. */
export const SEAL_LINES_MAX = 5000

/**
 * The lines that a seal covers; $1 to $6: organization, since, until, after, through, limit. The bounds of xid follow from what
 * is visible, and are what an index answers: without the upper one each seal of a chain reads all lines after it.
 */
export const coveredLines = `
  select ${lineColumns}
  from rowhouse.change_log l
  where l.organization_id = $1
    and pg_visible_in_snapshot(l.xid, $3::pg_snapshot)
    and ($2::pg_snapshot is null or not pg_visible_in_snapshot(l.xid, $2::pg_snapshot))
    and ($2::pg_snapshot is null or l.xid >= pg_snapshot_xmin($2::pg_snapshot))
    and l.xid < pg_snapshot_xmax($3::pg_snapshot)
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
 * @param client as rowhouse_control or rowhouse_migrator; not in a transaction
 */
export async function sealOrganization(client: ClientBase, organizationId: string, key: Buffer): Promise<number> {
  for (let made = 0; ; made += 1) {
    const seal = await sealOnce(client, organizationId, key)
    if (seal === null) return made
    if (seal.throughSeq === null) return made + 1
  }
}

async function sealOnce(client: ClientBase, organizationId: string, key: Buffer): Promise<SealDigest | null> {
  await client.query('begin')
  try {
    const { rows } = await client.query<SealDigest>(
      `select $1::text as "organizationId", number::int, (extract(epoch from at) * 1000000)::bigint::text as at,
         since::text, until::text, after_seq::text as "afterSeq", through_seq::text as "throughSeq", lines, covered, previous
       from rowhouse.prepare_seal($1, $2)`,
      [organizationId, SEAL_LINES_MAX],
    )
    const seal = rows[0] ?? null
    if (seal !== null) {
      await client.query('select rowhouse.finish_seal($1, $2, $3)', [
        organizationId,
        seal.number,
        macOfDigest(seal, key),
      ])
    }
    await client.query('commit')
    return seal
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}
