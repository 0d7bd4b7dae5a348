// Retention: removes the lines of the oldest seals and leaves a mark that says so, signed with the seals' key. What may go,
// 0412_retention.sql decides. The signer trusts it in nothing that it can check: the seals' MACs, that they are old enough by
// its own clock, and that the lines are still what was sealed, because nobody could tell afterwards.
import { RowhouseError } from '@rowhouse/contracts'
import type { ClientBase } from 'pg'

import { macOfDigest, macOfPrune } from './chain.ts'
import type { PruneMark, SealDigest } from './chain.ts'

/** How far this clock and the database's may be apart. */
const CLOCKS_APART_MS = 3_600_000
const DAY_MS = 86_400_000
export const RETENTION_DAYS_MIN = 30

interface ExpiredSeal extends SealDigest {
  readonly coveredNow: string
  readonly mac: Buffer
  readonly pruneNumber: number
  readonly pruneAt: string
  readonly days: number
  readonly cutoff: string
}

/**
 * Removes what an organization's retention does not keep, in transactions of bounded size. Returns how many lines went.
 *
 * @param client as rowhouse_control or rowhouse_migrator; not in a transaction
 * @param now epoch milliseconds
 * @throws RowhouseError prune_refused when a seal or its lines are not as they were sealed, and for a clock that is ahead
 */
export async function pruneOrganization(
  client: ClientBase,
  organizationId: string,
  key: Buffer,
  now: () => number = Date.now,
): Promise<number> {
  for (let total = 0; ;) {
    const pruned = await pruneOnce(client, organizationId, key, now())
    if (pruned === null) return total
    total += pruned
  }
}

/** @returns null when nothing has expired */
async function pruneOnce(client: ClientBase, organizationId: string, key: Buffer, now: number): Promise<number | null> {
  await client.query('begin')
  try {
    const { rows: seals } = await client.query<ExpiredSeal>(
      `select $1::text as "organizationId", number::int, (extract(epoch from at) * 1000000)::bigint::text as at,
         since::text, until::text, after_seq::text as "afterSeq", through_seq::text as "throughSeq", lines, covered,
         covered_now as "coveredNow", previous, mac, prune_number::int as "pruneNumber", days,
         (extract(epoch from prune_at) * 1000000)::bigint::text as "pruneAt",
         (extract(epoch from cutoff) * 1000000)::bigint::text as cutoff
       from rowhouse.expired_seals($1)`,
      [organizationId],
    )
    for (const seal of seals) check(seal, key, now)
    const last = seals.at(-1)
    let pruned: number | null = null
    if (last !== undefined) {
      const mark: PruneMark = {
        organizationId,
        number: last.pruneNumber,
        at: last.pruneAt,
        days: last.days,
        cutoff: last.cutoff,
        throughSeal: last.number,
        sealMac: last.mac,
      }
      const { rows } = await client.query<{ pruned: number }>(
        `select rowhouse.prune_change_log($1, $2, to_timestamp(0) + $3::bigint * interval '1 microsecond', $4,
           to_timestamp(0) + $5::bigint * interval '1 microsecond', $6, $7, $8)::int as pruned`,
        [
          organizationId,
          mark.number,
          mark.at,
          mark.days,
          mark.cutoff,
          mark.throughSeal,
          mark.sealMac,
          macOfPrune(mark, key),
        ],
      )
      pruned = rows[0]?.pruned ?? 0
    }
    await client.query('commit')
    return pruned
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

function check(seal: ExpiredSeal, key: Buffer, now: number): void {
  const refuse = (problem: string): never => {
    throw new RowhouseError(
      'prune_refused',
      `Lines of organization ${seal.organizationId} are not pruned: seal ${seal.number} ${problem}.`,
      { hint: 'rowhouse audit verify names what was changed.' },
    )
  }
  if (!macOfDigest(seal, key).equals(seal.mac)) refuse('is forged')
  if (seal.covered !== seal.coveredNow) refuse('does not fit its lines')
  // A database whose clock or setting was turned could otherwise have yesterday's lines signed away.
  const youngest = now + CLOCKS_APART_MS - Math.max(seal.days, RETENTION_DAYS_MIN) * DAY_MS
  if (Number(seal.at) / 1000 > youngest) refuse('is younger than the retention by this clock')
}
