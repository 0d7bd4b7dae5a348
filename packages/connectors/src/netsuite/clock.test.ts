// Time as NetSuite tells it: SuiteQL in the wall clock of a zone that is not named, in whole seconds, and once a
// year the same hour twice. Asked of the simulated account over real HTTP, the way the engine asks.
import { startSandbox } from '@rowhouse/sandbox'
import type { Sandbox } from '@rowhouse/sandbox'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttp } from '../kit/create-http.ts'
import type { ConnectorHttp } from '../kit/http.ts'
import type { PollPosition } from '../kit/connector.ts'
import { netsuite } from './index.ts'

let sandbox: Sandbox
let now = Date.parse('2026-10-20T00:00:00Z')
beforeAll(async () => {
  sandbox = await startSandbox({ now: () => now })
})
afterAll(() => sandbox.close())

const minutes = (count: number): number => count * 60_000
const selection = { object: 'company', fields: ['companyName'], references: [] }

interface Company {
  readonly http: ConnectorHttp
  readonly calls: () => number
  readonly create: (name: string) => string
  readonly remove: (id: string) => void
}

function companyIn(timeZone: string): Company {
  const account = sandbox.createAccount({ connector: 'netsuite', limits: { timeZone } })
  const http = createHttp({ baseUrl: account.url, accessToken: account.accessToken })
  const person = sandbox.person(account.id)
  let calls = 0
  return {
    http: {
      request: (request) => {
        calls += 1
        return http.request(request)
      },
    },
    calls: () => calls,
    create: (name) => person.create('customer', { companyName: name }),
    remove: (id) => person.remove('customer', id),
  }
}

/** As the engine polls: from a little before the last record it saw, to the end. */
async function sweep(http: ConnectorHttp, from: string): Promise<{ id: string; modifiedAt: string }[]> {
  const seen: { id: string; modifiedAt: string }[] = []
  let position: PollPosition = { modifiedAt: new Date(Date.parse(from) - 6000).toISOString(), id: '' }
  for (let page = 0; page < 100; page++) {
    const answer = await netsuite.poll(http, selection, position, 1000)
    if (!answer.ok) throw new Error(answer.failure.reason)
    seen.push(...answer.value.records.map(({ id, modifiedAt }) => ({ id, modifiedAt })))
    position = answer.value.position
    if (!answer.value.more) return seen
  }
  throw new Error('the sweep did not end')
}

// Lord Howe's clocks change by half an hour, and nobody can choose it: it is found by its offset.
const zones = [
  ['America/Los_Angeles', '2026-11-01T07:00:00Z'],
  ['Europe/Paris', '2026-10-24T23:00:00Z'],
  ['Australia/Sydney', '2027-04-03T14:00:00Z'],
  ['America/Los_Angeles', '2027-03-14T08:00:00Z'],
  ['Asia/Kathmandu', '2026-11-01T00:00:00Z'],
  ['Australia/Lord_Howe', '2026-12-01T00:00:00Z'],
] as const

describe.each(zones)('a night in %s, from %s', (timeZone, from) => {
  it('has each record seen once it is there, at its very instant', async () => {
    now = Date.parse(from)
    const { http, create } = companyIn(timeZone)
    const made = new Map<string, string>()
    const seen = new Map<string, string>()
    let furthest: string = from
    for (let step = 0; step < 40; step++) {
      now += minutes(7)
      const id = create(`${timeZone} ${step}`)
      made.set(id, new Date(Math.floor(now / 1000) * 1000).toISOString())
      for (const record of await sweep(http, furthest)) {
        seen.set(record.id, record.modifiedAt)
        if (record.modifiedAt > furthest) furthest = record.modifiedAt
      }
      expect(seen.has(id)).toBe(true)
    }
    expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(made))
  })

  it('has each deletion reported, also in the hour that comes twice', async () => {
    now = Date.parse(from)
    const { http, create, remove } = companyIn(timeZone)
    const ids = Array.from({ length: 40 }, (_, index) => create(`${timeZone} gone ${index}`))
    const begun = await netsuite.deleted(http, 'company', null)
    let cursor = begun.ok ? begun.value.cursor : ''
    const reported = new Set<string>()
    for (const id of ids) {
      now += minutes(7)
      remove(id)
      const answer = await netsuite.deleted(http, 'company', cursor)
      if (!answer.ok) throw new Error(answer.failure.reason)
      for (const deleted of answer.value.deleted) reported.add(deleted.id)
      cursor = answer.value.cursor
      expect(reported.has(id)).toBe(true)
    }
  })
})

it('reads a crowd by its order, and an idle account with two calls', async () => {
  now = Date.parse('2026-12-01T12:00:00Z')
  const { http, calls, create } = companyIn('Europe/Paris')
  const before = new Date(now).toISOString()
  const ids = Array.from({ length: 230 }, (_, index) => create(`Crowd ${index}`))
  expect(new Set((await sweep(http, before)).map(({ id }) => id))).toEqual(new Set(ids))
  now += minutes(10)
  create('Last')
  await sweep(http, new Date(now).toISOString())
  const earlier = calls()
  expect(await sweep(http, new Date(now).toISOString())).toHaveLength(1)
  expect(calls() - earlier).toBe(2)
})

it('gives one version to a record whichever season and way it is read in', async () => {
  now = Date.parse('2026-07-01T12:00:00Z')
  const { http, create } = companyIn('America/Denver')
  const id = create('Summer')
  const versions: string[] = []
  for (const season of ['2026-07-02T00:00:00Z', '2026-12-24T00:00:00Z', '2027-07-02T00:00:00Z']) {
    now = Date.parse(season)
    create(`Later ${season}`)
    const [got] = await netsuite.get(http, selection, [id]).then((answer) => (answer.ok ? answer.value : []))
    const listed = await netsuite.list(http, selection, null, 1000)
    versions.push(
      got!.modifiedAt,
      ...(listed.ok ? listed.value.records : []).filter((one) => one.id === id).map((one) => one.modifiedAt),
    )
  }
  expect(new Set(versions)).toEqual(new Set(['2026-07-01T12:00:00.000Z']))
  expect(versions).toHaveLength(6)
})
