// The engine against what goes wrong: webhooks that lie, killed workers, a CRM in trouble, poison records, dead
// tokens, frozen workers. After each, both sides are equal and nothing was made twice.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { Client } from '@hubspot/api-client'
import { withClient } from '@rowhouse/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { encryptionKey, useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'
import { fenced, raiseFence } from './home/fence.ts'

const LEASE_MS = 2000
const house = useHouse({ callTimeoutMs: LEASE_MS / 2 })
const soon = { timeout: 60_000, interval: 20 }

let accounts = 0
const children: ChildProcess[] = []

afterEach(async () => {
  await house().sync.worker.stop()
  for (const child of children.splice(0)) child.kill('SIGKILL')
  const stored = await house().sync.connections.list(house().owners.map(({ organizationId }) => organizationId))
  await withClient(house().database.adminUrl, async (admin) => {
    await admin.query('delete from rowhouse.connections where id = any ($1)', [stored.map(({ id }) => id)])
    for (const { organizationId } of house().owners)
      for (const table of [
        'contacts',
        'companies',
        'rowhouse_home.sync_links',
        'rowhouse_home.sync_marks',
        'rowhouse_home.sync_dead_letters',
      ])
        await admin.query(`delete from ${table} where organization_id = $1`, [organizationId])
  })
})

const person = (household: Household): Client =>
  new Client({ basePath: household.account.url, accessToken: household.account.personToken })

async function fresh(contacts: number, more: object = {}): Promise<Household> {
  accounts += 1
  const account = house().createAccount({ connector: 'hubspot', name: `Account ${accounts}` })
  const client = new Client({ basePath: account.url, accessToken: account.personToken })
  for (let from = 0; from < contacts; from += 100)
    await client.crm.contacts.batchApi.create({
      inputs: Array.from({ length: Math.min(100, contacts - from) }, (_, n) => ({
        properties: { email: `p${from + n}@x.example`, firstname: `P${from + n}`, lastname: 'There' },
        associations: [],
      })),
    })
  return house().connect(0, account, more)
}

const emails = async (household: Household): Promise<string[]> =>
  (await house().records(household.account, 'contacts'))
    .map(({ properties }) => (properties as Record<string, string>)['email'] ?? '')
    .toSorted()

const rowEmails = async ({ person }: Household): Promise<string[]> =>
  (await person.query<{ email: string }>('select email from contacts order by email collate "C"')).rows.map(
    ({ email }) => email,
  )

/** Both sides hold the same records, each once, and nothing is under way. */
async function agreed(household: Household, count: number): Promise<void> {
  await expect
    .poll(async () => {
      const [here, there] = await Promise.all([rowEmails(household), emails(household)])
      return { here: here.length, there: there.length, equal: JSON.stringify(here) === JSON.stringify(there) }
    }, soon)
    .toEqual({ here: count, there: count, equal: true })
  const all = await emails(household)
  expect(new Set(all).size).toBe(all.length)
}

async function settled(household: Household): Promise<void> {
  const marks = async (): Promise<number | null> =>
    (await household.person.query('select from rowhouse_home.sync_marks')).rowCount
  await expect.poll(marks, soon).toBe(0)
}

/** Starts a worker process; resolves when `until` has seen an event it waited for. */
function startWorker(until: (line: Record<string, unknown>) => boolean): { child: ChildProcess; seen: Promise<void> } {
  const { database } = house()
  const options = JSON.stringify({ ...database, encryptionKey, leaseMs: LEASE_MS })
  const child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/worker-process.ts'), options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const seen = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (until(JSON.parse(line) as Record<string, unknown>)) resolve()
    })
  })
  return { child, seen }
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => {
    child.once('exit', resolve)
  })
  child.kill('SIGKILL')
  await gone
}

