// Salesforce's change events, from the simulated CRM to the row: told while polls are rare, lost, overflowed, forgotten,
// held by one worker at a time. After each both sides hold the same.
// Long because it is one list of what can happen to a stream, over one CRM whose clock and events it sets.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { connectors } from '@rowhouse/connectors'
import type { ChangeStream, Connector } from '@rowhouse/connectors'
import { startSandbox } from '@rowhouse/sandbox'
import type { Sandbox } from '@rowhouse/sandbox'
import { withClient } from '@rowhouse/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { encryptionKey, useHouse, withLimits } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'
import { raiseFence } from './home/fence.ts'
import type { Sync, SyncEvent } from './index.ts'
import { recordChanges } from './stream/record.ts'

const house = useHouse({ slowestPollMs: 3_600_000, callTimeoutMs: 1000 })
const soon = { timeout: 60_000, interval: 20 }
const salesforce = connectors.get('salesforce') as Connector

/** A Salesforce whose clock can be set: what is written has the time of a transaction that began long ago. */
let crm: Sandbox
let offsetMs = 0
beforeAll(async () => {
  crm = await startSandbox({ now: () => Date.now() + offsetMs })
})
afterAll(() => crm.close())

const engines: Sync[] = []
afterEach(async () => {
  await house().sync.worker.stop()
  for (const engine of engines.splice(0)) await engine.close()
  offsetMs = 0
  const stored = await house().sync.connections.list(house().owners.map(({ organizationId }) => organizationId))
  await withClient(house().database.adminUrl, async (admin) => {
    await admin.query('delete from rowhouse.connections where id = any ($1)', [stored.map(({ id }) => id)])
    for (const { organizationId } of house().owners)
      for (const table of ['contacts', 'companies', 'rowhouse_home.sync_links', 'rowhouse_home.sync_marks'])
        await admin.query(`delete from ${table} where organization_id = $1`, [organizationId])
  })
})

const names = ['Ada', 'Ben', 'Cyd', 'Dan', 'Eve']

/** An account with five contacts, connected; nothing works for it yet. */
async function connected(): Promise<Household> {
  const account = crm.createAccount({ connector: 'salesforce', limits: { dailyMax: 10_000_000 } })
  // Long ago: whatever is written later has a later version, also what a long transaction wrote.
  offsetMs = -3_600_000
  for (const name of names)
    crm.person(account.id).create('Contact', { LastName: name, Email: `${name.toLowerCase()}@x.example` })
  offsetMs = 0
  return house().connect(0, account)
}

const remote = async ({ account }: Household): Promise<Record<string, unknown>[]> => {
  const url = `${crm.url}/_sandbox/records?account=${account.id}&object=Contact`
  return ((await (await fetch(url)).json()) as { records: Record<string, unknown>[] }).records
}

const idOf = async (household: Household, name: string): Promise<string> =>
  String((await remote(household)).find(({ LastName }) => LastName === name)?.['Id'])

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** Every field of every record on both sides, and what the links hold as agreed. */
async function bothSides(household: Household): Promise<{ here: unknown; there: unknown; agreed: unknown }> {
  const there = (await remote(household))
    .map((one) => [one['Id'], text(one['LastName']), text(one['Email']), text(one['Title'])])
    .toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1))
  const { rows } = await household.person.query<Record<string, string | null>>(
    `select l.remote_id, c.last_name, c.email, c.title, l.base ->> 'LastName' as base_name, l.base ->> 'Email' as base_email,
       l.base ->> 'Title' as base_title
     from contacts c left join rowhouse_home.sync_links l
       on l.local_id = c.id::text and l.object = 'contact' and l.state = 'linked'
     order by l.remote_id collate "C"`,
  )
  const here = rows.map((row) => [row['remote_id'], row['last_name'], row['email'], row['title']])
  const agreed = rows.map((row) => [row['remote_id'], row['base_name'], row['base_email'], row['base_title']])
  return { here, there, agreed }
}

/** Equal field by field, on both sides and in what was agreed. */
async function equal(household: Household): Promise<void> {
  await expect
    .poll(async () => {
      const { agreed, here, there } = await bothSides(household)
      return { here, agreed, records: (there as unknown[]).length }
    }, soon)
    .toEqual(await expected(household))
}

