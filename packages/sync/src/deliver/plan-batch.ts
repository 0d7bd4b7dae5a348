// Chooses what to send next, and commits it before it is sent: reads the log, takes the oldest due records of
// the first object that has any, plans each against its link, and writes the deliveries, all in one
// transaction.
import { randomUUID } from 'node:crypto'
import type { Transaction } from 'rowhouse'
import { localView, parentKeysOfLocal, withoutComputed } from '../apply/views.ts'
import type { View } from '../apply/views.ts'
import { linkScope } from '../apply/scope.ts'
import type { ConnectionScope } from '../apply/scope.ts'
import { capture } from '../capture/capture.ts'
import { addDeliveries, hasPending, readPending } from '../home/deliveries.ts'
import type { Delivery, NewDelivery } from '../home/deliveries.ts'
import { fenced } from '../home/fence.ts'
import { lockLinks, readParents, saveLinks } from '../home/links.ts'
import type { StoredLink } from '../home/links.ts'
import { addMarks, clearMarks, nextDueMs, postponeMarks, readMarks } from '../home/marks.ts'
import type { Mark } from '../home/marks.ts'
import { reviveDeadLetters, unpark } from '../home/records.ts'
import { lockRows } from '../home/rows.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { isReferenceField } from '../plan/link.ts'
import { planOutbound } from '../plan/outbound.ts'
import type { OutboundPlan } from '../plan/outbound.ts'

/** A delivery that is committed, with what its call needs. */
export interface Outgoing {
  readonly delivery: Delivery
  readonly mark: Mark
  readonly createToken: string | null
}

export interface OutgoingBatch {
  readonly mapped: MappedObject
  readonly outgoing: readonly Outgoing[]
  readonly deletes: number
}

const MARKS_MAX = 500
const REVIVED_MAX = 100
const WAIT_MS = 1000

/** What there is to send: a batch; something else that has to be settled first; nothing, until `nextMs` or a wake-up. */
export type Planned =
  | { readonly kind: 'batch'; readonly batch: OutgoingBatch }
  | { readonly kind: 'unsettled' }
  | { readonly kind: 'idle'; readonly nextMs: number | null }

export interface PlanBatchOptions {
  readonly deletesAllowed: (deletes: number, mapped: MappedObject, tx: Transaction) => Promise<boolean>
  /** Whether deliveries whose end nobody knows come before anything new: those of whoever ran the lane before. */
  readonly settlesFirst: boolean
  /** Asked before deliveries are committed: what throws leaves none behind that nobody could send. */
  readonly ready: () => Promise<void>
  /** Whether parked records are looked for that are due again. */
  readonly revives: boolean
}

export function planBatch(scope: ConnectionScope, options: PlanBatchOptions): Promise<Planned> {
  const { connectionId, objects } = scope
  return fenced(scope.organization, scope.hold, async (tx): Promise<Planned> => {
    const names = objects.map(({ object }) => object)
    const [isUnsettled, , , due] = await Promise.all([
      options.settlesFirst ? hasPending(tx, connectionId) : false,
      options.revives ? reviveDeadLetters(tx, connectionId, 'outbound', REVIVED_MAX) : undefined,
      capture(tx, connectionId, objects),
      readMarks(tx, connectionId, 'outbound', names, MARKS_MAX),
    ])
    if (isUnsettled) return { kind: 'unsettled' }
    const [first] = due
    const mapped = objects.find(({ object }) => object === first?.object)
    if (mapped === undefined) return { kind: 'idle', nextMs: await nextDueMs(tx, connectionId, 'outbound') }
    const marks = due.filter(({ object }) => object === mapped.object)
    return { kind: 'batch', batch: await planMarks(tx, scope, mapped, marks, options) }
  })
}

interface PlannedMark {
  readonly mark: Mark
  readonly link: StoredLink | null
  readonly plan: OutboundPlan
  readonly view: View | null
}

