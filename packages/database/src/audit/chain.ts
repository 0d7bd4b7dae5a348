// The chain of seals over an organization's change log: what is hashed, and with which key. It reads and writes nothing.
import { createHash, createHmac, hkdfSync } from 'node:crypto'

import { checkMasterKey } from '../keys.ts'

const DIGEST_BYTES = 32

/** A line's columns as text, in the order of lineColumns; null is null. */
export type LineValues = readonly (string | null)[]

/** Every column of the change log but is_first, each as the text that is hashed. A moment is microseconds since 1970. */
export const lineColumns = `
  l.seq::text, l.organization_id::text, l.xid::text, (extract(epoch from l.at) * 1000000)::bigint::text,
  l.table_schema, l.table_name, l.record_id, l.record_hash::text, l.action,
  l.old::text, l.new::text, l.old_exact::text, l.new_exact::text,
  l.actor_kind, l.actor_id, l.origin, l.reason, l.request_id, l.ip`

export interface Seal {
  readonly organizationId: string
  readonly number: number
  /** Microseconds since 1970. */
  readonly at: string
  /** Which lines: see audit_seals in 0410_audit_chain.sql. */
  readonly since: string | null
  readonly until: string
  readonly afterSeq: string
  readonly throughSeq: string | null
  readonly seqs: readonly string[]
  /** One SHA-256 a line, one after the other. */
  readonly digests: Buffer
  readonly previous: Buffer | null
}

/**
 * The key of a database's seals: HKDF-SHA256 of the master key (RFC 5869). The database holds no key that leads to it.
 *
 * @throws RowhouseError signing_key_missing, signing_key_too_short
 */
export function deriveSealKey(masterKey: string, databaseId: string): Buffer {
  return Buffer.from(hkdfSync('sha256', checkMasterKey(masterKey), databaseId, 'rowhouse audit seal v1', DIGEST_BYTES))
}

/** JSON of an array has one reading only: no value can be taken for two, and null is not an empty text. */
export function digestOf(values: LineValues): Buffer {
  return createHash('sha256').update(JSON.stringify(values)).digest()
}

/** The digest of what a seal covers, as the database makes it too: seal_digest() in 0411_make_seals.sql. */
export function coveredBy(seal: Pick<Seal, 'seqs' | 'digests'>): string {
  return createHash('sha256').update(seal.seqs.join(',')).update('\n').update(seal.digests).digest('hex')
}

export function macOf(seal: Seal, key: Buffer): Buffer {
  return macOfDigest({ ...seal, lines: seal.seqs.length, covered: coveredBy(seal) }, key)
}

/** What a seal's MAC is over: the lines by their digest alone, for whoever may not see which they are. */
export type SealDigest = Omit<Seal, 'seqs' | 'digests'> & { readonly lines: number; readonly covered: string }

export function macOfDigest(seal: SealDigest, key: Buffer): Buffer {
  const signed = [
    seal.organizationId,
    seal.number,
    seal.at,
    seal.since,
    seal.until,
    seal.afterSeq,
    seal.throughSeq,
    seal.lines,
    seal.covered,
    seal.previous?.toString('hex') ?? null,
  ]
  return createHmac('sha256', key).update(JSON.stringify(signed)).digest()
}

/** Says that the lines of all seals up to one are gone by retention: see audit_prunes in 0412_retention.sql. */
export interface PruneMark {
  readonly organizationId: string
  readonly number: number
  /** Microseconds since 1970. */
  readonly at: string
  readonly days: number
  /** Microseconds since 1970; every seal that was taken is older. */
  readonly cutoff: string
  readonly throughSeal: number
  readonly sealMac: Buffer
}

/** The first word keeps it apart from a seal's: one key, two kinds of statement. */
export function macOfPrune(mark: PruneMark, key: Buffer): Buffer {
  const signed = [
    'prune',
    mark.organizationId,
    mark.number,
    mark.at,
    mark.days,
    mark.cutoff,
    mark.throughSeal,
    mark.sealMac.toString('hex'),
  ]
  return createHmac('sha256', key).update(JSON.stringify(signed)).digest()
}

export function digestAt(digests: Buffer, index: number): Buffer {
  return digests.subarray(index * DIGEST_BYTES, (index + 1) * DIGEST_BYTES)
}