async function expected(household: Household): Promise<unknown> {
  const { there } = await bothSides(household)
  return { here: there, agreed: there, records: (there as unknown[]).length }
}

const streamOf = async ({ organizationId, connection }: Household): Promise<unknown> =>
  (await house().sync.connections.get(organizationId, connection.id)).events

async function listening(household: Household): Promise<void> {
  await house().live(household)
  await expect.poll(() => streamOf(household), soon).toMatchObject({ state: 'connected' })
  await settled(household)
}

/** Nothing is due now, and the poll that follows an opening has been made. */
async function settled(household: Household): Promise<void> {
  const marks = async (): Promise<number | null> =>
    (await household.person.query('select from rowhouse_home.sync_marks')).rowCount
  await expect.poll(marks, soon).toBe(0)
}

/** Nothing inbound is due for a while: the polls that follow an opening and the backfill have been made. */
async function asleep({ connection }: Household): Promise<void> {
  const dueInMs = (): Promise<number> =>
    withClient(house().database.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ ms: number }>(
        `select extract(epoch from due_at - clock_timestamp())::float8 * 1000 as ms from rowhouse.sync_units
         where connection_id = $1 and lane = 'inbound' and leased_until is null`,
        [connection.id],
      )
      return rows[0]?.ms ?? 0
    })
  await expect.poll(dueInMs, soon).toBeGreaterThan(60_000)
}

const polls = ({ connection }: Household): number =>
  house().events.filter(
    (event) => event.type === 'call' && event.connectionId === connection.id && event.path.endsWith('/composite'),
  ).length

const callsTo = ({ connection }: Household, path: RegExp): SyncEvent[] =>
  house().events.filter(
    (event) => event.type === 'call' && event.connectionId === connection.id && path.test(event.path),
  )

/** Salesforce with another stream. */
const streaming = (changes: Partial<ChangeStream>): Map<string, Connector> => {
  const stream = { ...(salesforce.stream as ChangeStream), ...changes }
  const budgets = salesforce.describe().budgets.map((budget) => ({ ...budget, callsPerDay: null }))
  const quick = withLimits(salesforce, { budgets })
  const other = new Proxy(quick, {
    get: (target, key) => (key === 'stream' ? stream : (Reflect.get(target, key, target) as unknown)),
  })
  return new Map([['salesforce', other]])
}

function engine(options: Parameters<ReturnType<typeof house>['engine']>[0]): Sync {
  const made = house().engine({ slowestPollMs: 3_600_000, ...options })
  engines.push(made)
  return made
}

