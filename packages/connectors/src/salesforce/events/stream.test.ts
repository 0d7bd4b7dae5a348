// Change events through the connector, against the simulated Salesforce: what is told, where it goes on, what a refusal means.
import { startSandbox } from '@rowhouse/sandbox'
import type { CreatedAccount, Sandbox } from '@rowhouse/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { StreamRead, StreamSession } from '../../kit/connector.ts'
import { createHttp } from '../../kit/create-http.ts'
import type { ConnectorHttp, HttpAnswer } from '../../kit/http.ts'
import { scripted } from '../../kit/test-scripted.ts'
import { readEvents } from './change-events.ts'
import { stream } from './stream.ts'

let sandbox: Sandbox
let account: CreatedAccount
let http: ConnectorHttp
beforeAll(async () => {
  sandbox = await startSandbox()
  account = sandbox.createAccount({ connector: 'salesforce' })
  http = createHttp({ baseUrl: account.url, accessToken: account.accessToken })
})
afterAll(() => sandbox.close())

const both = (position: string | null = null) => ['contact', 'company'].map((object) => ({ object, position }))

async function opened(position: string | null = null): Promise<StreamSession> {
  const answer = await stream.open(http, both(position))
  if (!answer.ok) throw new Error(JSON.stringify(answer.failure))
  expect(answer.value.refused).toEqual([])
  return answer.value.session
}

/** Reads until something is told. */
async function told(session: StreamSession): Promise<StreamRead> {
  for (let reads = 0; reads < 10; reads++) {
    const answer = await stream.next(http, session)
    if (!answer.ok) throw new Error(JSON.stringify(answer.failure))
    if (answer.value.committedAtMs !== null) return answer.value
    ;({ session } = answer.value)
  }
  throw new Error('Nothing was told.')
}

const hand = (): ReturnType<Sandbox['person']> => sandbox.person(account.id)

describe('change events', () => {
  it('name records, whoever changed them and however, and say where to go on', async () => {
    const session = await opened()
    const id = hand().create('Contact', { LastName: 'A' })
    const first = await told(session)
    expect(first).toMatchObject({
      changes: [{ object: 'contact', id, deleted: false, own: false }],
      untold: [],
      positions: { contact: expect.stringMatching(/^\d+$/) as string },
      committedAtMs: expect.any(Number) as number,
    })
    hand().update('Contact', id, { Title: 'T' })
    hand().remove('Contact', id)
    const company = hand().create('Account', { Name: 'N' })
    const again = await told(await opened(first.positions['contact']))
    expect(again.changes).toEqual([
      { object: 'contact', id, deleted: true, own: false },
      { object: 'company', id: company, deleted: false, own: false },
    ])
    expect(Object.keys(again.positions)).toEqual(['contact', 'company'])
  })

  it('know our own writes by the tag', async () => {
    const session = await opened()
    const headers = { 'sforce-call-options': 'client=rowhouse' }
    await http.request({
      method: 'POST',
      path: '/services/data/v67.0/sobjects/Contact',
      json: { LastName: 'B' },
      headers,
    })
    expect((await told(session)).changes).toMatchObject([{ own: true }])
  })

  it('without values lead to the record, and an overflow to all of them', async () => {
    const session = await opened()
    sandbox.changeEvents(account.id, { gaps: 1 })
    const id = hand().create('Contact', { LastName: 'C' })
    const gap = await told(session)
    expect(gap).toMatchObject({ changes: [{ id }], untold: [] })
    sandbox.changeEvents(account.id, { overflow: 'Contact' })
    expect(await told(gap.session)).toMatchObject({ changes: [], untold: ['contact'] })
  })

  it('whose position is gone refuse that object, and no other', async () => {
    sandbox.changeEvents(account.id, { forget: true })
    const answer = await stream.open(http, [
      { object: 'contact', position: '1' },
      { object: 'company', position: null },
    ])
    expect(answer).toMatchObject({
      ok: true,
      value: {
        refused: [
          { object: 'contact', failure: { action: 'resync', reason: expect.stringContaining('replayId') as string } },
        ],
      },
    })
  })

  it('need the cookies that the server gave', async () => {
    const { cookie, ...session } = await opened()
    expect(cookie).toMatch(/^BAYEUX_BROWSER=\w+$/)
    expect(await stream.next(http, session)).toMatchObject({ ok: false, failure: { action: 'retry', afterMs: 0 } })
  })

  it('end with the token, and with a session that nobody knows', async () => {
    const session = await opened()
    expect(await stream.next(http, { ...session, clientId: 'nobody' })).toMatchObject({
      failure: { action: 'retry', afterMs: 0 },
    })
    await stream.close(http, session)
    expect(await stream.next(http, session)).toMatchObject({ failure: { action: 'retry', afterMs: 0 } })
    const stranger = createHttp({ baseUrl: account.url, accessToken: 'nobody' })
    expect(await stream.open(stranger, both())).toMatchObject({ failure: { action: 'refresh_credentials' } })
  })
})

