// The main job on the running product: one edit on either side arrives on the other, in the right
// organization and no other, written once.
import { rm } from 'node:fs/promises'
import { Client as HubSpot } from '@hubspot/api-client'
import { createClient } from '@rowhouse/client'
import type { ReadyLine } from '@rowhouse/embedded'
import { Connection as Salesforce } from 'jsforce'
import { Client } from 'pg'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse } from 'rowhouse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, startStack } from './processes.ts'
import type { Stack } from './processes.ts'

type Organization = ReadyLine['organizations'][number]

interface LoggedRequest {
  readonly method: string
  readonly path: string
  readonly status: number
}

let stack: Stack
let rowhouse: Rowhouse
let owner: Client

beforeAll(async () => {
  stack = await startStack()
  const { ready } = stack
  rowhouse = createRowhouse({ url: ready.databaseUrl, signingKey: ready.signingKey })
  owner = new Client({ connectionString: ready.ownerUrl })
  await owner.connect()
  const api = createClient({ baseUrl: ready.api, headers: { authorization: `Bearer ${ready.operatorKey}` } })
  await eventually(
    () => api.listOrganizations(),
    ({ items }) => items.every(({ connection }) => connection?.state === 'live' && connection.records === 5900),
    { what: 'every organization live' },
  )
})

afterAll(async () => {
  await rowhouse?.close()
  await owner?.end()
  await stack?.stop()
  if (stack !== undefined) await rm(stack.dataDir, { recursive: true, force: true })
})

const organizationOf = (slug: string): Organization =>
  stack.ready.organizations.find((each) => each.slug === slug) as Organization
const actingFor = (organization: Organization) =>
  rowhouse.as({ organizationId: organization.id, userId: organization.ownerId })

/** Organizations that hold a contact with this address: what the migrator sees, who sees all. */
async function holdersOf(email: string): Promise<string[]> {
  const { rows } = await owner.query<{ organization_id: string }>(
    'select organization_id from contacts where email = $1',
    [email],
  )
  return rows.map((row) => row.organization_id)
}

async function recordsAt({ connection }: Organization, object: string): Promise<Record<string, unknown>[]> {
  const answer = await fetch(`${connection.sandboxUrl}/_sandbox/records?account=${connection.account}&object=${object}`)
  return ((await answer.json()) as { records: Record<string, unknown>[] }).records
}

/** Reads by POST, and the stream of change events. */
const asks = /search|batch\/read|oauth|associations|\/query|properties|\/cometd\/|\/composite(\/sobjects\/\w+)?$/

const isWrite = ({ method, path }: LoggedRequest): boolean =>
  (method === 'POST' || method === 'PATCH' || method === 'PUT' || method === 'DELETE') && !asks.test(path)

async function writesAt({ connection }: Organization): Promise<LoggedRequest[]> {
  const answer = await fetch(`${connection.sandboxUrl}/_sandbox/requests?account=${connection.account}`)
  return ((await answer.json()) as { requests: LoggedRequest[] }).requests.filter(isWrite)
}

/** Everything that was under way has passed once an edit made now has arrived at the CRM. */
async function settle(organization: Organization, object: string, property: string): Promise<number> {
  const before = (await writesAt(organization)).length
  const value = `+1555${Math.floor(Math.random() * 1e7)}`
  await actingFor(organization).query(
    'update contacts set phone = $1 where id = (select id from contacts where email is not null order by id limit 1)',
    [value],
  )
  await eventually(
    () => recordsAt(organization, object),
    (records) => JSON.stringify(records).includes(value),
    { what: `the settling edit at ${property}` },
  )
  return (await writesAt(organization)).length - before
}