describe('change events', () => {
  it('bring what is made, changed, deleted and restored, while polls are an hour apart', async () => {
    const alder = await connected()
    house().sync.worker.start()
    await listening(alder)
    await expect
      .poll(() => house().sync.connections.get(alder.organizationId, alder.connection.id), soon)
      .toMatchObject({ pollIntervalMs: 3_600_000 })
    await asleep(alder)
    const before = polls(alder)
    expect(before).toBeGreaterThan(0)
    const hand = crm.person(alder.account.id)
    hand.create('Contact', { LastName: 'Fay', Email: 'fay@x.example' })
    hand.update('Contact', await idOf(alder, 'Ada'), { Title: 'Chief' })
    hand.remove('Contact', await idOf(alder, 'Ben'))
    const cyd = await idOf(alder, 'Cyd')
    hand.remove('Contact', cyd)
    await equal(alder)
    hand.restore('Contact', cyd)
    await equal(alder)
    expect(polls(alder)).toBe(before)
    await expect
      .poll(() => streamOf(alder), soon)
      .toMatchObject({
        state: 'connected',
        lastEventAt: expect.any(String) as string,
        lagMs: expect.any(Number) as number,
        reason: null,
      })
  })

  it('of our own writes bring what a rule there made of them, and are sent once', async () => {
    const alder = await connected()
    house().sync.worker.start()
    await listening(alder)
    const writes = callsTo(alder, /sobjects(\/Contact\/\w+)?$/).length
    await alder.person.query(`update contacts set title = 'Padded', email = 'ADA@x.example' where last_name = 'Ada'`)
    await expect
      .poll(async () => (await remote(alder)).find(({ LastName }) => LastName === 'Ada')?.['Title'], soon)
      .toBe('Padded')
    await settled(alder)
    await equal(alder)
    expect(callsTo(alder, /sobjects(\/Contact\/\w+)?$/).length).toBe(writes + 1)
  })

  it('without values lead to the record', async () => {
    const alder = await connected()
    house().sync.worker.start()
    await listening(alder)
    crm.changeEvents(alder.account.id, { gaps: 3 })
    const hand = crm.person(alder.account.id)
    hand.update('Contact', await idOf(alder, 'Ada'), { Title: 'Gap' })
    hand.create('Contact', { LastName: 'Gil', Email: 'gil@x.example' })
    hand.remove('Contact', await idOf(alder, 'Eve'))
    await equal(alder)
    expect(await remote(alder)).toHaveLength(names.length)
  })

  it('that overflowed have every record read again, and both sides are equal', async () => {
    const alder = await connected()
    house().sync.worker.start()
    await listening(alder)
    const seen = house().events.length
    crm.changeEvents(alder.account.id, { overflow: 'Contact' })
    await vi.waitUntil(
      () =>
        house()
          .events.slice(seen)
          .some((event) => event.type === 'state' && event.to === 'resyncing'),
      soon,
    )
    await house().live(alder)
    const read = house()
      .events.slice(seen)
      .filter((event) => event.type === 'backfilled')
    expect(read.map(({ object }) => object)).toEqual(['contact'])
    await equal(alder)
  })
})

describe('a position that is no longer kept', () => {
  /** Changes that neither the events nor a poll with its overlap show: they were written long before they were seen. */
  async function changeUnseen(alder: Household): Promise<void> {
    offsetMs = -600_000
    const hand = crm.person(alder.account.id)
    hand.update('Contact', await idOf(alder, 'Ada'), { Title: 'Unseen' })
    hand.create('Contact', { LastName: 'Hal', Email: 'hal@x.example' })
    hand.remove('Contact', await idOf(alder, 'Dan'))
    offsetMs = 0
    crm.changeEvents(alder.account.id, { forget: true })
  }

  it('has every record read again: what was changed, made and deleted meanwhile is here', async () => {
    const alder = await connected()
    house().sync.worker.start()
    await listening(alder)
    crm.person(alder.account.id).update('Contact', await idOf(alder, 'Cyd'), { Title: 'Told' })
    await equal(alder)
    await house().sync.worker.stop()
    await changeUnseen(alder)
    house().sync.worker.start()
    await equal(alder)
    await listening(alder)
    expect(await house().sync.deadLetters.list(alder.organizationId, alder.acting)).toEqual([])
    // And the stream goes on from now.
    crm.person(alder.account.id).update('Contact', await idOf(alder, 'Hal'), { Title: 'After' })
    await equal(alder)
  })

  it('would lose them if the stream began anew and nothing else', async () => {
    const alder = await connected()
    house().sync.worker.start()
    await listening(alder)
    crm.person(alder.account.id).update('Contact', await idOf(alder, 'Cyd'), { Title: 'Told' })
    await equal(alder)
    await house().sync.worker.stop()
    await changeUnseen(alder)
    const stream = salesforce.stream as ChangeStream
    const careless = engine({
      connectors: streaming({
        open: (http, objects) =>
          stream.open(
            http,
            objects.map(({ object }) => ({ object, position: null })),
          ),
      }),
    })
    const before = polls(alder)
    careless.worker.start()
    await vi.waitUntil(() => polls(alder) > before, soon)
    await settled(alder)
    const { rows } = await alder.person.query(`select title from contacts where last_name in ('Ada', 'Hal', 'Dan')`)
    expect(rows).toEqual([{ title: null }, { title: null }])
  })
})

