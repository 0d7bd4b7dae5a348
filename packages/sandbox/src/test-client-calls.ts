// Calls of clients that others wrote, each by the name that docs/sandbox.md gives it; for tests. Every list begins with an
// account of its own, so it can be made any number of times.
import { Client } from '@hubspot/api-client'
import jsforce from 'jsforce'
import NetsuiteRest from 'netsuite-rest'
import type { Sandbox } from './sandbox.ts'

export type Calls = readonly (readonly [name: string, call: () => PromiseLike<unknown>])[]

export function hubspotCalls(sandbox: Sandbox): Calls {
  const account = sandbox.createAccount({ connector: 'hubspot' })
  const { crm } = new Client({ basePath: sandbox.url, accessToken: account.accessToken })
  const person = sandbox.person(account.id)
  const [a, b, gone] = ['a', 'b', 'c'].map((name) => person.create('contacts', { email: `${name}@calls.example` }))
  const company = person.create('companies', { name: 'C' })
  const inputs = [{ id: a!, properties: { firstname: 'A' } }]
  const deal = person.create('deals', { dealname: 'E' })
  const spare = person.create('deals', { dealname: 'F' })
  const note = person.create('notes', { hs_timestamp: '2026-01-01T00:00:00Z' })
  person.addObject('machine', 'Machine')
  person.addField('machine', { name: 'serial', type: 'text', unique: true })
  const machine = person.create('machine', { serial: 'M-1' })
  const types = [{ associationCategory: 'HUBSPOT_DEFINED' as never, associationTypeId: 5 }]
  return [
    ['crm.contacts.basicApi.create', () => crm.contacts.basicApi.create({ properties: { firstname: 'N' } })],
    ['crm.contacts.basicApi.getById', () => crm.contacts.basicApi.getById(a!, ['email'], ['email'], ['companies'])],
    ['crm.contacts.basicApi.getPage', () => crm.contacts.basicApi.getPage(10)],
    ['crm.contacts.basicApi.update', () => crm.contacts.basicApi.update(a!, { properties: { lastname: 'L' } })],
    ['crm.contacts.basicApi.archive', () => crm.contacts.basicApi.archive(gone!)],
    ['crm.contacts.batchApi.create', () => crm.contacts.batchApi.create({ inputs: [{ properties: {} }] })],
    [
      'crm.contacts.batchApi.read',
      () => crm.contacts.batchApi.read({ inputs, properties: [], propertiesWithHistory: [] }),
    ],
    ['crm.contacts.batchApi.update', () => crm.contacts.batchApi.update({ inputs })],
    [
      'crm.contacts.batchApi.upsert',
      () => crm.contacts.batchApi.upsert({ inputs: [{ id: 'a@calls.example', idProperty: 'email', properties: {} }] }),
    ],
    ['crm.contacts.searchApi.doSearch', () => crm.contacts.searchApi.doSearch({ query: 'calls' })],
    [
      'crm.associations.v4.basicApi.createDefault',
      () => crm.associations.v4.basicApi.createDefault('contacts', a!, 'companies', company),
    ],
    ['crm.associations.v4.basicApi.getPage', () => crm.associations.v4.basicApi.getPage('contacts', a!, 'companies')],
    [
      'crm.associations.v4.batchApi.getPage',
      () => crm.associations.v4.batchApi.getPage('contacts', 'companies', { inputs: [{ id: a! }] }),
    ],
    ['crm.properties.coreApi.getAll', () => crm.properties.coreApi.getAll('deals')],
    ['crm.properties.groupsApi.getAll', () => crm.properties.groupsApi.getAll('contacts')],
    ['crm.schemas.coreApi.getAll', () => crm.schemas.coreApi.getAll()],
    ['crm.owners.ownersApi.getPage', () => crm.owners.ownersApi.getPage()],
    ['crm.pipelines.pipelinesApi.getAll', () => crm.pipelines.pipelinesApi.getAll('deals')],
    ['crm.deals.basicApi.create', () => crm.deals.basicApi.create({ properties: { dealname: 'D' } })],
    [
      'crm.objects.notes.basicApi.create',
      () => crm.objects.notes.basicApi.create({ properties: { hs_timestamp: '2026-01-01T00:00:00Z' } }),
    ],
    ['crm.deals.basicApi.getById', () => crm.deals.basicApi.getById(deal, ['amount'], undefined, ['companies'])],
    ['crm.deals.basicApi.getPage', () => crm.deals.basicApi.getPage(10, undefined, ['dealname'])],
    ['crm.deals.basicApi.update', () => crm.deals.basicApi.update(deal, { properties: { amount: '5' } })],
    ['crm.deals.basicApi.archive', () => crm.deals.basicApi.archive(spare)],
    ['crm.deals.batchApi.create', () => crm.deals.batchApi.create({ inputs: [{ properties: { dealname: 'G' } }] })],
    ['crm.deals.searchApi.doSearch', () => crm.deals.searchApi.doSearch({ query: 'E' })],
    ['crm.objects.notes.basicApi.getPage', () => crm.objects.notes.basicApi.getPage(10)],
    [
      'crm.objects.notes.basicApi.update',
      () => crm.objects.notes.basicApi.update(note, { properties: { hs_note_body: 'B' } }),
    ],
    [
      'crm.objects.tasks.basicApi.create',
      () => crm.objects.tasks.basicApi.create({ properties: { hs_timestamp: '2026-01-01T00:00:00Z' } }),
    ],
    [
      'crm.associations.v4.batchApi.create',
      () =>
        crm.associations.v4.batchApi.create('deals', 'companies', {
          inputs: [{ _from: { id: deal }, to: { id: company }, types }],
        }),
    ],
    [
      'crm.associations.v4.batchApi.archive',
      () =>
        crm.associations.v4.batchApi.archive('deals', 'companies', {
          inputs: [{ _from: { id: deal }, to: [{ id: company }] }],
        }),
    ],
    [
      'crm.associations.v4.schema.definitionsApi.getAll',
      () => crm.associations.v4.schema.definitionsApi.getAll('2-1', 'companies'),
    ],
    ['crm.schemas.coreApi.getById', () => crm.schemas.coreApi.getById('2-1')],
    ['crm.properties.coreApi.getByName', () => crm.properties.coreApi.getByName('2-1', 'serial')],
    ['crm.objects.basicApi.create', () => crm.objects.basicApi.create('2-1', { properties: { serial: 'M-2' } })],
    ['crm.objects.basicApi.getById', () => crm.objects.basicApi.getById('machine', machine, ['serial'])],
    [
      'crm.objects.batchApi.upsert',
      () => crm.objects.batchApi.upsert('2-1', { inputs: [{ id: 'M-3', idProperty: 'serial', properties: {} }] }),
    ],
    ['crm.objects.searchApi.doSearch', () => crm.objects.searchApi.doSearch('2-1', { query: 'M' })],
    ['crm.contacts.publicObjectApi.merge', () => mergeContacts(crm, a!, b!)],
  ]
}