describe('webhooks', () => {
  const send = (household: Household, events: object[], secret = household.account.webhookSecret) => {
    const rawBody = Buffer.from(JSON.stringify(events))
    const url = `https://app.example/webhooks/hubspot/${household.connection.id}`
    const timestamp = String(Date.now())
    const signature = createHmac('sha256', secret)
      .update(`POST${url}${rawBody.toString()}${timestamp}`)
      .digest('base64')
    return house().sync.webhooks.receive('hubspot', household.connection.id, {
      method: 'POST',
      url,
      headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp },
      rawBody,
    })
  }
  const event = (household: Household, id: string, subscriptionType: string) => ({
    eventId: 1,
    subscriptionId: 1,
    portalId: Number(household.account.id),
    appId: 1,
    occurredAt: Date.now(),
    subscriptionType,
    attemptNumber: 0,
    objectId: Number(id),
  })

  it('bring a record at once, ten times shuffled as well as once; forged and foreign ones bring nothing', async () => {
    const alder = await fresh(0)
    const birch = await house().connect(1, house().createAccount({ connector: 'hubspot', name: 'Birch' }))
    house().sync.worker.start()
    await house().live(alder)
    await house().live(birch)
    const created = await person(alder).crm.contacts.basicApi.create({
      properties: { email: 'hook@x.example' },
      associations: [],
    })
    const made = event(alder, created.id, 'contact.creation')
    expect(await send(alder, [made], 'wrong')).toMatchObject({ ok: false, code: 'webhook_signature_invalid' })
    for (let n = 0; n < 10; n++)
      expect(await send(alder, [event(alder, created.id, 'contact.propertyChange'), made])).toMatchObject({ ok: true })
    await expect.poll(() => rowEmails(alder), soon).toEqual(['hook@x.example'])
    expect(await rowEmails(birch)).toEqual([])
    await person(alder).crm.contacts.basicApi.archive(created.id)
    await send(alder, [event(alder, created.id, 'contact.deletion')])
    await expect.poll(() => rowEmails(alder), soon).toEqual([])
    await expect(
      house().sync.webhooks.receive('salesforce', alder.connection.id, {
        method: 'POST',
        url: 'https://app.example/',
        headers: {},
        rawBody: Buffer.from('[]'),
      }),
    ).rejects.toMatchObject({ code: 'connection_not_found' })
  })
})

describe('a worker that is killed', () => {
  it('in the middle of the backfill: the next one goes on at the next page, and nothing is doubled', async () => {
    const alder = await fresh(600)
    await house().control('chaos', { account: alder.account.id, latencyMs: 60 })
    let pages = 0
    const first = startWorker((event) => event['type'] === 'applied' && event['object'] === 'contact' && ++pages === 3)
    await first.seen
    await kill(first.child)
    const before = await alder.person.query<{ records: number }>(
      `select records from rowhouse_home.sync_cursors where kind = 'backfill' and object = 'contact' and connection_id = $1`,
      [alder.connection.id],
    )
    expect(before.rows[0]?.records).toBeGreaterThanOrEqual(300)
    await house().control('reset', { account: alder.account.id })
    house().sync.worker.start()
    await house().live(alder)
    await agreed(alder, 600)
    const lists = (await house().requests(alder.account)).filter(
      ({ method, path }) => method === 'GET' && /objects.*\/contacts\?/.test(path) && !path.includes('archived=true'),
    )
    expect(lists.length).toBeLessThanOrEqual(4)
  })

  it('while its creates are under way: the next one looks them up by their token, and nothing is doubled', async () => {
    const alder = await fresh(0)
    house().sync.worker.start()
    await house().live(alder)
    await house().sync.worker.stop()
    await house().control('chaos', { account: alder.account.id, latencyMs: 300 })
    await alder.person.query(
      `insert into contacts (email) select 'n' || n || '@x.example' from generate_series(1, 250) n`,
    )
    const first = startWorker((event) => event['type'] === 'call' && String(event['path']).includes('batch/create'))
    await first.seen
    await kill(first.child)
    await house().control('reset', { account: alder.account.id })
    house().sync.worker.start()
    await agreed(alder, 250)
    await settled(alder)
    const { rows } = await alder.person.query<{ n: number }>(
      `select count(*)::int as n from rowhouse_home.sync_links where state = 'linked'`,
    )
    expect(rows).toEqual([{ n: 250 }])
  })
})

