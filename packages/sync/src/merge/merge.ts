// The one function that everything follows from: what two sides and their last agreement become.
// Pure. It must not know records, links or connectors: only fields, by name, in canonical text.
//
// `base` is the value last seen at the CRM and taken into account. So after a merge base is the
// remote value, and a field has to be sent exactly when local differs from base.
import type { FieldValue, FieldValues } from '@rowhouse/connectors'

/** Who wins a field that both sides changed apart. `manual`: nobody, until a person says. */
export type Policy = 'database' | 'crm' | 'newest' | 'manual'

export type Side = 'local' | 'remote'

/** When each side changed; only the policy `newest` asks. */
export interface ChangeTimes {
  /** Epoch milliseconds on our clock; null when not known. */
  readonly localMs: number | null
  /** Epoch milliseconds on our clock: the provider's time minus its measured offset. */
  readonly remoteMs: number | null
  /** Differences up to this are no difference: `fixedSide` wins. */
  readonly uncertaintyMs: number
  readonly fixedSide: Side
}

export interface MergeOptions {
  readonly policy: Policy
  readonly policyByField?: Readonly<Record<string, Policy>>
  readonly times?: ChangeTimes
}

export interface MergeConflict {
  readonly field: string
  /** Null also where there was no base. */
  readonly base: FieldValue
  readonly local: FieldValue
  readonly remote: FieldValue
  /** Null: waits for a person. */
  readonly winner: Side | null
}

export interface Merged {
  /** Fields to change here. */
  readonly local: FieldValues
  /** Fields to change at the CRM. */
  readonly remote: FieldValues
  readonly base: FieldValues
  readonly conflicts: readonly MergeConflict[]
}

/**
 * Merges the fields that both `local` and `remote` have; a field that one side could not tell is
 * left alone, its base untouched. A field without a base is a first meeting: an empty side never wins.
 *
 * @example
 * merge({ a: '1' }, { a: '2' }, { a: '1' }, { policy: 'newest' })
 * // { local: {}, remote: { a: '2' }, base: { a: '1' }, conflicts: [] }
 */
export function merge(base: FieldValues, local: FieldValues, remote: FieldValues, options: MergeOptions): Merged {
  const here: Record<string, FieldValue> = {}
  const there: Record<string, FieldValue> = {}
  const agreed: Record<string, FieldValue> = { ...base }
  const conflicts: MergeConflict[] = []
  for (const [field, theirs] of Object.entries(remote)) {
    const ours = local[field]
    if (ours === undefined) continue
    const before = base[field]
    if (ours === theirs) {
      agreed[field] = theirs
      continue
    }
    const winner = winnerOf(field, before, ours, theirs, options)
    if (winner.disputed)
      conflicts.push({ field, base: before ?? null, local: ours, remote: theirs, winner: winner.side })
    if (winner.side === null) continue
    agreed[field] = theirs
    if (winner.side === 'remote') here[field] = theirs
    else there[field] = ours
  }
  return { local: here, remote: there, base: agreed, conflicts }
}

function winnerOf(
  field: string,
  base: FieldValue | undefined,
  local: FieldValue,
  remote: FieldValue,
  options: MergeOptions,
): { side: Side | null; disputed: boolean } {
  if (base === undefined) {
    if (local === null) return { side: 'remote', disputed: false }
    if (remote === null) return { side: 'local', disputed: false }
  } else {
    if (local === base) return { side: 'remote', disputed: false }
    if (remote === base) return { side: 'local', disputed: false }
  }
  return { side: decide(options.policyByField?.[field] ?? options.policy, options.times), disputed: true }
}

const fixedWinner: Readonly<Record<Exclude<Policy, 'newest'>, Side | null>> = {
  database: 'local',
  crm: 'remote',
  manual: null,
}

function decide(policy: Policy, times: ChangeTimes | undefined): Side | null {
  return policy === 'newest' ? newest(times) : fixedWinner[policy]
}

function newest(times: ChangeTimes | undefined): Side {
  if (times === undefined) return 'local'
  if (times.localMs === null || times.remoteMs === null) return times.fixedSide
  const difference = times.localMs - times.remoteMs
  if (Math.abs(difference) <= times.uncertaintyMs) return times.fixedSide
  return difference > 0 ? 'local' : 'remote'
}
