// Webhooks as the sandbox delivers them, and as nobody should: forged, old, of another portal, nonsense.
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as fc from 'fast-check'
import { startSandbox } from '@rowhouse/sandbox'
import { describe, expect, it } from 'vitest'
import type { WebhookRequest } from '../kit/connector.ts'
import { createHttp } from '../kit/create-http.ts'
import { ageMaxMs, eventsMax, verifyWebhook } from './webhook.ts'

const nowMs = Date.parse('2026-03-01T12:00:00.000Z')
const secret = 'a secret'
const portal = '4711'

function signed(body: string | Uint8Array, overrides: Readonly<Record<string, string>> = {}): WebhookRequest {
  const { url = 'https://rowhouse.example/hooks', timestamp = String(nowMs), key = secret } = overrides
  const rawBody = Buffer.from(body)
  const hmac = createHmac('sha256', key).update(`POST${url}`).update(rawBody).update(timestamp)
  const headers = { 'x-hubspot-signature-v3': hmac.digest('base64'), 'x-hubspot-request-timestamp': timestamp }
  return { method: 'POST', url, headers, rawBody }
}
const event = (subscriptionType: string, rest: Readonly<Record<string, unknown>> = {}) => ({
  portalId: Number(portal),
  subscriptionType,
  objectId: 1,
  ...rest,
})
const verify = (request: WebhookRequest) => verifyWebhook(request, secret, portal, nowMs)
const dueOf = (...events: readonly unknown[]) => verify(signed(JSON.stringify(events)))

describe('what is due', () => {
  it('is named once per record, deletions apart', () => {
    expect(
      dueOf(
        event('contact.creation'),
        event('contact.propertyChange', { propertyName: 'email' }),
        event('contact.deletion', { objectId: 2 }),
        event('contact.restore', { objectId: 3 }),
        event('company.privacyDeletion', { objectId: 4 }),
        event('object.propertyChange', { objectTypeId: '0-2', objectId: 5 }),
        event('ticket.creation', { objectId: 6 }),
        event('object.creation', { objectTypeId: '2-7', objectId: 7 }),
        event('object.deletion', { objectTypeId: '2-7', objectId: 8 }),
        event('object.creation', { objectTypeId: 'none', objectId: 9 }),
      ),
    ).toEqual({
      ok: true,
      due: [
        { object: 'contact', ids: ['1', '3'], deletedIds: ['2'] },
        { object: 'company', ids: ['5'], deletedIds: ['4'] },
        { object: '2-7', ids: ['7'], deletedIds: ['8'] },
      ],
    })
  })

  it('of a merge are all its records', () => {
    const merge = { objectId: 9, primaryObjectId: 7, mergedObjectIds: [8], newObjectId: 9 }
    expect(dueOf(event('contact.merge', merge))).toMatchObject({ due: [{ ids: ['9', '7', '8'], deletedIds: [] }] })
  })

  it('of an association is the side that holds the reference', () => {
    const change = { objectId: undefined, fromObjectId: 1, toObjectId: 2 }
    const there = event('contact.associationChange', { ...change, associationType: 'CONTACT_TO_COMPANY' })
    const back = { fromObjectId: 2, toObjectId: 1, associationType: 'COMPANY_TO_CONTACT', objectId: undefined }
    const due = [{ object: 'contact', ids: ['1'], deletedIds: [] }]
    expect(dueOf(there, event('company.associationChange', back))).toEqual({ ok: true, due })
  })

  it('is nothing for another portal', () => {
    expect(dueOf(event('contact.creation', { portalId: 4712 }))).toEqual({ ok: true, due: [] })
    expect(dueOf(event('contact.creation', { portalId: null }))).toEqual({ ok: true, due: [] })
  })
})

