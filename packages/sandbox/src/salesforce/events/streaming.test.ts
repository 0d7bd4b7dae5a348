// Change events as jsforce's own streaming client hears them: subscribe, replay, gaps, overflow, sessions.
import jsforce from 'jsforce'
import { StreamingExtension } from 'jsforce/lib/api/streaming.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CreatedAccount } from '../../control/simulated-crm.ts'
import { startSandbox } from '../../sandbox.ts'
import type { Sandbox } from '../../sandbox.ts'

interface Heard {
  readonly payload: Record<string, unknown> & { ChangeEventHeader: Record<string, unknown> & { recordIds: string[] } }
  readonly event: { replayId: number }
}

let sandbox: Sandbox
let account: CreatedAccount
let connection: InstanceType<typeof jsforce.Connection>
let now = Date.parse('2026-03-01T12:00:00.000Z')
const ends: (() => void)[] = []

beforeEach(async () => {
  sandbox = await startSandbox({ now: () => now })
  account = sandbox.createAccount({ connector: 'salesforce' })
  const { accessToken } = account
  const callOptions = { client: 'rowhouse' }
  connection = new jsforce.Connection({ instanceUrl: sandbox.url, accessToken, version: '60.0', callOptions })
})
afterEach(async () => {
  for (const end of ends.splice(0)) end()
  await sandbox.close()
})

async function hear(channel: string, replayId: number, extensions: unknown[] = []): Promise<Heard[]> {
  const heard: Heard[] = []
  const replay = new StreamingExtension.Replay(channel, replayId)
  const client = connection.streaming.createClient([replay, ...extensions] as never)
  ends.push(() => (client as unknown as { disconnect(): void }).disconnect())
  await client.subscribe(channel, (message: unknown) => void heard.push(message as Heard))
  return heard
}

// The text has characters that the client's own parser of errors does not know: it hands it on whole.
const refusedReplay = expect.stringContaining('400::The replayId') as string

const typesOf = (heard: readonly Heard[]): unknown[] =>
  heard.map(({ payload }) => payload.ChangeEventHeader['changeType'])