// The client of today merges through basicApi; older ones had an API of its own for it.
function mergeContacts(crm: Client['crm'], primaryObjectId: string, objectIdToMerge: string): Promise<unknown> {
  const merging = crm.contacts as unknown as Record<string, { merge?: (input: unknown) => Promise<unknown> }>
  const api = merging['basicApi']?.merge ? merging['basicApi'] : merging['publicObjectApi']
  return api!.merge!({ primaryObjectId, objectIdToMerge })
}

export function salesforceCalls(sandbox: Sandbox): Calls {
  const account = sandbox.createAccount({ connector: 'salesforce' })
  const connection = new jsforce.Connection({
    instanceUrl: sandbox.url,
    accessToken: account.accessToken,
    version: '60.0',
  })
  const person = sandbox.person(account.id)
  const [id, gone] = ['A', 'B'].map((Name) => person.create('Account', { Name }))
  const accounts = connection.sobject('Account')
  person.addObject('Machine', 'Machine')
  const deal = { Name: 'O', StageName: 'Prospecting', CloseDate: '2026-03-29', AccountId: id! }
  const span = [new Date(Date.now() - 3_600_000).toISOString(), new Date(Date.now() + 60_000).toISOString()] as const
  return [
    ['sobject.create', () => accounts.create({ Name: 'C' })],
    ['sobject.create (many)', () => accounts.create([{ Name: 'D' }, { Name: 'E' }])],
    ['sobject.retrieve', () => accounts.retrieve(id!)],
    ['sobject.update', () => accounts.update({ Id: id!, Phone: '1' })],
    ['sobject.upsert', () => accounts.upsert({ External_Id__c: 'x', Name: 'F' }, 'External_Id__c')],
    ['sobject.destroy', () => accounts.destroy(gone!)],
    [
      'sobject.find',
      () =>
        accounts
          .find({ Name: { $like: 'A%' } }, ['Id', 'Name'])
          .sort({ Name: -1 })
          .limit(5),
    ],
    ['sobject.count', () => accounts.count()],
    ['sobject.describe', () => accounts.describe()],
    ['sobject.updated', () => accounts.updated(...span)],
    ['sobject.deleted', () => accounts.deleted(...span)],
    ['query', () => connection.query('SELECT Id, Owner.Name FROM Account')],
    ['query (scanAll)', () => connection.query('SELECT Id FROM Account', { scanAll: true })],
    ['sobject.create (Opportunity)', () => connection.sobject('Opportunity').create(deal)],
    ['sobject.create (Task)', () => connection.sobject('Task').create({ Subject: 'Call', WhatId: id! })],
    ['sobject.create (Note)', () => connection.sobject('Note').create({ Title: 'Met', ParentId: id! })],
    ['sobject.create (custom object)', () => connection.sobject('Machine__c').create({ Name: 'M-1' })],
    ['sobject.describe (custom object)', () => connection.sobject('Machine__c').describe()],
    [
      'tooling.create (CustomField)',
      () =>
        connection.tooling.create('CustomField', {
          FullName: 'Activity.Colour__c',
          Metadata: { type: 'Text', length: 80, label: 'Colour' },
        } as never),
    ],
    ['describeGlobal', () => connection.describeGlobal()],
    ['limits', () => connection.limits()],
    [
      'bulk2.loadAndWaitForResults',
      () =>
        connection.bulk2.loadAndWaitForResults({
          object: 'Account',
          operation: 'insert',
          input: [{ Name: 'G' }],
          pollInterval: 1,
        } as never),
    ],
    [
      'bulk2.query',
      async () =>
        (await connection.bulk2.query('SELECT Id FROM Account', { pollInterval: 1, pollTimeout: 5000 })).toArray(),
    ],
  ]
}