describe('what is refused', () => {
  const body = JSON.stringify([event('contact.creation')])

  it('is what another key signed, or nobody', () => {
    const refused = { ok: false, code: 'webhook_signature_invalid' }
    expect(verify(signed(body, { key: 'another' }))).toMatchObject(refused)
    expect(verify({ ...signed(body), headers: {} })).toMatchObject(refused)
    expect(verify({ ...signed(body), rawBody: Buffer.from(body.replace('1', '2')) })).toMatchObject(refused)
    expect(verify({ ...signed(body), url: 'https://rowhouse.example/other' })).toMatchObject(refused)
    const headers = { ...signed(body).headers, 'x-hubspot-request-timestamp': String(nowMs + 1) }
    expect(verify({ ...signed(body), headers })).toMatchObject(refused)
    expect(verify({ ...signed(body), headers: { ...headers, 'x-hubspot-request-timestamp': 'now' } })).toMatchObject(
      refused,
    )
  })

  it('is what is too old or from the future, and nothing a moment younger', () => {
    const at = (timestampMs: number) => verify(signed(body, { timestamp: String(timestampMs) }))
    expect(at(nowMs - ageMaxMs)).toMatchObject({ ok: true })
    expect(at(nowMs - ageMaxMs - 1)).toMatchObject({ ok: false, code: 'webhook_expired' })
    expect(at(nowMs + ageMaxMs + 1)).toMatchObject({ ok: false, code: 'webhook_expired' })
  })

  it('is what is no list of events', () => {
    const refused = { ok: false, code: 'validation_failed' }
    for (const text of ['', 'nonsense', '"text"', '1', 'null']) expect(verify(signed(text))).toMatchObject(refused)
    expect(verify(signed(JSON.stringify(Array(eventsMax + 1).fill(0))))).toMatchObject(refused)
  })

  it('never throws, whatever was signed', () => {
    expect.hasAssertions()
    const keys = fc.constantFrom('portalId', 'subscriptionType', 'objectId', 'mergedObjectIds', 'associationType')
    const events = fc.array(fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue())))
    fc.assert(
      fc.property(events, (list) => {
        expect(verify(signed(JSON.stringify(list))).ok).toBe(true)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(verify(signed(bytes))).toHaveProperty('ok')
      }),
    )
  })
})

it('decodes the address as HubSpot does before it signs', () => {
  const body = '[]'
  const plain = signed(body, { url: 'https://rowhouse.example/hooks?to=a@b:c' })
  expect(verify({ ...plain, url: 'https://rowhouse.example/hooks?to=a%40b%3ac' })).toEqual({ ok: true, due: [] })
})

it('accepts what the sandbox delivers, and names what changed', async () => {
  const received: WebhookRequest[] = []
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      received.push({ method: request.method ?? '', url, headers, rawBody: Buffer.concat(chunks) })
      response.end()
    })
  })
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hooks`
  const sandbox = await startSandbox({ now: () => nowMs })
  try {
    const account = sandbox.createAccount({ connector: 'hubspot' })
    const subscriptions = ['contact.creation', 'contact.propertyChange', 'contact.associationChange'].map(
      (eventType) => ({
        eventType,
      }),
    )
    await fetch(`${sandbox.url}/_sandbox/webhooks`, {
      method: 'POST',
      body: JSON.stringify({ account: account.id, targetUrl: url, subscriptions }),
    })
    const http = createHttp({ baseUrl: account.url, accessToken: account.accessToken })
    const made = await http.request({
      method: 'POST',
      path: '/crm/v3/objects/contacts',
      json: { properties: { email: 'ada@example.com' } },
    })
    await sandbox.settled()
    const id = (made.body as { id: string }).id
    for (const request of received) {
      expect(verifyWebhook(request, account.webhookSecret, account.id, nowMs)).toEqual({
        ok: true,
        due: [{ object: 'contact', ids: [id], deletedIds: [] }],
      })
    }
    expect(received.length).toBeGreaterThan(0)
  } finally {
    await sandbox.close()
    receiver.closeAllConnections()
    receiver.close()
  }
})
