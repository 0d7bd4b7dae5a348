// Recognises records by what was sent. Of an object that has no field for a create token, a record that nobody is linked
// with and that shows exactly what a pending create sent is that create: it is given the token, as if it carried it. One
// that somebody else made alike is as good. Without it, such a create would be met as a stranger and made twice.
import type { FieldValues, RemoteRecord } from '@rowhouse/connectors'
import type { Transaction } from 'rowhouse'
import { readPending } from '../home/deliveries.ts'
import { lockLinks } from '../home/links.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { linkScope } from './scope.ts'
import type { ConnectionScope } from './scope.ts'
import { remoteView } from './views.ts'

const PENDING_MAX = 5000

/** The records, those of pending creates with their token. */
export async function withCreateTokens<Read extends RemoteRecord>(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  records: readonly Read[],
): Promise<readonly Read[]> {
  if (mapped.hasCreateToken || records.length === 0) return records
  const pending = await readPending(tx, scope.connectionId, mapped.object, null, PENDING_MAX)
  const creates = pending.filter(({ kind }) => kind === 'create')
  if (creates.length === 0) return records
  const links = await lockLinks(tx, linkScope(scope, mapped), {
    localIds: creates.map(({ recordId }) => recordId),
    remoteIds: records.map(({ id }) => id),
  })
  const linked = new Set(links.flatMap(({ remoteId }) => remoteId ?? []))
  const tokens = new Map(
    links.flatMap(({ localId, createToken, remoteId }) =>
      localId === null || createToken === null || remoteId !== null ? [] : [[localId, createToken] as const],
    ),
  )
  return records.map((record) => {
    if (record.deleted || record.createToken || linked.has(record.id)) return record
    const create = creates.find(({ recordId, sent }) => tokens.has(recordId) && holds(mapped, record, sent))
    if (create === undefined) return record
    const createToken = tokens.get(create.recordId) ?? null
    // Two creates that sent the same are two records.
    tokens.delete(create.recordId)
    return { ...record, createToken }
  })
}

/** Whether the record shows everything that was sent. A parent that cannot be told does not count. */
export function holds(mapped: MappedObject, record: RemoteRecord, sent: FieldValues): boolean {
  const view = remoteView(mapped, record, { local: everyParent, remote: new Map() })
  return Object.entries(sent).every(([field, value]) => view.fields[field] === value)
}

/** Remote ids are compared with remote ids here, so every parent is known. */
const everyParent = new (class extends Map<string, string> {
  override has(): boolean {
    return true
  }
})()
