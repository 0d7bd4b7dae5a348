// Verifies a chain of seals against the lines it covers. It changes nothing and trusts nothing that the database computes:
// digests and MACs are made here.
import type { ClientBase } from 'pg'

import { digestAt, digestOf, macOf } from './chain.ts'
import type { LineValues } from './chain.ts'
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

export interface ChainProblem {
  readonly kind: ProblemKind
  readonly seal: number
  /** The line's seq, where a line is meant. */
  readonly seq: string | null
}

export interface ChainReport {
  readonly organizationId: string
  readonly seals: number
  readonly lines: number
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
      for (const [kind, seq] of await compareLines(client, seal)) found(kind, seal.number, seq)
      if (`${seal.number}:${seal.mac.toString('hex')}` === expectedHead) hasHead = true
      lines += seal.seqs.length
      seals += 1
      last = seal
    }
    if (page.length < SEALS_A_PAGE) break
  }
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
    unsealed: rows[0]?.count ?? 0,
    head: last === undefined ? null : `${last.number}:${last.mac.toString('hex')}`,
    problems,
  }
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