describe('HubSpot', () => {
  it('a contact created there with the official client is here, once, and in no other organization', async () => {
    const acme = organizationOf('acme')
    const client = new HubSpot({ accessToken: acme.connection.accessToken, basePath: acme.connection.sandboxUrl })
    const before = (await writesAt(acme)).length
    const email = `grace.${Date.now()}@hopper.example`
    await client.crm.contacts.basicApi.create({
      properties: { email, firstname: 'Grace', lastname: 'Hopper' },
      associations: [],
    })
    const holders = await eventually(
      () => holdersOf(email),
      (found) => found.length > 0,
      { what: 'the contact in the table' },
    )
    expect(holders).toEqual([acme.id])
    for (const other of ['birch', 'cedar']) {
      const { rows } = await actingFor(organizationOf(other)).query('select 1 from contacts where email = $1', [email])
      expect(rows).toEqual([])
    }
    await settle(acme, 'contacts', 'phone')
    // The one that created it, and the settling edit's own.
    expect((await writesAt(acme)).length - before).toBe(2)
  })

  it('a contact changed here by SQL is changed there by exactly one write, and does not come back', async () => {
    const birch = organizationOf('birch')
    const acting = actingFor(birch)
    const { rows } = await acting.query('select id, email from contacts order by id desc limit 1')
    const { id, email } = rows[0] as { id: string; email: string }
    const before = (await writesAt(birch)).length
    await acting.query('update contacts set title = $1 where id = $2', ['Chief of Everything', id])
    await eventually(
      () => recordsAt(birch, 'contacts'),
      (records) =>
        records.some(
          (record) => JSON.stringify(record).includes(email) && JSON.stringify(record).includes('Chief of Everything'),
        ),
      { what: 'the title at HubSpot' },
    )
    await settle(birch, 'contacts', 'phone')
    expect((await writesAt(birch)).length - before).toBe(2)
    const log = await acting.query(
      'select origin from rowhouse.change_log where table_name = $1 and record_id = $2 and action = $3',
      ['contacts', id, 'update'],
    )
    expect(log.rows.filter(({ origin }) => origin === birch.connection.id)).toEqual([])
  })
})

describe('Salesforce', () => {
  it('a contact changed here is changed there by exactly one write', async () => {
    const cedar = organizationOf('cedar')
    const acting = actingFor(cedar)
    const { rows } = await acting.query('select id, email from contacts order by id desc limit 1')
    const { id, email } = rows[0] as { id: string; email: string }
    const before = (await writesAt(cedar)).length
    await acting.query('update contacts set title = $1 where id = $2', ['Head of Wagons', id])
    await eventually(
      () => recordsAt(cedar, 'Contact'),
      (records) =>
        records.some(
          (record) => JSON.stringify(record).includes(email) && JSON.stringify(record).includes('Head of Wagons'),
        ),
      { what: 'the title at Salesforce' },
    )
    await settle(cedar, 'Contact', 'Phone')
    expect((await writesAt(cedar)).length - before).toBe(2)
  })

  it('a contact created there with jsforce is here and in no other organization', async () => {
    const cedar = organizationOf('cedar')
    const connection = new Salesforce({
      instanceUrl: cedar.connection.sandboxUrl,
      accessToken: cedar.connection.accessToken,
      version: '67.0',
    })
    const email = `lin.${Date.now()}@freight.example`
    await connection.sobject('Contact').create({ Email: email, FirstName: 'Lin', LastName: 'Yutang' })
    const holders = await eventually(
      () => holdersOf(email),
      (found) => found.length > 0,
      { what: 'the contact in the table' },
    )
    expect(holders).toEqual([cedar.id])
  })
})

describe('isolation on the running product', () => {
  it('the tenant login sees nothing without a seal, and another organization cannot be named', async () => {
    const tenant = new Client({ connectionString: stack.ready.databaseUrl })
    await tenant.connect()
    expect((await tenant.query('select * from contacts')).rows).toEqual([])
    await tenant.end()
    const [acme, birch] = [organizationOf('acme'), organizationOf('birch')]
    await expect(
      actingFor(acme).query('insert into contacts (organization_id, email) values ($1, $2)', [
        birch.id,
        'planted@evil.example',
      ]),
    ).rejects.toMatchObject({ code: 'row_level_security' })
    await expect(
      rowhouse.as({ organizationId: birch.id, userId: acme.ownerId }).query('select 1'),
    ).rejects.toMatchObject({
      code: 'not_a_member',
    })
  })
})
