// Verifies a webhook of HubSpot (signature v3) and names the records that are due. Owns the signature
// and the event shapes; must not trust any value in the body beyond ids, and never throws.
// https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests
import { createHmac, timingSafeEqual } from 'node:crypto'
import { distinct } from '../kit/batches.ts'
import type { DueRecords, WebhookRequest, WebhookVerdict } from '../kit/connector.ts'
import { arrayOf, objectOf, parseJson, textOf } from '../kit/reading.ts'
import type { JsonObject } from '../kit/reading.ts'
import { objects } from './description.ts'
import type { HubspotObject } from './object.ts'
import { customType, findObject } from './objects.ts'

/** HubSpot's own bound, both ways: a clock that is ahead is as suspicious as a replay. */
export const ageMaxMs = 300_000
/** HubSpot sends at most 100 events; more than this is not HubSpot. */
export const eventsMax = 10_000

export function verifyWebhook(request: WebhookRequest, secret: string, account: string, nowMs: number): WebhookVerdict {
  const signature = request.headers['x-hubspot-signature-v3']
  const timestamp = request.headers['x-hubspot-request-timestamp']
  if (!signature || !timestamp || !/^\d{1,16}$/.test(timestamp)) {
    return { ok: false, code: 'webhook_signature_invalid', reason: 'The signature or its timestamp is missing.' }
  }
  if (!isSigned(request, secret, timestamp, signature)) {
    return { ok: false, code: 'webhook_signature_invalid', reason: 'The signature does not fit the request.' }
  }
  if (Math.abs(nowMs - Number(timestamp)) > ageMaxMs) {
    return { ok: false, code: 'webhook_expired', reason: `The request is not within ${ageMaxMs} ms of now.` }
  }
  const body = parseJson(Buffer.from(request.rawBody).toString())
  const events = Array.isArray(body) ? body : typeof body === 'object' && body !== null ? [body] : null
  if (events === null || events.length > eventsMax) {
    return { ok: false, code: 'validation_failed', reason: 'The body is not a list of events.' }
  }
  return { ok: true, due: dueOf(events, account) }
}

function isSigned(request: WebhookRequest, secret: string, timestamp: string, signature: string): boolean {
  const hmac = createHmac('sha256', secret)
  hmac.update(`${request.method.toUpperCase()}${decodeUri(request.url)}`)
  hmac.update(request.rawBody)
  const expected = hmac.update(timestamp).digest()
  const given = Buffer.from(signature, 'base64')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

// HubSpot signs the address with exactly these characters decoded.
function decodeUri(url: string): string {
  return url.replace(/%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/gi, (escape) => decodeURIComponent(escape))
}

// One address may hear several portals of an app. Refusing their events would make HubSpot send them
// again and again, so events of another portal are dropped.
function dueOf(events: readonly unknown[], account: string): DueRecords[] {
  const changed = new Map<string, Set<string>>()
  const gone = new Map<string, Set<string>>()
  const mark = (marks: Map<string, Set<string>>, object: HubspotObject | undefined, ids: readonly unknown[]) => {
    if (!object) return
    const marked = marks.get(object.name) ?? new Set<string>()
    marks.set(object.name, marked)
    for (const id of ids.flatMap((value) => textOf(value) ?? [])) if (/^\d{1,20}$/.test(id)) marked.add(id)
  }
  for (const event of events.map((entry) => objectOf(entry))) {
    if (textOf(event['portalId']) !== account) continue
    const [subject = '', kind = ''] = (textOf(event['subscriptionType']) ?? '').split('.')
    const object = objectOfEvent(subject, event)
    if (kind === 'deletion' || kind === 'privacyDeletion') mark(gone, object, [event['objectId']])
    else if (kind === 'associationChange') markAssociation(event, (side, id) => mark(changed, side, [id]))
    else if (kind === 'merge') {
      const merged = arrayOf(event['mergedObjectIds'])
      mark(changed, object, [event['newObjectId'], event['primaryObjectId'], event['objectId'], ...merged])
    } else mark(changed, object, [event['objectId']])
  }
  return distinct([...changed.keys(), ...gone.keys()]).map((object) => ({
    object,
    ids: [...(changed.get(object) ?? [])],
    deletedIds: [...(gone.get(object) ?? [])],
  }))
}

function objectOfEvent(subject: string, event: JsonObject): HubspotObject | undefined {
  if (subject === 'object') return objectOfType(event['objectTypeId'])
  return objects.find(({ name }) => name === subject)
}

function objectOfType(typeId: unknown): HubspotObject | undefined {
  const name = textOf(typeId) ?? ''
  return objects.find((known) => known.typeId === name) ?? (customType.test(name) ? findObject(name) : undefined)
}

// CONTACT_TO_COMPANY, or a pair of type ids; only the side that can hold a reference is due.
function markAssociation(event: JsonObject, mark: (object: HubspotObject, id: unknown) => void): void {
  const names = /^([A-Z_]+?)_TO_([A-Z_]+)$/.exec(textOf(event['associationType']) ?? '')
  const sides = [
    { name: names?.[1]?.toLowerCase(), typeId: event['fromObjectTypeId'], id: event['fromObjectId'] },
    { name: names?.[2]?.toLowerCase(), typeId: event['toObjectTypeId'], id: event['toObjectId'] },
  ]
  for (const { name, typeId, id } of sides) {
    const object = objects.find((known) => known.name === name) ?? objectOfType(typeId)
    // What a custom object refers to is the mapping's to say: asking for it costs little.
    if (object && (object.references.length > 0 || customType.test(object.name))) mark(object, id)
  }
}
