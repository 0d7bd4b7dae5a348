// Verifies a chain of seals against the lines it covers. It changes nothing and trusts nothing that the database computes:
// digests and MACs are made here.
import type { ClientBase } from 'pg'

import { digestAt, digestOf, macOf, macOfPrune } from './chain.ts'
import type { LineValues, PruneMark } from './chain.ts'
import { RETENTION_DAYS_MIN } from './prune.ts'
import { SEAL_LINES_MAX, coveredLines, sealColumns } from './seal.ts'
import type { StoredSeal } from './seal.ts'

export type ProblemKind =
  | 'line_changed'
  | 'line_missing'
  | 'line_added'
  | 'seal_forged'
  | 'seal_missing'
  | 'seal_out_of_order'
  | 'head_missing'
  | 'prune_forged'

export interface ChainProblem {
  readonly kind: ProblemKind
  readonly seal: number
  /** The line's seq, where a line is meant. */
  readonly seq: string | null
}

export interface ChainReport {
  readonly organizationId: string
  readonly seals: number
  /** Lines that seals cover, without those that retention has removed. */
  readonly lines: number
  /** Lines that retention has removed, by signed marks. */
  readonly pruned: number
  /** When the last seal was made whose lines are gone by retention, ISO 8601: what came after it is all there. Null: all is. */
  readonly prunedUntil: string | null
  /** Lines that no seal covers yet. */
  readonly unsealed: number
  /** `number:mac`, to be kept elsewhere; null without a seal. */
  readonly head: string | null
  readonly problems: readonly ChainProblem[]
}

/** Problems named at most, of one organization. */
const PROBLEMS_MAX = 1000
const SEALS_A_PAGE = 50

/** @param expectedHead `number:mac` of an earlier report: the chain must still hold that seal */
export async function verifyOrganization(
  client: ClientBase,
  organizationId: string,
  key: Buffer,
  expectedHead?: string,
): Promise<ChainReport> {
  await client.query('begin isolation level repeatable read, read only')
  try {
    await client.query('set local row_security = off')
    return await verify(client, organizationId, key, expectedHead)
  } finally {
    await client.query('rollback')
  }
}

async function verify(
  client: ClientBase,
  organizationId: string,
  key: Buffer,
  expectedHead: string | undefined,
): Promise<ChainReport> {
  const problems: ChainProblem[] = []
  const found = (kind: ProblemKind, seal: number, seq: string | null = null): void => {
    if (problems.length < PROBLEMS_MAX) problems.push({ kind, seal, seq })
  }
  let last: StoredSeal | undefined
  let lines = 0
  let seals = 0
  let pruned = 0
  let prunedUntil: string | null = null
  const marks = await readMarks(client, organizationId, key, (seal) => found('prune_forged', seal))
  const prunedThrough = marks.at(-1)?.throughSeal ?? 0
  let hasHead = expectedHead === undefined
  for (;;) {
    const { rows: page } = await client.query<StoredSeal>(
      `select ${sealColumns} from rowhouse.audit_seals
       where organization_id = $1 and number > $2 order by number limit ${SEALS_A_PAGE}`,
      [organizationId, last?.number ?? 0],
    )
    for (const seal of page) {
      for (let number = (last?.number ?? 0) + 1; number < seal.number; number += 1) found('seal_missing', number)
      if (!macOf(seal, key).equals(seal.mac)) found('seal_forged', seal.number)
      if (!follows(seal, last)) found('seal_out_of_order', seal.number)
      let gone = 0
      for (const [kind, seq] of await compareLines(client, seal)) {
        if (kind === 'line_missing' && seal.number <= prunedThrough) gone += 1
        else found(kind, seal.number, seq)
      }
      for (const mark of marks)
        if (mark.throughSeal === seal.number && !fits(mark, seal)) found('prune_forged', seal.number)
      if (seal.number <= prunedThrough) prunedUntil = new Date(Number(seal.at) / 1000).toISOString()
      pruned += gone
      if (`${seal.number}:${seal.mac.toString('hex')}` === expectedHead) hasHead = true
      lines += seal.seqs.length - gone
      seals += 1
      last = seal
    }
    if (page.length < SEALS_A_PAGE) break
  }
  if (prunedThrough > (last?.number ?? 0)) found('seal_missing', prunedThrough)
  if (!hasHead) found('head_missing', Number(expectedHead?.split(':')[0] ?? 0))
  const { rows } = await client.query<{ count: number }>(
    `select count(*)::int as count from rowhouse.change_log l
     where l.organization_id = $1 and ($2::pg_snapshot is null or not pg_visible_in_snapshot(l.xid, $2)
       or ($3::bigint is not null and l.seq > $3 and ($4::pg_snapshot is null or not pg_visible_in_snapshot(l.xid, $4))))`,
    [organizationId, last?.until ?? null, last?.throughSeq ?? null, last?.since ?? null],
  )
  return {
    organizationId,
    seals,
    lines,
    pruned,
    prunedUntil,
    unsealed: rows[0]?.count ?? 0,
    head: last === undefined ? null : `${last.number}:${last.mac.toString('hex')}`,
    problems,
  }
}

