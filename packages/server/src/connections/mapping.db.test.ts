// Discovery and mappings over real HTTP: what an account has, what of it is synced, and a mapping that is changed while
// the connection is paused.
import { startSandbox } from '@rowhouse/sandbox'
import type { CreatedAccount, Sandbox } from '@rowhouse/sandbox'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse } from 'rowhouse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestServer } from '../test-server.ts'
import type { TestServer } from '../test-server.ts'

const database = useTestDatabase()
const soon = { timeout: 60_000, interval: 50 }
let sandbox: Sandbox
let server: TestServer
let rowhouse: Rowhouse

const TABLES = `
create table companies (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
  name text not null, domain text, industry text, employees integer, primary key (organization_id, id));
create table machines (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
  serial text, weight numeric, company_id uuid, primary key (organization_id, id),
  foreign key (organization_id, company_id) references companies (organization_id, id) on delete set null (company_id));
select rowhouse.protect('companies'); select rowhouse.protect('machines');`

beforeAll(async () => {
  sandbox = await startSandbox()
  server = await startTestServer(database(), { simulatedProviders: [sandbox.url], worker: true })
  await withClient(database().migratorUrl, (client) => client.query(TABLES))
  rowhouse = createRowhouse({ url: database().appUrl, signingKey: database().signingKey })
})
afterAll(async () => {
  await rowhouse?.close()
  await server?.stop()
  await sandbox?.close()
})

