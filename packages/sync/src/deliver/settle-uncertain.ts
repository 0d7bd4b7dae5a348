// Deliveries whose call ended without an answer: a crash, a timeout, a lease that was taken over. Before
// anything else is sent, the CRM is asked what it holds. A create is looked up by its token and linked; an
// update is merged with the record as it is; nothing is ever sent again blindly.
import type { Answer, RemoteRecord } from '@rowhouse/connectors'
import { holds, withCreateTokens } from '../apply/alike.ts'
import { applyPage } from '../apply/apply-page.ts'
import { linkScope } from '../apply/scope.ts'
import { readPending, settleDeliveries } from '../home/deliveries.ts'
import type { Delivery, Settlement } from '../home/deliveries.ts'
import { fenced } from '../home/fence.ts'
import { lockLinks, saveLinks } from '../home/links.ts'
import type { MappedObject } from '../mapping/mapping.ts'
import { laterVersion } from '../plan/link.ts'
import { selectionOf } from '../pull/selection.ts'
import { failed } from '../schedule/lane-run.ts'
import type { LaneEnd, LaneRun } from '../schedule/lane-run.ts'

const PENDING_MAX = 5000

/** Null: all of them are settled. */
export async function settleUncertain(run: LaneRun): Promise<LaneEnd | null> {
  const { scope } = run
  const pending = await readPending(scope.organization, scope.connectionId, null, null, PENDING_MAX)
  if (pending.length === 0) return null
  for (const mapped of scope.objects) {
    const ours = pending.filter(({ object }) => object === mapped.object)
    const creates = ours.filter(({ kind }) => kind === 'create')
    const others = ours.filter(({ kind }) => kind !== 'create')
    for (const chunk of chunks(creates, mapped.batchSizeMax)) {
      const end = await settleCreates(run, mapped, chunk)
      if (end !== null) return end
    }
    for (const chunk of chunks(others, mapped.pageSizeMax)) {
      const end = await settleOthers(run, mapped, chunk)
      if (end !== null) return end
    }
  }
  return null
}

/** Of an object that has no field for a token: what looks as it was sent, asked for by one value of it. */
async function findAlike(
  run: LaneRun,
  mapped: MappedObject,
  deliveries: readonly Delivery[],
): Promise<Answer<readonly RemoteRecord[]>> {
  const { scope } = run
  const field = mapped.uniqueFields.find((name) => mapped.fields.some((known) => known.field === name))
  const values = deliveries.flatMap(({ sent }) => (field === undefined ? [] : (sent[field] ?? [])))
  if (field === undefined || values.length === 0) return { ok: true, value: [] }
  const answer = await run.connector.find(run.http, selectionOf(mapped), { kind: 'field', field, values })
  if (!answer.ok) return answer
  const known = await fenced(scope.organization, scope.hold, (tx) => withCreateTokens(tx, scope, mapped, answer.value))
  return { ok: true, value: known.filter(({ createToken }) => Boolean(createToken)) }
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}

async function settleCreates(
  run: LaneRun,
  mapped: MappedObject,
  deliveries: readonly Delivery[],
): Promise<LaneEnd | null> {
  const { scope } = run
  const links = await fenced(scope.organization, scope.hold, (tx) =>
    lockLinks(tx, linkScope(scope, mapped), { localIds: deliveries.map(({ recordId }) => recordId) }),
  )
  const tokens = new Map(
    links.flatMap(({ localId, createToken, remoteId }) =>
      localId === null || createToken === null || remoteId !== null ? [] : [[localId, createToken] as const],
    ),
  )
  const records: RemoteRecord[] = []
  if (tokens.size > 0) {
    const answer = mapped.hasCreateToken
      ? await run.connector.find(run.http, selectionOf(mapped), { kind: 'create_token', values: [...tokens.values()] })
      : await findAlike(run, mapped, deliveries)
    if (!answer.ok) return failed(answer.failure)
    records.push(...answer.value)
    await applyPage(scope, mapped, records)
  }
  const found = new Map(records.map((record) => [record.createToken ?? '', record.id]))
  await settle(
    run,
    deliveries.map((delivery) => {
      const remoteId = found.get(tokens.get(delivery.recordId) ?? '') ?? linkedId(links, delivery.recordId)
      return { id: delivery.id, status: remoteId === null ? 'superseded' : 'delivered', remoteId }
    }),
  )
  return null
}

const linkedId = (
  links: readonly { readonly localId: string | null; readonly remoteId: string | null }[],
  recordId: string,
): string | null => links.find(({ localId }) => localId === recordId)?.remoteId ?? null

async function settleOthers(
  run: LaneRun,
  mapped: MappedObject,
  deliveries: readonly Delivery[],
): Promise<LaneEnd | null> {
  const { scope } = run
  const ids = [...new Set(deliveries.flatMap(({ remoteId }) => (remoteId === null ? [] : [remoteId])))]
  const answer = await run.connector.get(run.http, selectionOf(mapped), ids)
  if (!answer.ok) return failed(answer.failure)
  const alive = new Map(answer.value.filter(({ deleted }) => !deleted).map((record) => [record.id, record]))
  // The merge knows the pending deliveries, so what they sent is an echo and nobody's edit.
  await applyPage(scope, mapped, [...alive.values()])
  const settlements = deliveries.map((delivery): Settlement => {
    const record = alive.get(delivery.remoteId ?? '')
    const arrived =
      delivery.kind === 'delete' ? record === undefined : record !== undefined && holds(mapped, record, delivery.sent)
    return { id: delivery.id, status: arrived ? 'delivered' : 'superseded', remoteId: delivery.remoteId }
  })
  const deleted = new Set(
    deliveries
      .filter(({ kind, remoteId }) => kind === 'delete' && !alive.has(remoteId ?? ''))
      .map(({ recordId }) => recordId),
  )
  await fenced(scope.organization, scope.hold, async (tx) => {
    const links = await lockLinks(tx, linkScope(scope, mapped), { localIds: [...deleted] })
    await saveLinks(
      tx,
      linkScope(scope, mapped),
      links.map((link) => ({
        ...link,
        state: 'tombstoned' as const,
        seen: laterVersion(link.seen, scope.providerNow()),
      })),
    )
  })
  await settle(run, settlements)
  return null
}

async function settle(run: LaneRun, settlements: readonly Settlement[]): Promise<void> {
  const { scope } = run
  await fenced(scope.organization, scope.hold, (tx) => settleDeliveries(tx, scope.connectionId, settlements))
}
