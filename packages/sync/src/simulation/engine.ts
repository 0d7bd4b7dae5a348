// The engine's lanes over the stores in memory, deciding with the very functions of src/plan. Each `yield` is an
// await: there the process may crash, freeze, or be overtaken. `without` takes a mend out, to show that the
// simulation sees what it prevents.
import type { FieldValues } from '@rowhouse/connectors'
import { planInbound } from '../plan/inbound.ts'
import type { Effect, Link, PlanOptions } from '../plan/link.ts'
import { planOutbound } from '../plan/outbound.ts'
import { findOverwritten } from '../plan/overwritten.ts'
import { planSettle } from '../plan/settle.ts'
import { normalise, versionText } from './crm.ts'
import type { Crm, CrmRecord, CrmWrite } from './crm.ts'
import type { Database } from './database.ts'

/** Numbers of the mends in SPEC.md. */
export type Mend = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 10

export interface World {
  readonly crm: Crm
  readonly database: Database
  readonly without: Mend | null
  readonly random: () => number
  /** Whether the CRM honours conditions on writes; one that does not keeps a history. */
  readonly conditions: boolean
  readonly faults: () => boolean
  nextId: () => string
  /** Versions the poll need not apply again. */
  readonly known: Map<string, number>
}

const options: PlanOptions = { policy: 'newest', deletePolicy: 'propagate' }
/** Versions that the poll looks back. */
export const OVERLAP = 6

class Fenced extends Error {}

function transaction<Value>({ database }: World, epoch: number, work: () => Value): Value {
  if (database.epoch !== epoch) throw new Fenced()
  return work()
}

/** Runs a lane to its next await; true when it has ended, by itself or fenced. */
export function step(lane: Generator<void, void>): boolean {
  try {
    return lane.next().done === true
  } catch (error) {
    if (error instanceof Fenced) return true
    throw error
  }
}

function applyEffect(world: World, from: Link | null, effect: Effect): void {
  const { database } = world
  let { link } = effect
  const { local } = effect
  if (local.kind === 'insert') {
    const id = world.nextId()
    link = { ...link, localId: id }
    database.writeRow(id, local.fields)
  } else if (local.kind === 'update' && link.localId !== null) {
    database.writeRow(link.localId, local.fields)
  } else if (local.kind === 'delete' && link.localId !== null) {
    database.deleteRow(link.localId)
  }
  database.saveLink(from, link)
  database.conflicts.push(...effect.conflicts)
  if (effect.dueOut && link.localId !== null && world.without !== 2) database.markOut(link.localId)
  if (effect.dueIn && link.remoteId !== null) database.markIn(link.remoteId)
}

/** The row in the connector's canonical form. */
function rowOf({ database, without }: World, rowId: string | null): FieldValues | null {
  const row = rowId === null ? undefined : database.rows.get(rowId)
  if (row === undefined) return null
  return without === 3
    ? row
    : Object.fromEntries(Object.entries(row).map(([field, value]) => [field, normalise(value)]))
}

interface Read {
  readonly id: string
  readonly fields: FieldValues
  readonly version: number
  readonly deleted: boolean
  readonly token: string | null
}

const readOf = (record: CrmRecord): Read => ({ ...record, fields: { ...record.fields } })

function applyRead(world: World, read: Read): void {
  const { database, without } = world
  const found = database.linkOfRecord(read.id) ?? database.linkOfToken(read.token)
  const link = found !== null && without === 5 ? { ...found, seen: null, written: null } : found
  const localId = link?.localId ?? null
  const effect = planInbound(
    {
      link,
      pending: localId === null || without === 6 ? null : (database.pending.get(localId) ?? null),
      local: rowOf(world, localId),
      matchedLocalId: null,
      remote: { id: read.id, fields: read.fields, modifiedAt: versionText(read.version), deleted: read.deleted },
    },
    options,
  )
  applyEffect(world, found, effect)
}

