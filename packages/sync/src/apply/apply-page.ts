// Applies a page of the CRM's records: locks what they concern, merges each, writes all. What was read is
// locked until the end, so no merge can be outrun. A page that the database refuses is halved until the
// record it refuses is alone; that one is parked and its siblings are applied.
import { isRowhouseError } from '@rowhouse/contracts'
import type { RemoteRecord } from '@rowhouse/connectors'
import type { Transaction } from 'rowhouse'
import { readPending } from '../home/deliveries.ts'
import type { Delivery } from '../home/deliveries.ts'
import { fenced } from '../home/fence.ts'
import { lockLinks, readParents } from '../home/links.ts'
import type { StoredLink } from '../home/links.ts'
import { readChangedAt } from '../home/marks.ts'
import { park, unpark } from '../home/records.ts'
import { lockRows, matchRows } from '../home/rows.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { planInbound } from '../plan/inbound.ts'
import type { ReadRecord } from '../pull/selection.ts'
import { withCreateTokens } from './alike.ts'
import { takeMerged } from './merged.ts'
import { linkScope } from './scope.ts'
import type { ConnectionScope } from './scope.ts'
import {
  localView,
  parentKeysOfLocal,
  parentKeysOfRemote,
  remoteView,
  withRemoteForm,
  withoutComputed,
} from './views.ts'
import { writeEffects } from './write-effects.ts'
import type { PlannedEffect } from './write-effects.ts'

export interface AppliedPage {
  readonly applied: number
  readonly parked: number
}

/** Runs in the page's transaction, after the records: positions and marks. */
export type PageEnd = (tx: Transaction) => Promise<void>

const noEnd: PageEnd = () => Promise.resolve()
const PARKED_RETRY_MS = 5000
const RACES_MAX = 1

export async function applyPage(
  scope: ConnectionScope,
  mapped: MappedObject,
  records: readonly ReadRecord[],
  end: PageEnd = noEnd,
  racesLeft = RACES_MAX,
): Promise<AppliedPage> {
  try {
    const applied = await fenced(scope.organization, scope.hold, async (tx) => {
      return applyIn(tx, scope, mapped, records, end)
    })
    return { applied, parked: 0 }
  } catch (error) {
    if (!isRefusal(error)) throw error
    // Another lane may have met the same record at the same moment. It has committed: now its link is found.
    if (error.code === 'unique_violation' && racesLeft > 0) return applyPage(scope, mapped, records, end, racesLeft - 1)
    // Each half may meet a lane of its own, so each has the same allowance of races again.
    if (records.length > 1) {
      const middle = Math.ceil(records.length / 2)
      const first = await applyPage(scope, mapped, records.slice(0, middle), noEnd)
      const second = await applyPage(scope, mapped, records.slice(middle), end)
      return { applied: first.applied + second.applied, parked: first.parked + second.parked }
    }
    await fenced(scope.organization, scope.hold, async (tx) => {
      const [record] = records
      if (record !== undefined)
        await park(tx, scope.connectionId, [
          {
            object: mapped.object,
            direction: 'inbound',
            recordKey: record.id,
            recordId: null,
            remoteId: record.id,
            code: error.code,
            reason: error.message,
            retryMs: passing.has(error.code) ? PARKED_RETRY_MS : null,
          },
        ])
      await end(tx)
    })
    return { applied: 0, parked: records.length }
  }
}

const refusals = new Set(['unique_violation', 'foreign_key_violation', 'check_violation'])
/** What may pass by itself: the holder of the value, or the parent, changes. */
const passing = new Set(['unique_violation', 'foreign_key_violation'])

/** Whether the database refused a value, as opposed to failing or having lost the lease. */
function isRefusal(error: unknown): error is Error & { code: string } {
  if (!isRowhouseError(error)) return false
  if (refusals.has(error.code)) return true
  // Class 22 is a value that the column's type cannot hold, 23 one that breaks a rule, 54000 one that is larger than an
  // index takes, P0001 one that a trigger of the tenant's refuses; any other failure is not the record's.
  const { sqlState } = error.details
  return error.code === 'query_failed' && typeof sqlState === 'string' && /^(?:22...|23...|54000|P0001)$/.test(sqlState)
}

