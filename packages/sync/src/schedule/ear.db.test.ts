// Whether work is heard of when it is committed. The worker here looks by itself once a minute only, and polls once an
// hour: what arrives within seconds was told.
import { createHmac } from 'node:crypto'

import { startTransactionPooler, withClient } from '@rowhouse/testkit'
import { Client } from 'pg'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'

import { useHouse } from '../fixtures/house.ts'
import type { Household } from '../fixtures/house.ts'
import type { Sync } from '../index.ts'

const house = useHouse({ shortestPollMs: 3_600_000 })
const RARELY = { quietTickMs: 60_000 }
const soon = { timeout: 60_000, interval: 20 }
const more: Sync[] = []
let alder: Household
let birch: Household

beforeAll(async () => {
  alder = await house().connect(0, house().createAccount({ connector: 'hubspot', name: 'Alder' }))
  house().sync.worker.start()
  await house().live(alder)
  await house().sync.worker.stop()
  const { organizationId, userId } = house().owners[1] as { organizationId: string; userId: string }
  birch = { ...alder, organizationId, person: house().rowhouse.as({ organizationId, userId }) }
})
afterEach(async () => {
  await house().sync.worker.stop()
  for (const sync of more.splice(0)) await sync.close()
})

const admin = <Value>(work: (client: Client) => Promise<Value>): Promise<Value> =>
  withClient(house().database.adminUrl, work)

const ears = (): Promise<number[]> =>
  admin(async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name = 'rowhouse sync ear' and datname = current_database()`,
    )
    return rows.map(({ pid }) => pid)
  })

/** Until the worker believes what it hears: before that it looks every 20 ms. */
async function hearing(): Promise<void> {
  await expect.poll(() => house().events.filter(({ type }) => type === 'hearing').length, soon).toBeGreaterThan(0)
}

async function begin(): Promise<void> {
  house().events.splice(0)
  house().sync.worker.start(RARELY)
  await hearing()
}

let made = 0

async function arrives(): Promise<void> {
  made += 1
  const email = `made${made}@here.example`
  await alder.person.query('insert into contacts (email) values ($1)', [email])
  const emails = async (): Promise<unknown[]> =>
    (await house().records(alder.account, 'contacts')).map(
      ({ properties }) => (properties as Record<string, string>)['email'],
    )
  await expect.poll(emails, soon).toContain(email)
}

describe('a worker that looks once a minute', () => {
  it('is told of a commit', async () => {
    await begin()
    await arrives()
    await arrives()
    expect(await ears()).toHaveLength(1)
  })

  it('is told of a webhook that another process receives', async () => {
    await begin()
    const receiver = house().engine({ shortestPollMs: 3_600_000 })
    more.push(receiver)
    const client = await fetch(`${alder.account.url}/crm/v3/objects/contacts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${alder.account.personToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ properties: { email: 'made@there.example' } }),
    })
    const { id } = (await client.json()) as { id: string }
    const event = { subscriptionType: 'contact.creation', portalId: Number(alder.account.id), objectId: Number(id) }
    const rest = { eventId: 1, subscriptionId: 1, appId: 1, occurredAt: Date.now(), attemptNumber: 0 }
    const rawBody = Buffer.from(JSON.stringify([{ ...event, ...rest }]))
    const url = `https://app.example/webhooks/hubspot/${alder.connection.id}`
    const timestamp = String(Date.now())
    const signature = createHmac('sha256', alder.account.webhookSecret)
      .update(`POST${url}${rawBody.toString()}${timestamp}`)
      .digest('base64')
    const headers = { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': timestamp }
    const verdict = await receiver.webhooks.receive('hubspot', alder.connection.id, {
      method: 'POST',
      url,
      headers,
      rawBody,
    })
    expect(verdict.ok).toBe(true)
    const here = async (): Promise<number | null> =>
      (await alder.person.query(`select from contacts where email = 'made@there.example'`)).rowCount
    await expect.poll(here, soon).toBe(1)
  })

  it('hears again after the connection it listens on broke', async () => {
    await begin()
    const [pid] = await ears()
    house().events.splice(0)
    await admin((client) => client.query('select pg_terminate_backend($1)', [pid]))
    await hearing()
    expect(await ears()).not.toContain(pid)
    await arrives()
  })

  it('behind a transaction pooler believes nothing it hears, and looks as often as before', async () => {
    const pooler = await startTransactionPooler(house().database.controlUrl)
    try {
      const behind = house().engine({ shortestPollMs: 3_600_000, controlUrl: pooler.url })
      more.push(behind)
      house().events.splice(0)
      behind.worker.start(RARELY)
      await arrives()
      expect(house().events.filter(({ type }) => type === 'hearing')).toEqual([])
      await more.pop()?.close()
    } finally {
      await pooler.close()
    }
  })
})