export function netsuiteCalls(sandbox: Sandbox): Calls {
  const account = sandbox.createAccount({ connector: 'netsuite' })
  const { consumerKey, consumerSecret, tokenId, tokenSecret } = account.tokenBased!
  const client = new NetsuiteRest({
    consumer_key: consumerKey,
    consumer_secret_key: consumerSecret,
    token: tokenId,
    token_secret: tokenSecret,
    realm: account.id,
    base_url: sandbox.url,
  })
  const person = sandbox.person(account.id)
  const [id, gone, last] = ['A', 'Y', 'Z'].map((companyName) => person.create('customer', { companyName }))
  const item = person.create('inventoryItem', { itemId: 'Widget', basePrice: 2 })
  const machine = person.addObject('machine', 'Machine')
  const record = `record/v1/customer/${id}`
  const order = { entity: { id }, item: { items: [{ item: { id: item }, quantity: 3 }] } }
  const orderId = person.create('salesOrder', order)
  const made = (path: string, body: unknown) => client.request({ path, method: 'POST', body: JSON.stringify(body) })
  const query = (q: string) =>
    client.request({ path: 'query/v1/suiteql?limit=5', method: 'POST', body: JSON.stringify({ q }) })
  return [
    ['OPTIONS *', () => client.request({ path: '*', method: 'OPTIONS' })],
    ['GET record/v1/customer', () => client.request({ path: 'record/v1/customer/?limit=10' })],
    [
      'GET record/v1/customer?q=',
      () => client.request({ path: `record/v1/customer?q=${encodeURIComponent('companyName START_WITH "A"')}` }),
    ],
    ['GET record/v1/customer/{id}', () => client.request({ path: `${record}?expandSubResources=true` })],
    [
      'POST record/v1/customer',
      () => client.request({ path: 'record/v1/customer', method: 'POST', body: '{"companyName":"B"}' }),
    ],
    ['PATCH record/v1/customer/{id}', () => client.request({ path: record, method: 'PATCH', body: '{"phone":"1"}' })],
    [
      'PUT record/v1/customer/eid:{value}',
      () => client.request({ path: 'record/v1/customer/eid:X', method: 'PUT', body: '{"companyName":"X"}' }),
    ],
    ['GET record/v1/customer/eid:{value}', () => client.request({ path: 'record/v1/customer/eid:X' })],
    ['POST record/v1/contact', () => made('record/v1/contact', { lastName: 'Contact', company: { id } })],
    ['POST record/v1/salesOrder', () => made('record/v1/salesOrder', order)],
    [
      'GET record/v1/salesOrder/{id}/item',
      () => client.request({ path: `record/v1/salesOrder/${orderId}/item?expandSubResources=true` }),
    ],
    [
      'POST record/v1/customer/{id}/!transform/salesOrder',
      () => made(`${record}/!transform/salesOrder`, { item: order.item }),
    ],
    ['POST record/v1/{custom record}', () => made(`record/v1/${machine}`, { name: 'M' })],
    ['POST query/v1/suiteql', () => query("SELECT id FROM customer WHERE dateCreated >= '01/01/2019'")],
    [
      'POST query/v1/suiteql (deletedrecord)',
      () => query("SELECT recordid FROM deletedrecord WHERE deleteddate >= TO_DATE('2019-01-01', 'YYYY-MM-DD')"),
    ],
    ['GET record/v1/metadata-catalog', () => client.request({ path: 'record/v1/metadata-catalog/' })],
    ['GET record/v1/metadata-catalog/customer', () => client.request({ path: 'record/v1/metadata-catalog/customer' })],
    ['GET system/v1/governanceLimits', () => client.request({ path: 'system/v1/governanceLimits' })],
    [
      'DELETE record/v1/customer?id= (a job)',
      () =>
        client.request({
          path: `record/v1/customer?id=${gone}`,
          method: 'DELETE',
          heads: { prefer: 'respond-async' },
        }),
    ],
    ['GET async/v1/job/{id}', () => client.request({ path: 'async/v1/job/1' })],
    ['DELETE record/v1/customer/{id}', () => client.request({ path: `record/v1/customer/${last}`, method: 'DELETE' })],
  ]
}