async function applyIn(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  given: readonly ReadRecord[],
  end: PageEnd,
): Promise<number> {
  // The last version of a record that a page shows twice.
  const shown = [...new Map(given.map((record) => [record.id, record])).values()]
  if (shown.length === 0) {
    await end(tx)
    return 0
  }
  const merged = await takeMerged(tx, scope, mapped, shown)
  const read = [...shown, ...merged.filter(({ id }) => !shown.some((record) => record.id === id))]
  const records = await withCreateTokens(tx, scope, mapped, read)
  const links = await lockLinks(tx, linkScope(scope, mapped), {
    remoteIds: records.map(({ id }) => id),
    createTokens: records.flatMap(({ createToken }) => (createToken ? [createToken] : [])),
  })
  const byRemote = new Map(links.flatMap((link) => (link.remoteId === null ? [] : [[link.remoteId, link] as const])))
  const byToken = new Map(
    links.flatMap((link) =>
      link.createToken === null || link.remoteId !== null ? [] : [[link.createToken, link] as const],
    ),
  )
  const linkOf = (record: RemoteRecord): StoredLink | null =>
    byRemote.get(record.id) ?? (record.createToken ? (byToken.get(record.createToken) ?? null) : null)
  const matches = await matchUnknown(
    tx,
    scope,
    mapped,
    records.filter((record) => !record.deleted && linkOf(record) === null),
  )
  const localIds = [...links.flatMap(({ localId }) => (localId === null ? [] : [localId])), ...matches.values()]
  const ids = [...new Set(localIds)]
  const [rows, creating, underWay, changedAt] = await Promise.all([
    lockRows(tx, mapped, ids),
    // A row that is being created at the CRM and matches one that is there already takes that one.
    lockLinks(tx, linkScope(scope, mapped), { localIds: [...matches.values()] }),
    readPending(tx, scope.connectionId, mapped.object, ids, records.length * 2),
    readChangedAt(tx, scope.connectionId, mapped.object, ids),
  ])
  const byLocal = new Map(creating.flatMap((link) => (link.localId === null ? [] : [[link.localId, link] as const])))
  const parents = await readParents(tx, scope.connectionId, [
    ...parentKeysOfRemote(mapped, records),
    ...parentKeysOfLocal(mapped, rows.values()),
  ])
  const pending = new Map<string, Delivery>(underWay.map((delivery) => [delivery.recordId, delivery]))
  const planned: PlannedEffect[] = []
  for (const record of records) {
    const matched = matches.get(record.id) ?? null
    const link = linkOf(record) ?? (matched === null ? null : (byLocal.get(matched) ?? null))
    const localId = link?.localId ?? matched
    const row = localId === null ? undefined : rows.get(localId)
    const local = row === undefined ? null : localView(scope, mapped, row, parents)
    const remote = remoteView(mapped, record, parents)
    const effect = planInbound(
      {
        link,
        pending: localId === null ? null : (pending.get(localId) ?? null),
        local: local === null ? null : withoutComputed(mapped, local.fields, link?.base ?? {}),
        matchedLocalId: link === null ? matched : null,
        remote,
      },
      timed(scope, record, localId === null ? null : (changedAt.get(localId) ?? null)),
    )
    planned.push({
      effect: withRemoteForm(effect, row, local, remote.fields),
      from: link,
      waitsForInbound: remote.waitsFor,
      waitsForOutbound: null,
    })
  }
  await Promise.all([
    writeEffects(tx, scope, mapped, planned, parents),
    unpark(
      tx,
      scope.connectionId,
      'inbound',
      mapped.object,
      records.map(({ id }) => id),
    ),
    // Takes away marks of a generation that was read, so none that the effects add.
    end(tx),
  ])
  return shown.length
}

function timed(scope: ConnectionScope, record: RemoteRecord, localMs: number | null): ConnectionScope['options'] {
  const times = scope.options.times
  if (times === undefined) return scope.options
  const modifiedMs = Date.parse(record.modifiedAt)
  return {
    ...scope.options,
    times: { ...times, localMs, remoteMs: Number.isNaN(modifiedMs) ? null : modifiedMs - scope.clockOffsetMs() },
  }
}

/** Unlinked rows that are the same as these records by the match rule, in its order: remote id → row id. */
async function matchUnknown(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  records: readonly RemoteRecord[],
): Promise<Map<string, string>> {
  const matches = new Map<string, string>()
  const taken = new Set<string>()
  for (const column of mapped.matchBy) {
    const field = mapped.fields.find((known) => known.column === column)?.field
    const open = records.filter(({ id, fields }) => !matches.has(id) && field !== undefined && fields[field])
    if (field === undefined || open.length === 0) continue
    const values = open.flatMap(({ fields }) => [fields[field] ?? '', (fields[field] ?? '').toLowerCase()])
    const rows = await matchRows(tx, mapped, scope.connectionId, column, [...new Set(values)])
    for (const record of open) {
      const id = rows.get((record.fields[field] ?? '').toLowerCase())
      if (id === undefined || taken.has(id)) continue
      taken.add(id)
      matches.set(record.id, id)
    }
  }
  return matches
}
