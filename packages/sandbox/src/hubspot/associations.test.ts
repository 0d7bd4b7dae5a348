// Associations and properties through the official client.
import { Client } from '@hubspot/api-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let client: Client
beforeAll(async () => {
  sandbox = await startSandbox()
  const account = sandbox.createAccount({ connector: 'hubspot', limits: { tenSecondlyMax: 10_000 } })
  client = new Client({ basePath: account.url, accessToken: account.accessToken })
})
afterAll(() => sandbox.close())

const contact = async (): Promise<string> =>
  (await client.crm.contacts.basicApi.create({ properties: { firstname: 'A' } })).id
const company = async (): Promise<string> =>
  (await client.crm.companies.basicApi.create({ properties: { name: 'C' } })).id
const plain = [{ associationCategory: 'HUBSPOT_DEFINED' as never, associationTypeId: 279 }]

describe('associations', () => {
  it('v4: the first company is the primary one; both directions are kept', async () => {
    const [person, first, second] = [await contact(), await company(), await company()]
    const { basicApi } = client.crm.associations.v4
    await basicApi.create('contacts', person, 'companies', first, plain)
    await basicApi.createDefault('contacts', person, 'companies', second)
    const list = await basicApi.getPage('contacts', person, 'companies')
    const typeIdsOf = (id: string): number[] | undefined =>
      list.results.find((result) => result.toObjectId === id)?.associationTypes.map(({ typeId }) => typeId)
    expect(typeIdsOf(first)).toEqual([1, 279])
    expect(typeIdsOf(second)).toEqual([279])
    const before = await client.crm.contacts.basicApi.getById(person, ['associatedcompanyid'], undefined, ['companies'])
    expect(before.properties['associatedcompanyid']).toBe(first)
    expect(before.associations?.['companies']?.results.map(({ id, type }) => [id, type])).toEqual([
      [first, 'contact_to_company'],
      [first, 'contact_to_company_unlabeled'],
      [second, 'contact_to_company_unlabeled'],
    ])

    const primary = [{ associationCategory: 'HUBSPOT_DEFINED' as never, associationTypeId: 1 }]
    await basicApi.create('contacts', person, 'companies', second, primary)
    const after = await client.crm.contacts.basicApi.getById(person, ['associatedcompanyid'])
    expect(after.properties['associatedcompanyid']).toBe(second)
    expect(after.updatedAt).toEqual(before.updatedAt)

    await basicApi.archive('contacts', person, 'companies', first)
    const back = await basicApi.getPage('companies', second, 'contacts')
    expect(back.results).toMatchObject([{ toObjectId: person, associationTypes: [{ typeId: 2 }, { typeId: 280 }] }])
    expect((await basicApi.getPage('companies', first, 'contacts')).results).toEqual([])
  })

  it('v4 batches: created, read in one call, archived; 207 for records without any', async () => {
    const [one, two, three, firm] = [await contact(), await contact(), await contact(), await company()]
    const { batchApi } = client.crm.associations.v4
    const pairs = [one, two].map((id) => ({ _from: { id }, to: { id: firm }, types: plain }))
    await batchApi.create('contacts', 'companies', { inputs: pairs })
    const read = await batchApi.getPage('contacts', 'companies', { inputs: [{ id: one }, { id: two }, { id: three }] })
    expect(read.results.map((result) => result['_from'].id)).toEqual([one, two])
    expect(read).toMatchObject({ numErrors: 1, errors: [{ subCategory: 'crm.associations.NO_ASSOCIATIONS_FOUND' }] })
    await batchApi.archive('contacts', 'companies', { inputs: [{ _from: { id: one }, to: [{ id: firm }] }] })
    const page = await client.crm.associations.v4.basicApi.getPage('companies', firm, 'contacts')
    expect(page.results.map(({ toObjectId }) => toObjectId)).toEqual([two])
  })

  it('v3 batches: created and read by name', async () => {
    const [person, firm] = [await contact(), await company()]
    const { batchApi } = client.crm.associations
    await batchApi.create('contacts', 'companies', {
      inputs: [{ _from: { id: person }, to: { id: firm }, type: 'contact_to_company' }],
    })
    const read = await batchApi.read('contacts', 'companies', { inputs: [{ id: person }] })
    expect(read.results[0]?.to).toMatchObject([{ id: firm, type: 'contact_to_company' }, { id: firm }])
  })

  it('can be made with the record, and go when a record goes', async () => {
    const firm = await company()
    const created = await client.crm.contacts.basicApi.create({
      properties: { firstname: 'B' },
      associations: [{ to: { id: firm }, types: plain }],
    })
    const list = (): Promise<{ results: unknown[] }> =>
      client.crm.associations.v4.basicApi.getPage('companies', firm, 'contacts')
    expect((await list()).results).toHaveLength(1)
    await client.crm.contacts.basicApi.archive(created.id)
    expect((await list()).results).toEqual([])
  })

  it('are refused between records that do not exist, and with types that do not fit', async () => {
    const [person, firm] = [await contact(), await company()]
    const { basicApi } = client.crm.associations.v4
    await expect(basicApi.createDefault('contacts', person, 'companies', '1')).rejects.toMatchObject({ code: 404 })
    const wrong = [{ associationCategory: 'HUBSPOT_DEFINED' as never, associationTypeId: 280 }]
    await expect(basicApi.create('contacts', person, 'companies', firm, wrong)).rejects.toMatchObject({ code: 400 })
  })
})