describe('whoever listens', () => {
  /** What was told from here to a word at the end, which comes after all that was committed before. */
  async function told(act: () => Promise<unknown>): Promise<number> {
    const client = new Client(house().database.controlUrl)
    await client.connect()
    try {
      const payloads: (string | undefined)[] = []
      client.on('notification', ({ payload }) => payloads.push(payload))
      await client.query('listen rowhouse_sync')
      await act()
      await admin((other) => other.query(`select pg_notify('rowhouse_sync', 'end')`))
      await expect.poll(() => payloads.includes('end'), soon).toBe(true)
      return payloads.filter((payload) => payload === '').length
    } finally {
      await client.end()
    }
  }

  const attend = (until: string): Promise<unknown> =>
    admin((client) => client.query('update rowhouse.sync_attention set quiet_until = $1', [until]))

  const write = (of: Household, email: string): Promise<unknown> =>
    of.person.query('insert into contacts (email) values ($1)', [email])

  beforeAll(() => attend('-infinity'))

  it('is told once of a transaction, however many statements and rows it has', async () => {
    const many = (): Promise<unknown> =>
      alder.person.transaction(async (tx) => {
        for (let statement = 0; statement < 3; statement += 1)
          await tx.query(`insert into contacts (email) select $1 || n from generate_series(1, 50) n`, [`m${statement}`])
        await tx.query(`update contacts set title = 'x' where email like 'm%'`)
      })
    expect(await told(many)).toBe(1)
  })

  it('is told of what a savepoint took back and somebody did again', async () => {
    const again = (): Promise<unknown> =>
      alder.person.transaction(async (tx) => {
        await tx.query('savepoint here')
        await tx.query(`insert into contacts (email) values ('back')`)
        await tx.query('rollback to here')
        await tx.query(`insert into contacts (email) values ('again')`)
      })
    expect(await told(again)).toBe(1)
  })

  it('is told of what a migration wrote', async () => {
    const migrate = (): Promise<unknown> =>
      withClient(house().database.migratorUrl, (client) =>
        client.query(`insert into contacts (organization_id, email) values ($1, 'migrated')`, [alder.organizationId]),
      )
    expect(await told(migrate)).toBe(1)
  })

  it('is told nothing of an organization that sends nothing anywhere, of what the engine wrote, of what was taken back', async () => {
    const silent = async (): Promise<void> => {
      await write(birch, 'nobody@there.example')
      const { organizationId, connection } = alder
      const engine = house().rowhouse.as({ organizationId, connectionId: connection.id })
      await engine.query(`insert into contacts (email) values ('by the engine')`)
      await alder.person
        .transaction(async (tx) => {
          await tx.query(`insert into contacts (email) values ('taken back')`)
          throw new Error('no')
        })
        .catch(() => {})
    }
    expect(await told(silent)).toBe(0)
  })

  it('is told nothing while the workers ask by themselves, and again afterwards', async () => {
    await attend('infinity')
    expect(await told(() => write(alder, 'while quiet'))).toBe(0)
    await attend('-infinity')
    expect(await told(() => write(alder, 'after that'))).toBe(1)
  })
})