/** The marks that retention signed, oldest first; a forged one excuses nothing. */
async function readMarks(
  client: ClientBase,
  organizationId: string,
  key: Buffer,
  onForged: (throughSeal: number) => void,
): Promise<PruneMark[]> {
  const { rows } = await client.query<PruneMark & { readonly mac: Buffer }>(
    `select organization_id as "organizationId", number::int, (extract(epoch from at) * 1000000)::bigint::text as at, days,
       (extract(epoch from cutoff) * 1000000)::bigint::text as cutoff, through_seal::int as "throughSeal",
       seal_mac as "sealMac", mac
     from rowhouse.audit_prunes where organization_id = $1 order by number`,
    [organizationId],
  )
  return rows.filter((mark) => {
    const isSigned = macOfPrune(mark, key).equals(mark.mac)
    if (!isSigned) onForged(mark.throughSeal)
    return isSigned
  })
}

/** Whether a mark is of this seal, and took nothing that its retention keeps. */
function fits(mark: PruneMark, seal: StoredSeal): boolean {
  const days = BigInt(Math.max(mark.days, RETENTION_DAYS_MIN))
  return (
    mark.sealMac.equals(seal.mac) &&
    BigInt(seal.at) < BigInt(mark.cutoff) &&
    BigInt(mark.cutoff) <= BigInt(mark.at) - days * 86_400_000_000n
  )
}

/** Whether a seal begins exactly where the one before it ended. */
function follows(seal: StoredSeal, last: StoredSeal | undefined): boolean {
  if (last === undefined) return seal.number > 1 || (seal.since === null && seal.afterSeq === '0')
  if (seal.number !== last.number + 1) return true
  const goesOn = last.throughSeq !== null
  return (
    seal.previous?.equals(last.mac) === true &&
    seal.since === (goesOn ? last.since : last.until) &&
    seal.afterSeq === (goesOn ? last.throughSeq : '0')
  )
}

async function compareLines(client: ClientBase, seal: StoredSeal): Promise<[ProblemKind, string][]> {
  // Twice what was sealed: enough to name what was added, and bounded.
  const { rows } = await client.query<LineValues & unknown[]>({
    text: coveredLines,
    values: [seal.organizationId, seal.since, seal.until, seal.afterSeq, seal.throughSeq, SEAL_LINES_MAX * 2],
    rowMode: 'array',
  })
  const expected = new Map(seal.seqs.map((seq, index) => [seq, digestAt(seal.digests, index)]))
  const problems: [ProblemKind, string][] = []
  for (const line of rows) {
    const seq = line[0] as string
    const digest = expected.get(seq)
    expected.delete(seq)
    if (digest === undefined) problems.push(['line_added', seq])
    else if (!digest.equals(digestOf(line))) problems.push(['line_changed', seq])
  }
  for (const seq of expected.keys()) problems.push(['line_missing', seq])
  return problems
}