describe.each([
  { connector: 'hubspot', machine: '2-1', at: 'machine', serial: 'serial', weight: 'weight', parent: 'company' },
  {
    connector: 'salesforce',
    machine: 'Machine__c',
    at: 'Machine__c',
    serial: 'Serial__c',
    weight: 'Weight__c',
    parent: 'Account__c',
  },
] as const)('an account of $connector with a custom object', ({ connector, machine, at, serial, weight, parent }) => {
  let account: CreatedAccount
  let base = ''
  let bearer = ''
  const call = (method: string, path: string, body?: unknown, as = bearer) =>
    server.call(method, `${base}${path}`, { bearer: as, ...(body === undefined ? {} : { body }) })
  const company = {
    object: 'company',
    table: 'companies',
    fields: [{ column: 'name', field: connector === 'hubspot' ? 'name' : 'Name' }],
    references: [],
    matchBy: [],
  }
  const machines = {
    object: machine,
    table: 'machines',
    fields: [
      { column: 'serial', field: serial },
      { column: 'weight', field: weight },
    ],
    references: [{ column: 'company_id', reference: parent }],
    matchBy: ['serial'],
  }

  beforeAll(async () => {
    const { worlds } = server
    const { organizationId, ownerId } = connector === 'hubspot' ? worlds.a : worlds.b
    bearer = await server.token(ownerId)
    account = sandbox.createAccount({ connector, name: connector })
    const person = sandbox.person(account.id)
    person.addObject(connector === 'hubspot' ? 'machine' : 'Machine', 'Machine')
    person.addField(at, { name: serial, label: 'Serial number', type: 'text' })
    person.addField(at, { name: weight, type: 'number' })
    if (connector === 'salesforce') person.addField(at, { name: parent, type: 'reference', referenceTo: 'Account' })
    person.create(at, { [serial]: 'M-1', [weight]: connector === 'hubspot' ? '1.5' : 1.5 })
    const made = await server.call('POST', `/v1/organizations/${organizationId}/connections`, {
      bearer,
      body: { connector, accessToken: account.accessToken, baseUrl: account.url, mapping: [company] },
    })
    if (made.status !== 200) throw new Error(made.text)
    base = `/v1/organizations/${organizationId}/connections/${made.body.id}`
  })

  it('lists its objects', async () => {
    const { status, body } = await call('GET', '/remote-schemas')
    expect(status).toBe(200)
    const listed = body.items.map(({ object, custom }: { object: string; custom: boolean }) => [object, custom])
    expect(listed).toEqual(
      expect.arrayContaining([
        ['company', false],
        ['contact', false],
        ['deal', false],
        ['note', false],
        ['task', false],
        [machine, true],
      ]),
    )
    expect(listed).toHaveLength(6)
  })

  it('tells the fields and references of one', async () => {
    const { status, body } = await call('GET', `/remote-schemas/${machine}`)
    expect(status).toBe(200)
    expect(body).toMatchObject({ object: machine, label: 'Machine', custom: true })
    expect(body.fields).toContainEqual({
      name: serial,
      label: 'Serial number',
      kind: 'text',
      custom: true,
      required: false,
      unique: false,
      readOnly: false,
      options: null,
    })
    expect(body.references).toContainEqual(expect.objectContaining({ name: parent, object: 'company' }))
    expect(JSON.stringify(body)).not.toContain('ia"')
    const stage = connector === 'hubspot' ? 'dealstage' : 'StageName'
    const deal = await call('GET', '/remote-schemas/deal')
    const field = deal.body.fields.find(({ name }: { name: string }) => name === stage)
    expect(field.kind).toBe('choice')
    expect(field.options.length).toBeGreaterThan(3)
  })

  it.each(['2-99', 'Nothing__c', 'nothing', '..', "x' OR Name != '"])('has no object %s', async (object) => {
    const { status, body } = await call('GET', `/remote-schemas/${encodeURIComponent(object)}`)
    expect([status, body.code]).toEqual([404, expect.stringMatching(/^(remote_object_)?not_found$/)])
  })

  it('tells neither to those who may only read, nor to another organization', async () => {
    const viewer = await server.token(server.worlds[connector === 'hubspot' ? 'a' : 'b'].viewerId)
    for (const path of ['/remote-schemas', `/remote-schemas/${machine}`]) {
      const { status, body } = await call('GET', path, undefined, viewer)
      expect([status, body.code]).toEqual([403, 'permission_denied'])
    }
    const other = connector === 'hubspot' ? server.worlds.b : server.worlds.a
    const mine = base.replace(/organizations\/[^/]+/, `organizations/${other.organizationId}`)
    const asked = await server.call('GET', `${mine}/remote-schemas`, { bearer: await server.token(other.ownerId) })
    expect([asked.status, asked.body.code]).toEqual([404, 'connection_not_found'])
  })

  it('keeps its mapping while it is live, and takes another while it is paused: the custom object is read', async () => {
    const before = (await call('GET', '/mapping')).body
    expect(before).toEqual({ version: 1, objects: [company] })
    const live = await call('PUT', '/mapping', { objects: [company, machines] })
    expect([live.status, live.body.code]).toEqual([409, 'connection_wrong_state'])
    await call('POST', '/pause')
    const wrong = await call('PUT', '/mapping', {
      objects: [
        { ...machines, references: [] },
        { ...company, table: 'x' },
      ],
    })
    expect([wrong.status, wrong.body.code]).toEqual([400, 'mapping_invalid'])
    await expect
      .poll(async () => (await call('PUT', '/mapping', { objects: [machines, company] })).status, soon)
      .toBe(200)
    const after = (await call('GET', '/mapping')).body
    expect(after.version).toBe(2)
    expect(after.objects).toEqual([company, machines])
    await call('POST', '/resume')
    const { organizationId, ownerId } = connector === 'hubspot' ? server.worlds.a : server.worlds.b
    const person = rowhouse.as({ organizationId, userId: ownerId })
    const rows = async () => (await person.query('select serial, weight::float8 as weight from machines')).rows
    await expect.poll(rows, soon).toEqual([{ serial: 'M-1', weight: 1.5 }])
  })

  it('tells the columns of a table and what each holds, to who may choose', async () => {
    const { status, body } = await call('GET', '/mapping/columns/machines')
    expect(status).toBe(200)
    expect(body.items.map(({ column, type }: { column: string; type: string }) => [column, type])).toEqual([
      ['company_id', 'uuid'],
      ['serial', 'text'],
      ['weight', 'numeric'],
    ])
    const kinds = Object.fromEntries(
      body.items.map(({ column, kinds }: { column: string; kinds: string[] }) => [column, kinds]),
    )
    expect(kinds.serial).toEqual(expect.arrayContaining(['text', 'number', 'choice']))
    expect(kinds.company_id).not.toContain('number')
    expect((await call('GET', '/mapping/columns/nothing')).body).toEqual({ items: [] })
    const { viewerId } = server.worlds[connector === 'hubspot' ? 'a' : 'b']
    const viewer = await call('GET', '/mapping/columns/machines', undefined, await server.token(viewerId))
    expect([viewer.status, viewer.body.code]).toEqual([403, 'permission_denied'])
  })

  it('writes no choice over one that somebody else made meanwhile', async () => {
    await call('POST', '/pause')
    const { version, objects } = (await call('GET', '/mapping')).body
    const late = await call('PUT', '/mapping', { objects, version: version - 1 })
    expect([late.status, late.body.code]).toEqual([409, 'mapping_changed'])
    await expect.poll(async () => (await call('PUT', '/mapping', { objects, version })).status, soon).toBe(200)
    expect((await call('GET', '/mapping')).body).toEqual({ version: version + 1, objects })
    // Without a version whichever there is gives way, as before.
    expect((await call('PUT', '/mapping', { objects })).status).toBe(200)
  })

  it('writes who chose it to the audit log', async () => {
    const { organizationId, ownerId } = connector === 'hubspot' ? server.worlds.a : server.worlds.b
    const { rows } = await withClient(database().controlUrl, (control) =>
      control.query(
        `select distinct actor_id, outcome from rowhouse.control_audit
         where action = 'connection.map' and organization_id = $1 order by outcome`,
        [organizationId],
      ),
    )
    expect(rows).toEqual(
      expect.arrayContaining(
        ['connection_wrong_state', 'done', 'mapping_invalid'].map((outcome) => ({ actor_id: ownerId, outcome })),
      ),
    )
  })
})
