// Webhooks as they come on a bad day: twice, in another order, late; and the kinds that are rare.
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import { startSandbox } from '../sandbox.ts'
import type { Sandbox } from '../sandbox.ts'

interface Told {
  readonly subscriptionType: string
  readonly eventId: number
  readonly objectId: number
  readonly changeSource: string
}

let sandbox: Sandbox
let account: CreatedAccount
let receiver: Server
let told: Told[]
let slept: number[]
const kinds = ['creation', 'deletion', 'restore', 'merge', 'privacyDeletion'].map((kind) => `contact.${kind}`)

beforeEach(async () => {
  told = []
  slept = []
  receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      told.push(...(JSON.parse(body) as Told[]))
      response.end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const sleep = (durationMs: number): Promise<void> => {
    slept.push(durationMs)
    return Promise.resolve()
  }
  sandbox = await startSandbox({ sleep })
  account = sandbox.createAccount({ connector: 'hubspot' })
  const targetUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`
  const subscriptions = kinds.map((eventType) => ({ eventType }))
  const body = JSON.stringify({ account: account.id, targetUrl, subscriptions })
  await fetch(`${sandbox.url}/_sandbox/webhooks`, { method: 'POST', body })
})
afterEach(async () => {
  await sandbox.close()
  await new Promise((resolve) => receiver.close(resolve))
})

it('tells creations, deletions, restores and merges of a person', async () => {
  const person = sandbox.person(account.id)
  const [a, b] = [person.create('contacts', { firstname: 'A' }), person.create('contacts', { firstname: 'B' })]
  person.remove('contacts', a)
  person.restore('contacts', a)
  person.merge('contacts', a, b)
  await sandbox.settled()
  expect(told.map(({ subscriptionType }) => subscriptionType).sort()).toEqual([
    'contact.creation',
    'contact.creation',
    'contact.creation',
    'contact.deletion',
    'contact.merge',
    'contact.restore',
  ])
  expect(new Set(told.map(({ changeSource }) => changeSource))).toEqual(new Set(['CRM_UI']))
})

it('tells what comes twice with the same event id', async () => {
  sandbox.webhookTrouble(account.id, { duplicateRate: 1 })
  sandbox.person(account.id).create('contacts', { firstname: 'A' })
  await sandbox.settled()
  expect(told).toHaveLength(2)
  expect(told[0]!.eventId).toBe(told[1]!.eventId)
})

it('tells late, and in another order, none lost', async () => {
  sandbox.webhookTrouble(account.id, { shuffle: true, delayMs: 60_000 })
  const person = sandbox.person(account.id)
  const ids = Array.from({ length: 20 }, (_, n) => Number(person.create('contacts', { firstname: String(n) })))
  await sandbox.settled()
  expect(slept).toContain(60_000)
  const order = told.map(({ objectId }) => objectId)
  expect(order).not.toEqual(ids)
  expect(order.toSorted((a, b) => a - b)).toEqual(ids)
})
