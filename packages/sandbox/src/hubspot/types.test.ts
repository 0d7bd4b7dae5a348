// More types than contacts and companies: deals, notes, tasks, custom objects, labels, scopes, erasure.
import { Client } from '@hubspot/api-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import { startSandbox } from '../sandbox.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let account: CreatedAccount
let client: Client
beforeAll(async () => {
  sandbox = await startSandbox()
  account = sandbox.createAccount({ connector: 'hubspot' })
  client = new Client({ basePath: sandbox.url, accessToken: account.accessToken })
})
afterAll(() => sandbox.close())

const definedBy = (associationTypeId: number): never[] =>
  [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId }] as never

describe('deals, notes and tasks', () => {
  it('are created with their associations and read back', async () => {
    const { crm } = client
    const contact = await crm.contacts.basicApi.create({ properties: { email: 'a@types.example' } })
    const company = await crm.companies.basicApi.create({ properties: { name: 'Types' } })
    const deal = await crm.deals.basicApi.create({
      properties: { dealname: 'D', dealstage: 'closedwon', pipeline: 'default', amount: '10' },
      associations: [
        { to: { id: contact.id }, types: definedBy(3) },
        { to: { id: company.id }, types: definedBy(341) },
      ],
    })
    const note = await crm.objects.notes.basicApi.create({
      properties: { hs_timestamp: '2026-01-01T00:00:00Z', hs_note_body: 'N' },
      associations: [{ to: { id: contact.id }, types: definedBy(202) }],
    })
    const task = await crm.objects.tasks.basicApi.create({
      properties: { hs_timestamp: '2026-01-01T00:00:00Z', hs_task_subject: 'T', hs_task_status: 'NOT_STARTED' },
      associations: [{ to: { id: deal.id }, types: definedBy(216) }],
    })
    const read = await crm.deals.basicApi.getById(deal.id, undefined, undefined, ['contacts', 'companies', 'tasks'])
    expect(read.associations).toMatchObject({
      contacts: { results: [{ id: contact.id, type: 'deal_to_contact' }] },
      companies: { results: [{ id: company.id, type: 'deal_to_company' }, { type: 'deal_to_company_unlabeled' }] },
      tasks: { results: [{ id: task.id }] },
    })
    const notes = await crm.associations.v4.basicApi.getPage('contacts', contact.id, 'notes')
    expect(notes.results).toMatchObject([{ toObjectId: note.id, associationTypes: [{ typeId: 201 }] }])
    await expect(crm.deals.basicApi.create({ properties: { dealstage: 'nosuch' } })).rejects.toMatchObject({
      code: 400,
    })
    const found = await crm.deals.searchApi.doSearch({
      filterGroups: [{ filters: [{ propertyName: 'amount', operator: 'GT', value: '5' }] }],
    } as never)
    expect(found.results.map(({ id }) => id)).toEqual([deal.id])
    await crm.deals.basicApi.archive(deal.id)
    expect((await crm.associations.v4.basicApi.getPage('contacts', contact.id, 'deals')).results).toEqual([])
  })

  it('have owners and a pipeline', async () => {
    const { results } = await client.crm.owners.ownersApi.getPage()
    expect(await client.crm.owners.ownersApi.getById(Number(results[0]!.id))).toMatchObject({ lastName: 'Owner' })
    const [pipeline] = (await client.crm.pipelines.pipelinesApi.getAll('deals')).results
    expect(pipeline!.stages.map(({ id }) => id)).toContain('closedwon')
  })
})

describe('custom objects', () => {
  it('are defined by a schema, and then are objects like others', async () => {
    const { crm } = client
    const property = { name: 'serial', label: 'Serial', type: 'string', fieldType: 'text', hasUniqueValue: true }
    const schema = await crm.schemas.coreApi.create({
      name: 'machine',
      labels: { singular: 'Machine', plural: 'Machines' },
      requiredProperties: ['serial'],
      primaryDisplayProperty: 'serial',
      properties: [property],
      associatedObjects: ['CONTACT'],
    } as never)
    expect(schema).toMatchObject({ objectTypeId: '2-1', fullyQualifiedName: `p${account.id}_machine` })
    const press = await crm.objects.basicApi.create('machine', { properties: { serial: 'S1' } })
    expect((await crm.objects.basicApi.getById('2-1', 'S1', undefined, undefined, undefined, false, 'serial')).id).toBe(
      press.id,
    )
    await expect(crm.objects.basicApi.create('2-1', { properties: { serial: 'S1' } })).rejects.toMatchObject({
      code: 400,
    })
    const contact = await crm.contacts.basicApi.create({ properties: { email: 'm@types.example' } })
    await crm.associations.v4.basicApi.createDefault('machine', press.id, 'contacts', contact.id)
    expect((await crm.associations.v4.basicApi.getPage('contacts', contact.id, 'machine')).results).toMatchObject([
      { toObjectId: press.id },
    ])
    expect((await crm.schemas.coreApi.getAll()).results).toHaveLength(1)
    await expect(
      crm.schemas.coreApi.create({
        name: 'machine',
        labels: {},
        properties: [],
        requiredProperties: [],
        associatedObjects: [],
      }),
    ).rejects.toMatchObject({ code: 409 })
    await expect(crm.objects.basicApi.getPage('unicorn')).rejects.toMatchObject({ code: 404 })
  })

  it('can be added by a person', async () => {
    const person = sandbox.person(account.id)
    const name = person.addObject('robot', 'Robot')
    person.addField(name, { name: 'colour', type: 'text' })
    const id = person.create(name, { colour: 'red' })
    expect(await client.crm.objects.basicApi.getById('robot', id, ['colour'])).toMatchObject({
      properties: { colour: 'red' },
    })
  })
})