describe('a CRM in trouble', () => {
  it('answers a third of the calls with 429, 5xx or nothing after having written: all arrives once', async () => {
    const alder = await fresh(40, {})
    house().sync.worker.start({ leaseMs: LEASE_MS })
    await house().live(alder)
    await house().control('chaos', {
      account: alder.account.id,
      status429Rate: 0.15,
      status5xxRate: 0.15,
      timeoutAfterRate: 0.15,
    })
    for (let round = 0; round < 6; round++) {
      await alder.person.query(
        `insert into contacts (email, first_name) select 'r' || $1 || '-' || n || '@x.example', 'N' from generate_series(1, 10) n`,
        [round],
      )
      await alder.person.query(`update contacts set title = 'T' || $1 where email = 'p' || $1 || '@x.example'`, [
        String(round),
      ])
      await agreed(alder, 50 + round * 10)
    }
    const statuses = (await house().requests(alder.account)).map(({ status }) => status)
    expect(statuses.some((status) => status === 429 || status >= 500)).toBe(true)
    await house().control('reset', { account: alder.account.id })
    await settled(alder)
    const titles = (await house().records(alder.account, 'contacts')).flatMap(({ properties }) => {
      const { jobtitle } = properties as Record<string, string>
      return jobtitle ? [jobtitle] : []
    })
    expect(titles.toSorted()).toEqual(['T0', 'T1', 'T2', 'T3', 'T4', 'T5'])
    expect(await house().sync.deadLetters.list(alder.organizationId, alder.acting)).toEqual([])
  })

  it('refuses one record: it is parked with the reason, its siblings arrive, and a replay sends it', async () => {
    const alder = await fresh(0)
    house().sync.worker.start()
    await house().live(alder)
    await alder.person.query(
      `insert into contacts (email, first_name) values ('good1@x.example', 'A'), ('not an address', 'B'), ('good2@x.example', 'C')`,
    )
    await expect.poll(() => emails(alder), soon).toEqual(['good1@x.example', 'good2@x.example'])
    await expect
      .poll(async () => (await house().sync.deadLetters.list(alder.organizationId, alder.acting)).length, soon)
      .toBe(1)
    const [letter] = await house().sync.deadLetters.list(alder.organizationId, alder.acting)
    expect(letter).toMatchObject({ object: 'contact', direction: 'outbound' })
    await expect(house().sync.deadLetters.replay(alder.organizationId, '999')).rejects.toMatchObject({
      code: 'dead_letter_not_found',
    })
    await alder.person.query(`update contacts set email = 'good3@x.example' where first_name = 'B'`)
    await house().sync.deadLetters.replay(alder.organizationId, letter?.id ?? '')
    await expect.poll(() => emails(alder), soon).toEqual(['good1@x.example', 'good2@x.example', 'good3@x.example'])
    await expect.poll(async () => house().sync.deadLetters.list(alder.organizationId, alder.acting), soon).toEqual([])
  })

  it('has a record that does not fit here: it is parked, its siblings are applied, and an edit there frees it', async () => {
    const alder = await fresh(0)
    const { crm } = person(alder)
    const made = await crm.companies.batchApi.create({
      inputs: ['a', 'b', 'c', 'd'].map((name) => ({
        properties: name === 'b' ? { domain: 'b.example' } : { name, domain: `${name}.example` },
        associations: [],
      })),
    })
    house().sync.worker.start()
    await house().live(alder)
    const names = async () =>
      (await alder.person.query<{ name: string }>('select name from companies order by name')).rows.map(
        ({ name }) => name,
      )
    expect(await names()).toEqual(['a', 'c', 'd'])
    expect(await house().sync.deadLetters.list(alder.organizationId, alder.acting)).toMatchObject([
      { direction: 'inbound', object: 'company', code: 'check_violation' },
    ])
    const nameless = made.results.find(({ properties }) => properties['domain'] === 'b.example')
    await crm.companies.basicApi.update(nameless?.id ?? '', { properties: { name: 'b' } })
    await expect.poll(names, soon).toEqual(['a', 'b', 'c', 'd'])
    await expect.poll(async () => house().sync.deadLetters.list(alder.organizationId, alder.acting), soon).toEqual([])
  })

  it('refuses a value that another record holds: it is sent when that one gives it up, whoever changed it', async () => {
    const alder = await fresh(3)
    house().sync.worker.start()
    await house().live(alder)
    // No retry of its own does it: each is an hour away.
    await withClient(house().database.adminUrl, (admin) =>
      admin.query(`
        create function public.in_an_hour() returns trigger language plpgsql as $$ begin
          if new.retry_at is not null then new.retry_at := now() + interval '1 hour'; end if;
          return new;
        end $$;
        create trigger in_an_hour before insert or update on rowhouse_home.sync_dead_letters
          for each row execute function public.in_an_hour()`),
    )
    await alder.person.transaction(async (tx) => {
      await tx.query(`update contacts set email = 'moved@x.example' where email = 'p0@x.example'`)
      await tx.query(`insert into contacts (email, first_name) values ('p0@x.example', 'Heir')`)
    })
    const all = ['moved@x.example', 'p0@x.example', 'p1@x.example', 'p2@x.example']
    await expect.poll(async () => (await emails(alder)).toSorted(), soon).toEqual(all)
    const connectionId = alder.connection.id
    const home = house().rowhouse.as({ organizationId: alder.organizationId, connectionId })
    await home.query(
      `insert into rowhouse_home.sync_dead_letters (connection_id, object, direction, record_key, code, reason, retry_at)
       select $1, 'contact', 'outbound', id::text, 'unique_conflict', 'held', now() + interval '1 hour'
       from contacts where email = 'p2@x.example'`,
      [connectionId],
    )
    const held = (await house().records(alder.account, 'contacts')).find(
      ({ properties }) => (properties as Record<string, string>)['email'] === 'p1@x.example',
    )
    await person(alder).crm.contacts.basicApi.update(String(held?.['id']), { properties: { email: 'p9@x.example' } })
    const letters = (): Promise<unknown> => house().sync.deadLetters.list(alder.organizationId, alder.acting)
    await expect.poll(letters, soon).toEqual([])
    await withClient(house().database.adminUrl, (admin) => admin.query('drop function public.in_an_hour cascade'))
  })

  it('revokes the token: the connection is paused and says why, and what changed meanwhile arrives later', async () => {
    const alder = await fresh(0)
    house().sync.worker.start()
    await house().live(alder)
    await house().control('chaos', { account: alder.account.id, revokeTokens: true })
    await alder.person.query(`insert into contacts (email) values ('late@x.example')`)
    await expect
      .poll(async () => house().sync.connections.get(alder.organizationId, alder.connection.id), soon)
      .toMatchObject({
        state: 'paused',
        stateReason: expect.stringMatching(/refused/),
        lastError: { code: 'credentials_refused' },
      })
    await expect(house().sync.connections.test(alder.organizationId, alder.connection.id)).rejects.toMatchObject({
      code: 'credentials_refused',
    })
    await house().control('chaos', { account: alder.account.id, revokeTokens: false })
    await house().sync.connections.resume(alder.organizationId, alder.connection.id)
    await agreed(alder, 1)
  })

  it('loses most records at once: the breaker asks before they are deleted here', async () => {
    const alder = await fresh(60)
    house().sync.worker.start()
    await house().live(alder)
    const all = await house().records(alder.account, 'contacts')
    await person(alder).crm.contacts.batchApi.archive({
      inputs: all.slice(0, 50).map(({ id }) => ({ id: String(id) })),
    })
    await expect
      .poll(async () => house().sync.connections.get(alder.organizationId, alder.connection.id), soon)
      .toMatchObject({ state: 'paused', stateReason: expect.stringMatching(/^50 of the contact/) })
    expect(await rowEmails(alder)).toHaveLength(60)
    await house().sync.connections.resume(alder.organizationId, alder.connection.id)
    await agreed(alder, 10)
  })
})