export function* inbound(world: World, epoch: number): Generator<void, void> {
  const { crm, database } = world
  for (const [id, generation] of new Map(database.marksIn)) {
    const record = crm.records.get(id)
    const read = record === undefined ? null : readOf(record)
    yield
    transaction(world, epoch, () => {
      if (read !== null) applyRead(world, read)
      if (database.marksIn.get(id) === generation) database.marksIn.delete(id)
    })
  }
  const page = [...crm.records.values()]
    .flatMap((record): Read[] =>
      record.indexed === null || record.indexed.version <= database.pollPosition - OVERLAP
        ? []
        : [{ ...record, ...record.indexed, deleted: false }],
    )
    .filter(({ id, version }) => world.known.get(id) !== version)
    .toSorted((a, b) => a.version - b.version)
  yield
  for (const read of page) {
    transaction(world, epoch, () => {
      applyRead(world, read)
      database.pollPosition = Math.max(database.pollPosition, read.version)
    })
    world.known.set(read.id, read.version)
    yield
  }
  yield* lookForOverwritten(world, epoch)
  const gone = [...crm.records.values()].filter(
    ({ deleted, id }) => deleted && database.linkOfRecord(id)?.state !== 'tombstoned',
  )
  yield
  for (const record of gone) transaction(world, epoch, () => applyRead(world, readOf(record)))
}

function* lookForOverwritten(world: World, epoch: number): Generator<void, void> {
  const { crm, database } = world
  const settled = [...database.unexamined].filter(({ rowId }) => !database.pending.has(rowId))
  const histories = new Map(
    settled.map(({ remoteId }) => [
      remoteId,
      Object.fromEntries(
        Object.entries(crm.records.get(remoteId)?.history ?? {}).map(([field, versions]) => [
          field,
          versions.map(({ value, version }) => ({ value, at: versionText(version) })),
        ]),
      ),
    ]),
  )
  yield
  for (const update of settled)
    transaction(world, epoch, () => {
      const { priorVersion, remoteId, sent } = update
      database.conflicts.push(...findOverwritten(sent, priorVersion, histories.get(remoteId) ?? {}))
      database.unexamined.delete(update)
    })
}

function* settleUncertain(world: World, epoch: number): Generator<void, void> {
  const { crm, database, without } = world
  for (const [rowId, delivery] of new Map(database.pending)) {
    const link = database.linkOfRow(rowId)
    if (without === 6 || (without === 10 && delivery.kind === 'create')) {
      transaction(world, epoch, () => database.pending.delete(rowId))
      continue
    }
    const record =
      delivery.kind === 'create'
        ? [...crm.records.values()].find(({ token }) => token !== null && token === link?.createToken)
        : crm.records.get(link?.remoteId ?? '')
    const read = record === undefined ? null : readOf(record)
    yield
    transaction(world, epoch, () => {
      if (read !== null && !(delivery.kind === 'delete' && !read.deleted)) applyRead(world, read)
      database.pending.delete(rowId)
    })
  }
}

export function* outbound(world: World, epoch: number): Generator<void, void> {
  const { database } = world
  yield* settleUncertain(world, epoch)
  const read = transaction(world, epoch, () => {
    const unread = database.unread()
    for (const { origin, rowId } of unread) if (origin === 'person') database.markOut(rowId)
    if (world.without !== 1) for (const change of unread) database.read.add(change)
    return unread
  })
  if (world.without === 1) {
    yield
    // The position is 'now' instead of the end of what was read.
    transaction(world, epoch, () => {
      for (const change of [...read, ...database.unread()]) database.read.add(change)
    })
  }
  for (const [rowId, generation] of new Map(database.marksOut)) {
    yield
    yield* deliver(world, epoch, rowId, generation)
  }
}