describe('labels of one’s own', () => {
  it('are made in both directions, given, and taken away', async () => {
    const { crm } = client
    const { basicApi } = crm.associations.v4
    const { definitionsApi } = crm.associations.v4.schema
    const { results } = await definitionsApi.create('contacts', 'companies', {
      name: 'billing',
      label: 'Billing contact',
      inverseLabel: 'Bills',
    })
    const [label] = results as unknown as { typeId: number }[]
    const contact = await crm.contacts.basicApi.create({ properties: { email: 'l@types.example' } })
    const company = await crm.companies.basicApi.create({ properties: { name: 'L' } })
    await basicApi.create('contacts', contact.id, 'companies', company.id, [
      { associationCategory: 'USER_DEFINED', associationTypeId: label!.typeId },
    ] as never)
    const page = await basicApi.getPage('companies', company.id, 'contacts')
    expect(page.results[0]!.associationTypes).toEqual(
      expect.arrayContaining([expect.objectContaining({ category: 'USER_DEFINED', label: 'Bills' })]),
    )
    const labels = `/crm/v4/associations/contacts/companies/labels/${label!.typeId}`
    expect((await client.apiRequest({ method: 'DELETE', path: labels })).status).toBe(204)
    expect(JSON.stringify(await basicApi.getPage('companies', company.id, 'contacts'))).not.toContain('Bills')
  })
})

describe('scopes', () => {
  it('that were taken away refuse what needs them, naming them', async () => {
    const limited = sandbox.createAccount({ connector: 'hubspot' })
    const { crm } = new Client({ basePath: sandbox.url, accessToken: limited.accessToken })
    sandbox.reduceScopes(limited.id, ['crm.objects.contacts.read'])
    await crm.contacts.basicApi.getPage()
    await expect(crm.contacts.basicApi.create({ properties: {} })).rejects.toMatchObject({
      code: 403,
      body: {
        category: 'MISSING_SCOPES',
        errors: [{ context: { requiredGranularScopes: ['crm.objects.contacts.write'] } }],
      },
    })
    await expect(crm.companies.basicApi.getPage()).rejects.toMatchObject({ code: 403 })
    sandbox.reduceScopes(limited.id, undefined)
    await crm.companies.basicApi.getPage()
  })
})

it('an erased contact is gone for good, archived or not', async () => {
  const { crm } = client
  const contact = await crm.contacts.basicApi.create({ properties: { email: 'gone@types.example' } })
  const path = '/crm/v3/objects/contacts/gdpr-delete'
  const erased = await client.apiRequest({ method: 'POST', path, body: { objectId: contact.id } })
  expect(erased.status).toBe(204)
  await expect(crm.contacts.basicApi.getById(contact.id)).rejects.toMatchObject({ code: 404 })
  await expect(crm.contacts.basicApi.getById(contact.id, undefined, undefined, undefined, true)).rejects.toMatchObject({
    code: 404,
  })
  await crm.contacts.basicApi.create({ properties: { email: 'gone@types.example' } })
})

it('groups of properties are listed and made once', async () => {
  const { groupsApi } = client.crm.properties
  await groupsApi.create('deals', { name: 'ours', label: 'Ours' })
  expect((await groupsApi.getAll('deals')).results.map(({ name }) => name)).toEqual(['dealinformation', 'ours'])
  await expect(groupsApi.create('deals', { name: 'ours', label: 'Ours' })).rejects.toMatchObject({ code: 409 })
})