describe('jsforce’s streaming client', () => {
  it('hears what changes, with the client that changed it', async () => {
    const heard = await hear('/data/ContactChangeEvent', -1)
    const contacts = connection.sobject('Contact')
    const { id } = await contacts.create({ LastName: 'L', Email: 'a@b.example' })
    await contacts.update({ Id: id!, Email: '', Title: 'T' })
    await connection.sobject('Account').create({ Name: 'not heard' })
    await contacts.delete(id!)
    sandbox.person(account.id).restore('Contact', id!)
    await expect.poll(() => typesOf(heard)).toEqual(['CREATE', 'UPDATE', 'DELETE', 'UNDELETE'])
    const [created, updated, deleted] = heard
    const changeOrigin = 'com/salesforce/api/rest/60.0;client=rowhouse'
    expect(created!.payload).toMatchObject({
      LastName: 'L',
      ChangeEventHeader: {
        entityName: 'Contact',
        recordIds: [id],
        changeOrigin,
        commitTimestamp: now,
        sequenceNumber: 1,
      },
    })
    expect(updated!.payload.ChangeEventHeader).toMatchObject({
      changedFields: ['Email', 'Title', 'LastModifiedDate'],
      nulledFields: ['Email'],
    })
    expect(updated!.payload).toMatchObject({ Title: 'T' })
    expect(updated!.payload).not.toHaveProperty('LastName')
    expect(Object.keys(deleted!.payload)).toEqual(['ChangeEventHeader'])
    expect(heard[3]!.payload.ChangeEventHeader['changeOrigin']).toContain('SfdcInternalAPI')
  })

  it('is given what it missed: after an id, or all there is', async () => {
    const contacts = connection.sobject('Contact')
    for (const name of ['A', 'B', 'C']) await contacts.create({ LastName: name })
    const all = await hear('/data/ContactChangeEvent', -2)
    await expect.poll(() => all.map(({ payload }) => payload['LastName'])).toEqual(['A', 'B', 'C'])
    const rest = await hear('/data/ChangeEvents', all[0]!.event.replayId)
    await expect.poll(() => rest.map(({ payload }) => payload['LastName'])).toEqual(['B', 'C'])
  })

  it('is refused a replay id that is gone: older than three days, or forgotten', async () => {
    const contacts = connection.sobject('Contact')
    await contacts.create({ LastName: 'A' })
    await contacts.create({ LastName: 'B' })
    const first = await hear('/data/ContactChangeEvent', -2)
    await expect.poll(() => first.length).toBe(2)
    now += 100 * 60_000
    await contacts.create({ LastName: 'C' })
    now += 71 * 3_600_000
    await expect(hear('/data/ContactChangeEvent', first[0]!.event.replayId)).rejects.toMatchObject({
      message: refusedReplay,
    })
    sandbox.changeEvents(account.id, { forget: true })
    await expect(hear('/data/ContactChangeEvent', first[1]!.event.replayId)).rejects.toMatchObject({
      message: refusedReplay,
    })
    await expect(hear('/data/UnicornChangeEvent', -1)).rejects.toMatchObject({
      message: expect.stringContaining('404::Unknown channel') as string,
    })
  })

  it('hears gaps without values, and an overflow without records', async () => {
    const heard = await hear('/data/ChangeEvents', -1)
    sandbox.changeEvents(account.id, { gaps: 1 })
    const { id } = await connection.sobject('Contact').create({ LastName: 'Gap' })
    await connection.sobject('Contact').update({ Id: id!, Title: 'told again' })
    sandbox.changeEvents(account.id, { overflow: 'Contact' })
    await expect.poll(() => typesOf(heard)).toEqual(['GAP_CREATE', 'UPDATE', 'GAP_OVERFLOW'])
    expect(Object.keys(heard[0]!.payload)).toEqual(['ChangeEventHeader'])
    expect(heard[0]!.payload.ChangeEventHeader.recordIds).toEqual([id])
    expect(heard[2]!.payload.ChangeEventHeader.recordIds).toEqual(['000000000000000AAA'])
  })

  it('hears nothing of what was taken back, and one transaction of what was done together', async () => {
    const heard = await hear('/data/ContactChangeEvent', -1)
    const contacts = connection.sobject('Contact')
    await contacts.create([{ LastName: 'A' }, { Email: 'none' }], { allOrNone: true })
    await contacts.create([{ LastName: 'B' }, { LastName: 'C' }])
    await expect.poll(() => heard.length).toBe(2)
    const [b, c] = heard.map(({ payload }) => payload.ChangeEventHeader)
    expect(b!['transactionKey']).toBe(c!['transactionKey'])
    expect([b!['sequenceNumber'], c!['sequenceNumber']]).toEqual([1, 2])
  })

  it('is told to stop when its session is gone', async () => {
    sandbox.chaos(account.id, { revokeTokens: true })
    const failed = new Promise((resolve) => {
      void hear('/data/ContactChangeEvent', -1, [new StreamingExtension.AuthFailure(resolve)])
    })
    expect(await failed).toMatchObject({ advice: { reconnect: 'none' }, successful: false })
  })
})

it('a custom object has a channel of its own; another organization hears nothing', async () => {
  const other = sandbox.createAccount({ connector: 'salesforce' })
  expect(sandbox.person(account.id).addObject('Machine', 'Machine')).toBe('Machine__c')
  const heard = await hear('/data/Machine__ChangeEvent', -1)
  sandbox.person(other.id).addObject('Machine', 'Machine')
  sandbox.person(other.id).create('Machine__c', { Name: 'theirs' })
  sandbox.person(account.id).create('Machine__c', { Name: 'ours' })
  await expect.poll(() => heard.map(({ payload }) => payload['Name'])).toEqual(['ours'])
})

it('a client that is not known is told to shake hands again; nonsense is told so', async () => {
  const headers = { authorization: `OAuth ${account.accessToken}` }
  const send = async (body: string): Promise<unknown> =>
    (await fetch(`${sandbox.url}/cometd/60.0`, { method: 'POST', headers, body })).json()
  expect(await send(JSON.stringify([{ channel: '/meta/connect', clientId: 'nobody' }]))).toMatchObject([
    { successful: false, advice: { reconnect: 'handshake' } },
  ])
  expect(await send('{')).toMatchObject([{ successful: false }])
  expect(await send('[null,{}]')).toMatchObject([{ successful: false }, { successful: false }])
})