async function planMarks(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  marks: readonly Mark[],
  { deletesAllowed, ready }: PlanBatchOptions,
): Promise<OutgoingBatch> {
  const ids = marks.map(({ recordId }) => recordId)
  const [locked, rows, underWay] = await Promise.all([
    lockLinks(tx, linkScope(scope, mapped), { localIds: ids }),
    lockRows(tx, mapped, ids),
    readPending(tx, scope.connectionId, mapped.object, ids, ids.length),
  ])
  const links = new Map(locked.map((link) => [link.localId ?? '', link]))
  const pending = new Map(underWay.map((delivery) => [delivery.recordId, delivery]))
  const parents = await readParents(tx, scope.connectionId, parentKeysOfLocal(mapped, rows.values()))
  const planned = marks.map((mark): PlannedMark => {
    const link = links.get(mark.recordId) ?? null
    const row = rows.get(mark.recordId)
    const view = row === undefined ? null : localView(scope, mapped, row, parents)
    const local = view === null ? null : withoutComputed(mapped, view.fields, link?.base ?? {})
    const plan = planOutbound({ link, pending: pending.get(mark.recordId) ?? null, local }, scope.options.deletePolicy)
    return { mark, link, plan, view }
  })
  const deletes = planned.filter(({ plan }) => plan.kind === 'delete').length
  if (deletes > 0 && !(await deletesAllowed(deletes, mapped, tx))) return { mapped, outgoing: [], deletes: -1 }
  if (planned.some(({ plan }) => calls.has(plan.kind))) await ready()
  const [, , outgoing] = await Promise.all([
    forgetDetached(tx, scope, mapped, planned),
    putAside(tx, scope, mapped, planned),
    commit(tx, scope, mapped, planned),
  ])
  return { mapped, outgoing, deletes }
}

const calls: ReadonlySet<OutboundPlan['kind']> = new Set(['create', 'update', 'delete'])

/** Rows that are gone while their record stays: the pair is remembered as broken. */
async function forgetDetached(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  planned: readonly PlannedMark[],
): Promise<void> {
  const detached = planned.flatMap(({ plan, link }) =>
    plan.kind === 'detach' && link !== null ? [{ ...link, state: 'tombstoned' as const }] : [],
  )
  await saveLinks(tx, linkScope(scope, mapped), detached)
}

/** Clears the marks that need no call, and postpones those whose time has not come. */
async function putAside(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  planned: readonly PlannedMark[],
): Promise<void> {
  const { connectionId } = scope
  const idle = planned.filter(({ plan }) => plan.kind === 'none' || plan.kind === 'detach')
  await clearMarks(
    tx,
    connectionId,
    'outbound',
    idle.map(({ mark }) => mark),
  )
  await unpark(
    tx,
    connectionId,
    'outbound',
    mapped.object,
    idle.map(({ mark }) => mark.recordId),
  )
  await addMarks(
    tx,
    connectionId,
    'outbound',
    idle.flatMap(({ mark, view }) =>
      view === null || view.waitsFor === null
        ? []
        : [{ object: mapped.object, recordId: mark.recordId, waitsFor: view.waitsFor }],
    ),
  )
  await postponeMarks(
    tx,
    connectionId,
    'outbound',
    planned
      .filter(({ plan }) => plan.kind === 'wait' || plan.kind === 'settle_first')
      .map(({ mark }) => ({ ...mark, delayMs: WAIT_MS })),
  )
}

async function commit(
  tx: Transaction,
  scope: ConnectionScope,
  mapped: MappedObject,
  planned: readonly PlannedMark[],
): Promise<Outgoing[]> {
  const creating: StoredLink[] = []
  const fresh: NewDelivery[] = []
  const tokens = new Map<string, string>()
  for (const { mark, link, plan } of planned) {
    if (plan.kind !== 'create' && plan.kind !== 'update' && plan.kind !== 'delete') continue
    if (plan.kind === 'create') {
      const token = link?.createToken ?? randomUUID()
      tokens.set(mark.recordId, token)
      if (link === null) creating.push({ ...newLink(mark.recordId), createToken: token })
    }
    fresh.push({
      object: mapped.object,
      table: mapped.table,
      recordId: mark.recordId,
      remoteId: plan.kind === 'create' ? null : plan.remoteId,
      kind: plan.kind,
      sent: plan.kind === 'delete' ? {} : plan.fields,
      throughSeq: mark.throughSeq,
      priorVersion: plan.kind === 'create' ? null : plan.priorVersion,
      unexamined: scope.looksBack && mayWriteOver(plan),
      atMs: mark.sinceMs,
    })
  }
  const creates = saveLinks(tx, linkScope(scope, mapped), creating)
  const marks = new Map(planned.map(({ mark }) => [mark.recordId, mark]))
  const [deliveries] = await Promise.all([addDeliveries(tx, scope.connectionId, scope.hold.epoch, fresh), creates])
  return deliveries.flatMap((delivery) => {
    const mark = marks.get(delivery.recordId)
    return mark === undefined ? [] : [{ delivery, mark, createToken: tokens.get(delivery.recordId) ?? null }]
  })
}

/** A create writes over nothing; references have no history. */
function mayWriteOver(plan: Extract<OutboundPlan, { kind: 'create' | 'update' | 'delete' }>): boolean {
  if (plan.kind === 'update') return !Object.keys(plan.fields).every(isReferenceField)
  return plan.kind === 'delete' && plan.priorVersion !== null
}

const newLink = (localId: string): StoredLink => ({
  id: null,
  localId,
  remoteId: null,
  state: 'creating',
  createToken: null,
  base: {},
  seen: null,
  written: null,
})