describe('bad input', () => {
  const send = async (
    body: string | Uint8Array<ArrayBuffer>,
    type = 'application/json',
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const response = await fetch(`${sandbox.url}/crm/v3/objects/companies`, {
      method: 'POST',
      headers: { authorization: `Bearer ${account.accessToken}`, 'content-type': type },
      body,
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  it.each([
    ['{"properties":', 400],
    [new Uint8Array([0x7b, 0xff, 0x7d]), 400],
    ['[]', 400],
    ['{"properties":{"name":["a"]}}', 400],
    [`{"properties":{"name":"${'x'.repeat(65_537)}"}}`, 400],
    [`{"properties":{"name":"${'x'.repeat(11 * 1024 * 1024)}"}}`, 413],
  ])('is refused in HubSpot’s shape', async (body, status) => {
    expect(await send(body)).toMatchObject({ status, body: { status: 'error', category: 'VALIDATION_ERROR' } })
  })

  it('of another content type is refused', async () => {
    expect((await send('<a/>', 'text/xml')).status).toBe(415)
  })

  it('keeps whole numbers beyond 2^53 as they were written', async () => {
    const { body } = await send('{"properties":{"name":"Big","annualrevenue":9007199254740993}}')
    expect(body).toMatchObject({ properties: { annualrevenue: '9007199254740993' } })
  })
})

it('an account tells how much of its day is used', async () => {
  const { url, accessToken } = sandbox.createAccount({ connector: 'hubspot', edition: 'free' })
  const response = await fetch(`${url}/account-info/v3/api-usage/daily/private-apps`, {
    headers: { authorization: `Bearer ${accessToken}` },
  })
  expect(await response.json()).toMatchObject({ results: [{ usageLimit: 250_000, currentUsage: 1 }] })
})

describe('what a note, a task and a custom object need and have', () => {
  it('is a timestamp, without which neither a note nor a task is made', async () => {
    for (const api of [client.crm.objects.notes.basicApi, client.crm.objects.tasks.basicApi])
      await expect(api.create({ properties: {} })).rejects.toMatchObject({
        code: 400,
        body: { message: expect.stringContaining('hs_timestamp') },
      })
  })

  it('are associations in both directions, which the schema names and the labels number', async () => {
    const portal = sandbox.createAccount({ connector: 'hubspot' })
    sandbox.person(portal.id).addObject('vehicle', 'Vehicle')
    const { crm } = new Client({ basePath: sandbox.url, accessToken: portal.accessToken })
    const schema = await crm.schemas.coreApi.getById('2-1')
    const ends = schema.associations.map(
      ({ fromObjectTypeId, toObjectTypeId }) => `${fromObjectTypeId}>${toObjectTypeId}`,
    )
    expect(ends).toEqual(expect.arrayContaining(['2-1>0-2', '0-2>2-1', '2-1>0-46', '2-1>0-3']))
    const labels = await crm.associations.v4.schema.definitionsApi.getAll('2-1', 'companies')
    const told = schema.associations.find(
      ({ fromObjectTypeId, toObjectTypeId }) => fromObjectTypeId === '2-1' && toObjectTypeId === '0-2',
    )
    expect(labels.results.map(({ typeId }) => String(typeId))).toContain(told?.id)
  })

  it('are searched without a sort, though their date of creation has another name', async () => {
    const portal = sandbox.createAccount({ connector: 'hubspot' })
    const id = sandbox.person(portal.id).create('notes', { hs_timestamp: '2026-01-01T00:00:00Z' })
    const { crm } = new Client({ basePath: sandbox.url, accessToken: portal.accessToken })
    const found = await crm.objects.notes.searchApi.doSearch({})
    expect(found.results.map((note) => note.id)).toEqual([id])
  })
})

describe('a person', () => {
  it('associates records, and a company becomes the primary one', async () => {
    const portal = sandbox.createAccount({ connector: 'hubspot' })
    const person = sandbox.person(portal.id)
    const [deal, first, second] = [
      person.create('deals', { dealname: 'D' }),
      person.create('companies', { name: 'A' }),
      person.create('companies', { name: 'B' }),
    ]
    const { crm } = new Client({ basePath: sandbox.url, accessToken: portal.accessToken })
    const primary = async () =>
      (await crm.associations.v4.basicApi.getPage('deals', deal, 'companies')).results.flatMap(
        ({ toObjectId, associationTypes }) => (associationTypes.some(({ typeId }) => typeId === 5) ? [toObjectId] : []),
      )
    person.associate!('deals', deal, 'companies', first)
    expect(await primary()).toEqual([first])
    person.associate!('deals', deal, 'companies', second)
    expect(await primary()).toEqual([second])
    person.associate!('deals', deal, 'companies', second, true)
    expect(await primary()).toEqual([])
    expect(() => person.associate!('deals', deal, 'companies', '1')).toThrow(/refused/)
  })
})
