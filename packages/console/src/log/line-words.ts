// What a line of the log is called: who acted, which record, what differs. Pure.
import type { AuditLine, FieldChange } from '@rowhouse/contracts'
import { connectorWords } from '../words/connection.ts'
import { membersOf, valueOf } from './json-members.ts'

/** People and connections by their ids, as far as one may know them. */
export interface Known {
  readonly people: ReadonlyMap<string, string>
  /** Connectors. */
  readonly connections: ReadonlyMap<string, string>
}

/** Columns that say nothing about what a record is; they are shown where it is shown whole. */
const bookkeeping = new Set(['organization_id', 'id', 'created_at', 'updated_at'])

export const actionNames: Record<AuditLine['action'], string> = {
  insert: 'Created',
  update: 'Changed',
  delete: 'Deleted',
  truncate: 'Removed with its table’s rows',
  read: 'Read by a report',
}

/** Where there is little room. */
export const shortActionNames: typeof actionNames = { ...actionNames, truncate: 'Removed', read: 'Read' }

export const isGone = (action: AuditLine['action']): boolean => action === 'delete' || action === 'truncate'

export function actorName({ kind, id }: AuditLine['actor'], { people, connections }: Known): string {
  if (kind === 'user') return (id !== null && people.get(id)) || (id === null ? 'a member' : shortOf(id))
  if (kind === 'sync') return connectorWords((id !== null && connections.get(id)) || null).name
  return id === null || id === kind ? kind : `${kind} ${shortOf(id)}`
}

const shortOf = (id: string): string => (/^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(id) ? `${id.slice(0, 8)}…` : id)

/** Fields that differ, or all that had a value where the record came or went. */
export function changesOf({ old, new: now }: Pick<AuditLine, 'old' | 'new'>): FieldChange[] {
  const before = old === null ? null : membersOf(old)
  const after = now === null ? null : membersOf(now)
  const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])])
  return [...names]
    .filter((name) => name !== 'organization_id' && before?.get(name) !== after?.get(name))
    .map((field) => ({ field, before: valueOf(before?.get(field)), after: valueOf(after?.get(field)) }))
    .filter((change) => change.before !== change.after)
}

/** Those that a person would name first. */
export const notable = (changes: readonly FieldChange[]): readonly FieldChange[] => {
  const named = changes.filter(({ field }) => !bookkeeping.has(field))
  return named.length > 0 ? named : changes
}

/** What a person would call the record: its name, its e-mail, else its id. */
export function recordName({ old, new: now, recordId }: Pick<AuditLine, 'old' | 'new' | 'recordId'>): string {
  const members = membersOf(now ?? old ?? '')
  const text = (name: string): string => valueOf(members.get(name))?.trim() ?? ''
  const full = `${text('first_name')} ${text('last_name')}`.trim()
  return (
    [text('name'), full, text('email'), text('title')].find((one) => one !== '')?.slice(0, 200) ?? shortOf(recordId)
  )
}