function* deliver(world: World, epoch: number, rowId: string, generation: number): Generator<void, void> {
  const { database } = world
  const plan = transaction(world, epoch, () => {
    const link = database.linkOfRow(rowId)
    const planned = planOutbound(
      { link, pending: database.pending.get(rowId) ?? null, local: rowOf(world, rowId) },
      options.deletePolicy,
    )
    if (planned.kind === 'create' && link === null) database.saveLink(null, creating(rowId, world.nextId()))
    if (planned.kind === 'create' || planned.kind === 'update')
      database.pending.set(rowId, { kind: planned.kind, sent: planned.fields, priorVersion: null })
    if (planned.kind === 'update' && !world.conditions && world.without !== 7)
      database.unexamined.add({
        rowId,
        remoteId: planned.remoteId,
        sent: planned.fields,
        priorVersion: planned.priorVersion,
      })
    if (planned.kind === 'delete') database.pending.set(rowId, { kind: 'delete', sent: {}, priorVersion: null })
    if (planned.kind === 'none' && database.marksOut.get(rowId) === generation) database.marksOut.delete(rowId)
    if (planned.kind === 'detach' && link !== null) {
      database.saveLink(link, { ...link, state: 'tombstoned' })
      if (database.marksOut.get(rowId) === generation) database.marksOut.delete(rowId)
    }
    return planned
  })
  if (plan.kind !== 'create' && plan.kind !== 'update' && plan.kind !== 'delete') return
  yield
  // A worker past its lease makes no call: it knows when the lease ends.
  if (database.epoch !== epoch) return
  if (world.faults()) return
  const token = database.linkOfRow(rowId)?.createToken ?? null
  const answer = call(world, plan, token)
  const copy = answer.outcome === 'done' ? readOf(answer.record) : null
  // The answer is lost although the write was done.
  if (world.faults()) return
  yield
  transaction(world, epoch, () => settle(world, rowId, generation, answer, copy))
}

const creating = (localId: string, createToken: string): Link => ({
  localId,
  remoteId: null,
  state: 'creating',
  createToken,
  base: {},
  seen: null,
  written: null,
})

function call(
  world: World,
  plan: Extract<ReturnType<typeof planOutbound>, { kind: 'create' | 'update' | 'delete' }>,
  token: string | null,
): CrmWrite {
  const { crm } = world
  if (plan.kind === 'create') return crm.create(plan.fields, token)
  if (plan.kind === 'update')
    return crm.update(plan.remoteId, plan.fields, world.conditions ? Number(plan.priorVersion) : null)
  // Looked at right before: what the delete destroys and was never agreed on is recorded.
  const record = crm.records.get(plan.remoteId)
  if (record !== undefined) applyRead(world, readOf(record))
  crm.remove(plan.remoteId)
  return { outcome: 'gone' }
}

function settle(world: World, rowId: string, generation: number, answer: CrmWrite, read: Read | null): void {
  const { database, without } = world
  const link = database.linkOfRow(rowId)
  const delivery = database.pending.get(rowId)
  database.pending.delete(rowId)
  if (link === null || delivery === undefined) return
  const clear = (): void => {
    if (database.marksOut.get(rowId) === generation) database.marksOut.delete(rowId)
  }
  if (answer.outcome === 'exists') {
    database.saveLink(link, { ...link, remoteId: answer.id, state: 'linked', seen: null })
    database.markIn(answer.id)
    clear()
    return
  }
  if (answer.outcome === 'changed' || (answer.outcome === 'gone' && delivery.kind !== 'delete')) {
    if (link.remoteId !== null) database.markIn(link.remoteId)
    // Refused, it stays due until the fetch has decided.
    if (without === 2) clear()
    return
  }
  const fields = read?.fields ?? {}
  const shown = without === 3 ? { ...fields, ...delivery.sent } : fields
  clear()
  const effect = planSettle(
    {
      link: without === 4 ? { ...link, base: { ...link.base, ...shown } } : link,
      delivery: without === 4 ? { ...delivery, sent: { ...shown, ...delivery.sent } } : delivery,
      local: rowOf(world, rowId),
      remoteId: read?.id ?? link.remoteId ?? '',
      whole: true,
      answer:
        read === null
          ? null
          : { id: read.id, fields: shown, modifiedAt: versionText(read.version), deleted: read.deleted },
    },
    options,
  )
  if (read !== null) world.known.set(read.id, read.version)
  if (without === 4) {
    // Base says that everything the answer showed was agreed on, and nobody looks at the rest again.
    applyEffect(world, link, { ...effect, local: { kind: 'none' }, dueOut: false })
    return
  }
  applyEffect(world, link, effect)
}