describe('the holder of a stream', () => {
  it('is one of many workers; the next one goes on when it is gone', async () => {
    const alder = await connected()
    const second = engine({})
    house().sync.worker.start()
    second.worker.start()
    await listening(alder)
    const handshakes = (): number => callsTo(alder, /cometd/).length
    expect(handshakes()).toBeGreaterThan(0)
    const { rows } = await withClient(house().database.adminUrl, (admin) =>
      admin.query<{ worker: string }>(
        `select worker from rowhouse.sync_units where connection_id = $1 and lane = 'events' and leased_until > now()`,
        [alder.connection.id],
      ),
    )
    expect(rows).toHaveLength(1)
    await house().sync.worker.stop()
    crm.person(alder.account.id).update('Contact', await idOf(alder, 'Ada'), { Title: 'Second' })
    await equal(alder)
    await expect.poll(() => streamOf(alder), soon).toMatchObject({ state: 'connected' })
  })

  it('is killed: the next one is told what happened meanwhile, after the last change that was marked', async () => {
    const alder = await connected()
    const { appUrl, controlUrl, signingKey } = house().database
    const options = JSON.stringify({ appUrl, controlUrl, signingKey, encryptionKey, leaseMs: 1600 })
    const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/worker-process.ts'), options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      // It reads what it is told: otherwise the pipe fills.
      child.stdout.resume()
      await listening(alder)
      crm.person(alder.account.id).update('Contact', await idOf(alder, 'Ada'), { Title: 'Before' })
      await equal(alder)
    } finally {
      const gone = new Promise((resolve) => {
        child.once('exit', resolve)
      })
      child.kill('SIGKILL')
      await gone
    }
    // Too old for a poll, whose overlap ends a minute ago: only the stream, from its position on, can tell.
    offsetMs = -1_800_000
    crm.person(alder.account.id).update('Contact', await idOf(alder, 'Ben'), { Title: 'Meanwhile' })
    crm.person(alder.account.id).create('Contact', { LastName: 'Ida', Email: 'ida@x.example' })
    offsetMs = 0
    house().sync.worker.start()
    await equal(alder)
    const states = house().events.flatMap((event) =>
      event.type === 'state' && event.connectionId === alder.connection.id ? [event.to] : [],
    )
    expect(states).not.toContain('resyncing')
  })

  it('whose token ends has it refreshed once, and goes on', async () => {
    const app = { clientId: 'stream', clientSecret: 'secret', redirectUris: ['http://127.0.0.1:9/callback'] }
    const account = crm.createAccount({ connector: 'salesforce', limits: { dailyMax: 10_000_000 }, apps: [app] })
    const grant = { client_id: app.clientId, redirect_uri: 'http://127.0.0.1:9/callback' }
    const consent = await fetch(`${account.url}/services/oauth2/authorize`, {
      method: 'POST',
      body: new URLSearchParams({
        ...grant,
        response_type: 'code',
        scope: 'api refresh_token',
        account: account.id,
        decision: 'approve',
      }),
      redirect: 'manual',
    })
    const code = new URL(consent.headers.get('location') ?? 'http://none/').searchParams.get('code') ?? ''
    const answer = await fetch(`${account.url}/services/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...grant,
        grant_type: 'authorization_code',
        client_secret: app.clientSecret,
        code,
      }),
    })
    const tokens = (await answer.json()) as { access_token: string; refresh_token: string }
    const alder = await house().connect(0, account, {
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      clientId: app.clientId,
      clientSecret: app.clientSecret,
    })
    house().sync.worker.start()
    await listening(alder)
    const before = house().events.length
    crm.chaos(account.id, { revokeTokens: true })
    const hand = crm.person(account.id)
    const id = hand.create('Contact', { LastName: 'Ada', Email: 'ada@x.example' })
    await equal(alder)
    hand.update('Contact', id, { Title: 'Told with a new token' })
    await equal(alder)
    await expect.poll(() => streamOf(alder), soon).toMatchObject({ state: 'connected', reason: null })
    const refreshed = house()
      .events.slice(before)
      .filter(({ type }) => type === 'credentials_refreshed')
    expect(refreshed).toHaveLength(1)
  })

  it('that lost its lease marks nothing, and leaves the position where it was', async () => {
    const alder = await connected()
    const organization = house().rowhouse.as({
      organizationId: alder.organizationId,
      connectionId: alder.connection.id,
    })
    const hold = { connectionId: alder.connection.id, lane: 'events', epoch: '1' }
    await raiseFence(organization, hold)
    await raiseFence(organization, { ...hold, epoch: '2' })
    const scope = { organization, connectionId: alder.connection.id, hold }
    const told = {
      changes: [{ object: 'contact', id: '003', deleted: false, own: false }],
      untold: [],
      positions: { contact: '7' },
    }
    await expect(recordChanges(scope, told)).rejects.toMatchObject({ code: 'lease_lost' })
    const written = async (): Promise<unknown[]> =>
      (
        await alder.person.query(
          `select record_id as what from rowhouse_home.sync_marks where connection_id = $1
           union all
           select position #>> '{}' from rowhouse_home.sync_cursors where connection_id = $1 and kind = 'events'`,
          [alder.connection.id],
        )
      ).rows
    expect(await written()).toEqual([])
    await recordChanges({ ...scope, hold: { ...hold, epoch: '2' } }, told)
    expect(await written()).toEqual([{ what: '003' }, { what: '7' }])
  })

  it('ends with the connection that is paused, and begins with it again', async () => {
    const alder = await connected()
    house().sync.worker.start({ leaseMs: 1600 })
    await listening(alder)
    await house().sync.connections.pause(alder.organizationId, alder.connection.id)
    await expect.poll(() => streamOf(alder), soon).toMatchObject({ state: 'reconnecting' })
    crm.person(alder.account.id).update('Contact', await idOf(alder, 'Ada'), { Title: 'Paused' })
    await house().sync.connections.resume(alder.organizationId, alder.connection.id)
    await equal(alder)
  })
})

