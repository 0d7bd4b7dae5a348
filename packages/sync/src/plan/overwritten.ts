// What a write of ours went over without having seen it. Pure. Where a provider takes no condition on a write, an edit made
// there between our read and our write is gone from the record; what remains of it is the field's history.
import type { FieldValues, RecordHistory } from '@rowhouse/connectors'
import type { MergeConflict } from '../merge/merge.ts'

/**
 * The values that stood in the fields right before ours came, were set after the version that ours was planned from, and
 * are neither ours nor what had been agreed on. Our value is found by being equal: wherever it stands the one before it is
 * looked at, so a person who enters the same value later hides nothing.
 *
 * @example
 * findOverwritten({ a: 'ours' }, '…:01Z', { a: [{ value: 'ours', at: '…:03Z' }, { value: 'theirs', at: '…:02Z' }] })
 * // [{ field: 'a', base: null, local: 'ours', remote: 'theirs', winner: 'local' }]
 */
export function findOverwritten(
  sent: FieldValues,
  priorVersion: string,
  history: RecordHistory['fields'],
): MergeConflict[] {
  return Object.entries(sent).flatMap(([field, local]) => {
    const versions = history[field] ?? []
    const base = versions.find(({ at }) => at <= priorVersion)?.value ?? null
    const remotes = versions.flatMap(({ at, value }, index) => {
      const before = versions[index + 1]
      if (value !== local || at <= priorVersion || before === undefined || before.at <= priorVersion) return []
      return before.value === local || before.value === base ? [] : [before.value]
    })
    return [...new Set(remotes)].map((remote) => ({ field, base, local, remote, winner: 'local' as const }))
  })
}

/** The values that a delete of ours took along and nobody here had seen. */
export function findDestroyed(
  fields: readonly string[],
  priorVersion: string,
  history: RecordHistory['fields'],
): MergeConflict[] {
  return fields.flatMap((field): MergeConflict[] => {
    const [last, ...before] = history[field] ?? []
    if (last === undefined || last.at <= priorVersion) return []
    const base = before.find(({ at }) => at <= priorVersion)?.value ?? null
    return last.value === base ? [] : [{ field, base, local: null, remote: last.value, winner: 'local' }]
  })
}