describe('properties', () => {
  it('are listed with types and options', async () => {
    const { results } = await client.crm.properties.coreApi.getAll('companies')
    expect(results.find(({ name }) => name === 'industry')).toMatchObject({ type: 'enumeration', hubspotDefined: true })
    expect(results.find(({ name }) => name === 'hs_lastmodifieddate')?.modificationMetadata).toMatchObject({
      readOnlyValue: true,
    })
  })

  it('can be added; unique ones find and refuse', async () => {
    const { coreApi } = client.crm.properties
    const definition = {
      name: 'rowhouse_id',
      label: 'Rowhouse id',
      type: 'string',
      fieldType: 'text',
      groupName: 'contactinformation',
    }
    await coreApi.create('contacts', { ...definition, hasUniqueValue: true } as never)
    await expect(coreApi.create('contacts', definition as never)).rejects.toMatchObject({ code: 409 })
    const { batchApi, basicApi } = client.crm.contacts
    const upsert = (firstname: string): ReturnType<typeof batchApi.upsert> =>
      batchApi.upsert({ inputs: [{ idProperty: 'rowhouse_id', id: 'r1', properties: { firstname } }] })
    const [first] = (await upsert('A')).results
    const [second] = (await upsert('B')).results
    expect([first?.['_new'], second?.['_new']]).toEqual([true, false])
    expect(second?.id).toBe(first?.id)
    await expect(basicApi.create({ properties: { rowhouse_id: 'r1' } })).rejects.toMatchObject({ code: 400 })
    const read = await basicApi.getById('r1', ['firstname'], undefined, undefined, false, 'rowhouse_id')
    expect(read.properties['firstname']).toBe('B')
    await coreApi.archive('contacts', 'rowhouse_id')
    await expect(coreApi.getByName('contacts', 'rowhouse_id')).rejects.toMatchObject({ code: 404 })
    await expect(coreApi.archive('contacts', 'email')).rejects.toMatchObject({ code: 400 })
  })

  it('and objects have the same shapes under the dated paths', async () => {
    for (const path of [
      '/crm/objects/2026-03/contacts?limit=1',
      '/crm/properties/2026-03/contacts',
      '/crm/v3/objects/0-1?limit=1',
    ]) {
      const response = await client.apiRequest({ path })
      expect(response.status).toBe(200)
      expect(await response.json()).toHaveProperty('results')
    }
    const details = await client.apiRequest({ path: '/account-info/v3/details' })
    expect(await details.json()).toMatchObject({ portalId: expect.any(Number), accountType: 'STANDARD' })
    expect(
      (await client.apiRequest({ path: '/crm/v3/objects/unicorns' }).catch((error: unknown) => error as Response))
        .status,
    ).toBe(404)
  })
})