describe('a refusal', () => {
  const refusal = (error: string, more: object = {}): Partial<HttpAnswer> => ({
    body: [{ channel: '/meta/connect', successful: false, error, ...more }],
  })
  it.each([
    ['the token', refusal('401::Authentication invalid'), { action: 'refresh_credentials' }],
    [
      'the token, nested',
      refusal('403::Handshake denied', { ext: { sfdc: { failureReason: '401::Authentication invalid' } } }),
      { action: 'refresh_credentials' },
    ],
    [
      'the token, below the protocol',
      { status: 401, body: [{ errorCode: 'INVALID_SESSION_ID' }] },
      { action: 'refresh_credentials' },
    ],
    [
      'the session',
      refusal('403::Unknown client', { advice: { reconnect: 'handshake' } }),
      { action: 'retry', afterMs: 0 },
    ],
    [
      'the day',
      refusal('403::Organization total events daily limit exceeded'),
      { action: 'retry', afterMs: 900_000, scope: 'call' },
    ],
    ['the server', refusal('503::Server is too busy'), { action: 'retry', afterMs: null }],
    ['a page', { body: '<html>' }, { action: 'retry' }],
    ['nothing', { status: 0, body: null }, { action: 'retry' }],
    ['an object', { body: {} }, { action: 'retry' }],
    ['no reply', { body: [{ channel: '/data/ContactChangeEvent', data: {} }] }, { action: 'retry' }],
    ['a word that nobody knows', refusal('420::Enhance your calm'), { action: 'retry' }],
  ])('of %s', async (_name, answer, failure) => {
    expect(await stream.next(scripted(answer), { clientId: 'c' })).toMatchObject({ ok: false, failure })
  })

  it('of a channel names what a person has to select', async () => {
    const opening = scripted(
      { body: [{ channel: '/meta/handshake', successful: true, clientId: 'c' }] },
      {
        body: [
          {
            channel: '/meta/subscribe',
            subscription: '/data/ContactChangeEvent',
            successful: false,
            error: '404::Unknown channel',
          },
        ],
      },
    )
    expect(await stream.open(opening, [{ object: 'contact', position: null }])).toMatchObject({
      value: {
        refused: [{ failure: { action: 'pause', advice: expect.stringContaining('Change Data Capture') as string } }],
      },
    })
  })
})

describe('an event', () => {
  const header = (more: object) => [
    { channel: '/data/ContactChangeEvent', data: { event: { replayId: 7 }, payload: { ChangeEventHeader: more } } },
  ]
  it.each([
    ['of every record at once', { recordIds: ['003'], changeType: 'UPDATE' }],
    ['without ids', { changeType: 'UPDATE' }],
    ['of a form nobody knows', { recordIds: [{}], changeType: 7 }],
    ['that overflowed', { recordIds: ['000000000000000AAA'], changeType: 'GAP_OVERFLOW' }],
  ])('%s is every record of the object', (_name, more) => {
    expect(readEvents(header(more))).toMatchObject({ changes: [], untold: ['contact'], positions: { contact: '7' } })
  })

  it('that a restore made is no delete', () => {
    const recordIds = ['0035e00000AbCdEAAV']
    expect(readEvents(header({ recordIds, changeType: 'GAP_UNDELETE' })).changes).toMatchObject([{ deleted: false }])
    expect(readEvents(header({ recordIds, changeType: 'GAP_DELETE' })).changes).toMatchObject([{ deleted: true }])
  })

  it('of another channel is nobody’s', () => {
    expect(readEvents([{ channel: '/data/LeadChangeEvent', data: { event: { replayId: 9 } } }, {}])).toEqual({
      changes: [],
      untold: [],
      positions: {},
      committedAtMs: null,
    })
  })
})