describe('a stream that is not to be relied on', () => {
  const interval = async ({ organizationId, connection }: Household): Promise<number> =>
    (await house().sync.connections.get(organizationId, connection.id)).pollIntervalMs

  it('is refused: the reason is shown, and polls are as close as the quota allows', async () => {
    const alder = await connected()
    const advice = 'Select Contact under Change Data Capture.'
    const refused = engine({
      connectors: streaming({
        open: () => Promise.resolve({ ok: false, failure: { action: 'pause', reason: 'refused', advice } }),
      }),
    })
    refused.worker.start()
    await house().live(alder)
    await expect.poll(() => streamOf(alder), soon).toMatchObject({ state: 'unavailable', reason: advice })
    expect(await interval(alder)).toBe(200)
    crm.person(alder.account.id).update('Contact', await idOf(alder, 'Ada'), { Title: 'Polled' })
    await equal(alder)
    expect(await house().sync.connections.get(alder.organizationId, alder.connection.id)).toMatchObject({
      state: 'live',
    })
  })

  it('is silent: polling finds what it did not tell, says so, and is no longer rare', async () => {
    const alder = await connected()
    const stream = salesforce.stream as ChangeStream
    const silent = engine({
      slowestPollMs: 400,
      connectors: streaming({
        async next(http, session) {
          const answer = await stream.next(http, session)
          return answer.ok ? { ok: true, value: { ...answer.value, changes: [], committedAtMs: null } } : answer
        },
      }),
    })
    silent.worker.start()
    await listening(alder)
    await expect.poll(() => interval(alder), soon).toBe(400)
    await withClient(house().database.adminUrl, (admin) =>
      admin.query(
        `update rowhouse.connections set events = events || '{"since": "2020-01-01T00:00:00.000Z"}' where id = $1`,
        [alder.connection.id],
      ),
    )
    // A run that had begun before still has the other moment.
    const asked = polls(alder)
    await vi.waitUntil(() => polls(alder) > asked + 1, soon)
    offsetMs = -40_000
    crm.person(alder.account.id).update('Contact', await idOf(alder, 'Ada'), { Title: 'Untold' })
    offsetMs = 0
    await equal(alder)
    await expect
      .poll(() => streamOf(alder), soon)
      .toMatchObject({
        state: 'connected',
        reason: expect.stringContaining('no event told') as string,
      })
    await expect.poll(() => interval(alder), soon).toBe(200)
  })
})
