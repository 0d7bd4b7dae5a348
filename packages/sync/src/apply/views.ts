// Both sides of a record in one vocabulary: fields plus '@reference' whose value is the parent's remote id.
// A parent that is not linked yet makes its field untellable; the record is marked to be looked at again
// when the parent is.
import type { FieldValue, FieldValues, RemoteRecord } from '@rowhouse/connectors'
import type { Effect } from '../plan/link.ts'
import type { ConnectionScope } from './scope.ts'
import { parentKey } from '../home/links.ts'
import type { ParentKey, Parents } from '../home/links.ts'
import type { LocalRow } from '../home/rows.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import type { ReadRecord } from '../pull/selection.ts'
import { isReferenceField, referenceField } from '../plan/link.ts'
import type { RemoteView } from '../plan/link.ts'

export interface View {
  readonly fields: FieldValues
  /** 'object:id' of the first parent that has no link; null when all have. */
  readonly waitsFor: string | null
}

export function localView(scope: ConnectionScope, mapped: MappedObject, row: LocalRow, parents: Parents): View {
  const fields: Record<string, FieldValue> = {}
  for (const [field, value] of Object.entries(row.fields)) fields[field] = scope.canonical(mapped.object, field, value)
  let waitsFor: string | null = null
  for (const { reference, parent } of mapped.references) {
    const localId = row.parents[reference] ?? null
    const remoteId = localId === null ? null : parents.remote.get(parentKey(parent, localId))
    if (remoteId === undefined) waitsFor ??= parentKey(parent, localId ?? '')
    else fields[referenceField(reference)] = remoteId
  }
  return { fields, waitsFor }
}

export interface RemoteViewWithWait extends RemoteView {
  readonly waitsFor: string | null
}

export function remoteView(mapped: MappedObject, record: ReadRecord, parents: Parents): RemoteViewWithWait {
  const fields: Record<string, FieldValue> = {}
  for (const { field } of mapped.fields) {
    const value = record.fields[field]
    if (value !== undefined) fields[field] = value === '' ? null : value
  }
  let waitsFor: string | null = null
  for (const { reference, parent } of mapped.references) {
    const remoteId = record.references[reference]
    if (remoteId === undefined) continue
    if (remoteId !== null && !parents.local.has(parentKey(parent, remoteId))) waitsFor ??= parentKey(parent, remoteId)
    else fields[referenceField(reference)] = remoteId
  }
  const { deleted, id, modifiedAt, readAt = null } = record
  return { id, fields, modifiedAt, deleted, readAt, waitsFor }
}

/** A value that is the same in canonical form takes the form the CRM holds it in, so that both sides read alike. */
export function withRemoteForm(
  effect: Effect,
  row: LocalRow | undefined,
  view: View | null,
  remote: FieldValues,
): Effect {
  if (row === undefined || view === null || effect.local.kind === 'delete' || effect.local.kind === 'insert')
    return effect
  const forms = Object.entries(remote).filter(
    ([field, value]) => value !== null && view.fields[field] === value && (row.fields[field] ?? value) !== value,
  )
  if (forms.length === 0) return effect
  const fields = effect.local.kind === 'update' ? effect.local.fields : {}
  return { ...effect, local: { kind: 'update', fields: { ...Object.fromEntries(forms), ...fields } } }
}

/** Field values for a row: references become the parent's id here. */
export function toRowValues(mapped: MappedObject, values: FieldValues, parents: Parents): FieldValues {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      if (!isReferenceField(key) || value === null) return [key, value]
      const reference = mapped.references.find((known) => referenceField(known.reference) === key)
      return [key, parents.local.get(parentKey(reference?.parent ?? '', value)) ?? null]
    }),
  )
}

/** What a call carries: fields and references apart, without what the provider computes. */
export function toCall(
  mapped: MappedObject,
  values: FieldValues,
): { fields: FieldValues; references: Record<string, string | null> } {
  const fields: Record<string, FieldValue> = {}
  const references: Record<string, string | null> = {}
  for (const [key, value] of Object.entries(values)) {
    if (isReferenceField(key)) references[key.slice(1)] = value
    else fields[key] = value
  }
  for (const { field, readOnly } of mapped.fields) if (readOnly) delete fields[field]
  return { fields, references }
}

/** What the provider computes always comes from there: what stands here never counts as an edit. */
export function withoutComputed(mapped: MappedObject, local: FieldValues, base: FieldValues): FieldValues {
  const computed = mapped.fields.filter(({ readOnly }) => readOnly)
  return { ...local, ...Object.fromEntries(computed.map(({ field }) => [field, base[field] ?? null])) }
}

export function parentKeysOfRemote(mapped: MappedObject, records: readonly RemoteRecord[]): ParentKey[] {
  return mapped.references.flatMap(({ reference, parent }) =>
    records.flatMap((record) => {
      const remoteId = record.references[reference] ?? null
      return remoteId === null ? [] : [{ object: parent, localId: null, remoteId }]
    }),
  )
}

export function parentKeysOfLocal(mapped: MappedObject, rows: Iterable<LocalRow>): ParentKey[] {
  const all = [...rows]
  return mapped.references.flatMap(({ reference, parent }) =>
    all.flatMap((row) => {
      const localId = row.parents[reference] ?? null
      return localId === null ? [] : [{ object: parent, localId, remoteId: null }]
    }),
  )
}

/** Whether a field is among these by which records are told apart: one that the mapping matches by. */
export function holdsKey(mapped: MappedObject, fields: FieldValues): boolean {
  return mapped.fields.some(({ column, field }) => mapped.matchBy.includes(column) && fields[field] !== undefined)
}