describe('a worker that froze past its lease', () => {
  it('writes nothing: its epoch is no longer the last', async () => {
    const alder = await fresh(0)
    const home = house().rowhouse.as({ organizationId: alder.organizationId, connectionId: alder.connection.id })
    const frozen = { connectionId: alder.connection.id, lane: 'inbound', epoch: '1' }
    await raiseFence(home, frozen)
    await raiseFence(home, { ...frozen, epoch: '2' })
    const write = fenced(home, frozen, (tx) => tx.query(`insert into contacts (email) values ('ghost@x.example')`))
    await expect(write).rejects.toMatchObject({ code: 'lease_lost' })
    await expect(raiseFence(home, frozen)).rejects.toMatchObject({ code: 'lease_lost' })
    // The first transaction of a run raises the fence by itself; whoever held the lane before writes nothing from then on.
    const [second, third] = [
      { ...frozen, epoch: '2' },
      { ...frozen, epoch: '3' },
    ]
    await fenced(home, second, () => Promise.resolve())
    await expect(fenced(home, third, () => Promise.reject(new Error('undone')))).rejects.toThrow('undone')
    await fenced(home, second, () => Promise.resolve())
    await fenced(home, third, () => Promise.resolve())
    for (const late of [second, { ...second }])
      await expect(fenced(home, late, () => Promise.resolve())).rejects.toMatchObject({ code: 'lease_lost' })
    expect(await rowEmails(alder)).toEqual([])
    // Without the check the late write lands.
    await home.transaction((tx) => tx.query(`insert into contacts (email) values ('ghost@x.example')`))
    expect(await rowEmails(alder)).toEqual(['ghost@x.example'])
  })
})
