// Webhooks as they arrive at a real server, verified by the official client.
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, Signature } from '@hubspot/api-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import type { Sandbox } from '../sandbox.ts'

interface Delivery {
  readonly url: string
  readonly headers: Record<string, unknown>
  readonly body: string
  readonly events: Record<string, unknown>[]
}

let sandbox: Sandbox
let receiver: Server
let receiverUrl: string
let answers: number[] = []
const deliveries: Delivery[] = []

beforeAll(async () => {
  // Retries wait no time here: what is tested is that they happen and end.
  sandbox = await startSandbox({ sleep: () => new Promise((resolve) => setImmediate(resolve)) })
  receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const events = JSON.parse(body) as Record<string, unknown>[]
      deliveries.push({ url: `${receiverUrl}${request.url}`, headers: request.headers, body, events })
      response.writeHead(answers.shift() ?? 200).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
})
afterAll(async () => {
  await sandbox.close()
  receiver.closeAllConnections()
  await new Promise((resolve) => receiver.close(resolve))
})

async function control(path: string, body: unknown): Promise<Response> {
  return fetch(`${sandbox.url}/_sandbox/${path}`, { method: 'POST', body: JSON.stringify(body) })
}

async function delivered(): Promise<Delivery[]> {
  await sandbox.settled()
  return deliveries.splice(0)
}

const subscriptions = [
  { eventType: 'contact.creation' },
  { eventType: 'contact.propertyChange', propertyName: 'email' },
  { eventType: 'contact.deletion' },
  { eventType: 'contact.merge' },
  { eventType: 'contact.associationChange' },
]

async function subscribe(account: CreatedAccount, path: string): Promise<void> {
  const response = await control('webhooks', { account: account.id, targetUrl: receiverUrl + path, subscriptions })
  expect(response.status).toBe(201)
}

it('arrive in one signed batch, for subscribed events only', async () => {
  const account = sandbox.createAccount({ connector: 'hubspot' })
  await subscribe(account, '/hooks/a?x=1')
  const { contacts, companies } = new Client({ basePath: account.url, accessToken: account.personToken }).crm
  const { id } = await contacts.basicApi.create({ properties: { email: 'a@b.example', firstname: 'A' } })
  const events = (await delivered()).flatMap((delivery) => {
    const { headers, body, url } = delivery
    const options = {
      signature: String(headers['x-hubspot-signature-v3']),
      clientSecret: account.webhookSecret,
      requestBody: body,
      signatureVersion: 'v3',
      url,
      method: 'POST',
      timestamp: Number(headers['x-hubspot-request-timestamp']),
    }
    expect(Signature.isValid(options)).toBe(true)
    expect(Signature.isValid({ ...options, requestBody: `${body} ` })).toBe(false)
    return delivery.events
  })
  expect(events.map((event) => event['subscriptionType'])).toEqual(['contact.creation', 'contact.propertyChange'])
  expect(events[1]).toMatchObject({
    objectId: Number(id),
    portalId: Number(account.id),
    propertyName: 'email',
    propertyValue: 'a@b.example',
    changeSource: 'CRM_UI',
    attemptNumber: 0,
  })

  const company = await companies.basicApi.create({ properties: { name: 'C' } })
  const client = new Client({ basePath: account.url, accessToken: account.accessToken })
  await client.crm.associations.v4.basicApi.createDefault('contacts', id, 'companies', company.id)
  await contacts.basicApi.update(id, { properties: { firstname: 'B' } })
  await contacts.basicApi.archive(id)
  const rest = (await delivered()).flatMap((delivery) => delivery.events)
  expect(rest.map((event) => event['subscriptionType']).toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual(
    ['contact.associationChange', 'contact.associationChange', 'contact.deletion'],
  )
})

it('are tried again until taken, ten times at most', async () => {
  const account = sandbox.createAccount({ connector: 'hubspot' })
  await subscribe(account, '/hooks/b')
  const { basicApi } = new Client({ basePath: account.url, accessToken: account.accessToken }).crm.contacts
  answers = [500, 429]
  await basicApi.create({ properties: { firstname: 'A' } })
  const attempts = await delivered()
  expect(attempts.map(({ events }) => events[0]!['attemptNumber'])).toEqual([0, 1, 2])
  expect(new Set(attempts.map(({ events }) => events[0]!['eventId'])).size).toBe(1)

  answers = Array.from({ length: 20 }, () => 500)
  await basicApi.create({ properties: { firstname: 'B' } })
  expect(await delivered()).toHaveLength(11)
  answers = []
})

it('of one account never go to the target of another', async () => {
  const [first, second] = [1, 2].map(() => sandbox.createAccount({ connector: 'hubspot' })) as [
    CreatedAccount,
    CreatedAccount,
  ]
  await subscribe(first, '/hooks/first')
  await new Client({ basePath: second.url, accessToken: second.accessToken }).crm.contacts.basicApi.create({
    properties: { firstname: 'Quiet' },
  })
  expect(await delivered()).toEqual([])
})

it('of an app are set up with the official client, and need the app to be installed', async () => {
  const app = { clientId: 'hooked', clientSecret: 'developer-key', redirectUris: ['http://localhost:9/cb'] }
  const account = sandbox.createAccount({ connector: 'hubspot', apps: [app] })
  const { appId } = (await (
    await control('webhooks', {
      clientId: app.clientId,
      targetUrl: receiverUrl,
      subscriptions: subscriptions.slice(0, 1),
    })
  ).json()) as { appId: number }
  const { webhooks } = new Client({ basePath: sandbox.url, developerApiKey: app.clientSecret })
  await webhooks.settingsApi.configure(appId, {
    targetUrl: `${receiverUrl}/app`,
    throttling: { maxConcurrentRequests: 10 },
  })
  const subscription = await webhooks.subscriptionsApi.create(appId, {
    eventType: 'contact.deletion' as never,
    active: true,
  })
  expect((await webhooks.subscriptionsApi.getAll(appId)).results).toHaveLength(2)

  const { basicApi } = new Client({ basePath: sandbox.url, accessToken: account.accessToken }).crm.contacts
  await basicApi.create({ properties: { firstname: 'Before' } })
  expect(await delivered()).toEqual([])
  const consent = await fetch(`${sandbox.url}/oauth/authorize`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      client_id: app.clientId,
      redirect_uri: app.redirectUris[0]!,
      account: account.id,
      decision: 'approve',
    }),
  })
  expect(consent.status).toBe(302)
  await basicApi.create({ properties: { firstname: 'After' } })
  expect((await delivered()).map(({ url }) => url)).toEqual([`${receiverUrl}/app`])
  await webhooks.subscriptionsApi.archive(Number(subscription.id), appId)
  expect((await webhooks.subscriptionsApi.getAll(appId)).results).toHaveLength(1)
})

it('are never sent to another machine', async () => {
  const account = sandbox.createAccount({ connector: 'hubspot' })
  const response = await control('webhooks', {
    account: account.id,
    targetUrl: 'https://example.com/hook',
    subscriptions,
  })
  expect(response.status).toBe(400)
})
