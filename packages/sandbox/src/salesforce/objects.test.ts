// More objects than contacts: opportunities, tasks, notes, custom objects and fields, picklists, merges.
import jsforce from 'jsforce'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import { startSandbox } from '../sandbox.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let account: CreatedAccount
let connection: InstanceType<typeof jsforce.Connection>
beforeAll(async () => {
  sandbox = await startSandbox()
  account = sandbox.createAccount({ connector: 'salesforce' })
  connection = new jsforce.Connection({ instanceUrl: sandbox.url, accessToken: account.accessToken, version: '60.0' })
})
afterAll(() => sandbox.close())

describe('opportunities and tasks', () => {
  it('belong to accounts and contacts, and go with them', async () => {
    const acme = (await connection.sobject('Account').create({ Name: 'Acme' })).id!
    const ada = (await connection.sobject('Contact').create({ LastName: 'Ada', AccountId: acme })).id!
    const deal = { Name: 'Deal', AccountId: acme, StageName: 'Closed Won', CloseDate: '2026-04-01', Amount: 12.5 }
    const opportunity = (await connection.sobject('Opportunity').create(deal)).id!
    const task = { Subject: 'Call', WhoId: ada, WhatId: opportunity, Status: 'Completed', Priority: 'High' }
    await connection.sobject('Task').create(task)
    await connection.sobject('Note').create({ ParentId: acme, Title: 'N', Body: 'text' })
    const { records } = await connection.query(
      'SELECT Subject, IsClosed, What.Name, Who.Name FROM Task WHERE IsClosed = true',
    )
    expect(records).toMatchObject([{ Subject: 'Call', IsClosed: true, What: { Name: 'Deal' }, Who: { Name: 'Ada' } }])
    expect(await connection.sobject('Opportunity').retrieve(opportunity)).toMatchObject({
      IsWon: true,
      IsClosed: true,
      Amount: 12.5,
    })
    await connection.sobject('Account').delete(acme)
    for (const object of ['Contact', 'Opportunity', 'Task', 'Note'])
      expect(await connection.sobject(object).count()).toBe(0)
  })

  it('refuse a reference to another kind', async () => {
    const ada = (await connection.sobject('Contact').create({ LastName: 'Ada' })).id!
    await expect(
      connection.sobject('Task').create({ WhatId: ada, Status: 'Completed', Priority: 'High' }),
    ).rejects.toMatchObject({ errorCode: 'INVALID_CROSS_REFERENCE_KEY' })
    await expect(connection.sobject('Opportunity').create({ Name: 'No stage' })).rejects.toMatchObject({
      errorCode: 'REQUIRED_FIELD_MISSING',
    })
  })
})

describe('custom objects', () => {
  it('have fields, references, a describe and a prefix of their own', async () => {
    const person = sandbox.person(account.id)
    expect(person.addObject('Machine', 'Machine')).toBe('Machine__c')
    person.addField('Machine__c', { name: 'Owner__c', type: 'reference', referenceTo: 'Contact' })
    person.addField('Machine__c', { name: 'Size__c', type: 'picklist', options: ['S', 'L'] })
    const ada = (await connection.sobject('Contact').create({ LastName: 'Owner' })).id!
    const { id } = await connection.sobject('Machine__c').create({ Name: 'Press', Owner__c: ada, Size__c: 'L' })
    expect(id).toMatch(/^a00/)
    const { records } = await connection.query('SELECT Name, Owner__r.LastName FROM Machine__c')
    expect(records).toMatchObject([{ Name: 'Press', Owner__r: { LastName: 'Owner' } }])
    const described = await connection.sobject('Machine__c').describe()
    expect(described).toMatchObject({ custom: true, keyPrefix: 'a00' })
    expect(described.fields.find(({ name }) => name === 'Size__c')).toMatchObject({
      restrictedPicklist: true,
      picklistValues: [{ value: 'S' }, { value: 'L' }],
    })
    expect((await connection.describeGlobal()).sobjects.map(({ name }) => name)).toEqual([
      'Account',
      'Contact',
      'Opportunity',
      'Task',
      'Note',
      'User',
      'Machine__c',
    ])
    await expect(connection.sobject('Machine__c').create({ Name: 'X', Size__c: 'M' })).rejects.toMatchObject({
      errorCode: 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
    })
    expect(() => person.addObject('Machine', 'again')).toThrow('DUPLICATE_DEVELOPER_NAME')
  })
})

describe('a merge', () => {
  it('leaves the loser in the recycle bin with its master’s id, and what named it names the master', async () => {
    const accounts = connection.sobject('Account')
    const [master, loser] = [
      (await accounts.create({ Name: 'Master' })).id!,
      (await accounts.create({ Name: 'Loser' })).id!,
    ]
    const contact = (await connection.sobject('Contact').create({ LastName: 'Kept', AccountId: loser })).id!
    sandbox.person(account.id).merge('Account', master, loser)
    expect(await connection.sobject('Contact').retrieve(contact)).toMatchObject({ AccountId: master })
    const { records } = await connection.query(
      `SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true AND MasterRecordId != null`,
      { scanAll: true },
    )
    expect(records).toMatchObject([{ Id: loser, MasterRecordId: master }])
    expect(() => sandbox.person(account.id).restore('Account', loser)).toThrow('UNDELETE_FAILED')
  })
})

describe('bad input', () => {
  const url = (object: string): string => `${sandbox.url}/services/data/v60.0/sobjects/${object}`
  const post = async (
    object: string,
    body: string | Uint8Array<ArrayBuffer>,
    type = 'application/json',
  ): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(url(object), {
      method: 'POST',
      headers: { authorization: `Bearer ${account.accessToken}`, 'content-type': type },
      body,
    })
    return { status: response.status, body: await response.json() }
  }

  it.each([
    ['Account', '{"Name":"A","NumberOfEmployees":9007199254740993}', 400, 'NUMBER_OUTSIDE_VALID_RANGE'],
    ['Account', '{"Name":"A","NumberOfEmployees":2147483648}', 400, 'NUMBER_OUTSIDE_VALID_RANGE'],
    ['Account', '{"Name":', 400, 'JSON_PARSER_ERROR'],
    ['Account', new Uint8Array([0x7b, 0xff, 0x7d]), 400, 'JSON_PARSER_ERROR'],
    ['Contact', '{"LastName":"A","HasOptedOutOfEmail":"yes"}', 400, 'JSON_PARSER_ERROR'],
    ['Contact', '{"LastName":"A","AccountId":"nonsense"}', 400, 'MALFORMED_ID'],
  ])('for %s %s is refused', async (object, body, status, errorCode) => {
    expect(await post(object, body)).toMatchObject({ status, body: [{ errorCode }] })
  })

  it('of another content type is refused', async () => {
    expect(await post('Account', '{"Name":"A"}', 'text/plain')).toMatchObject({
      status: 415,
      body: [{ errorCode: 'UNSUPPORTED_MEDIA_TYPE' }],
    })
  })
})

it('rows that somebody else holds refuse to change, each for itself', async () => {
  const { id } = await connection.sobject('Account').create({ Name: 'Locked' })
  sandbox.chaos(account.id, { rowLockRate: 1 })
  await expect(connection.sobject('Account').update({ Id: id!, Name: 'X' })).rejects.toMatchObject({
    errorCode: 'UNABLE_TO_LOCK_ROW',
  })
  expect(await connection.sobject('Account').update([{ Id: id!, Name: 'X' }])).toMatchObject([
    { success: false, errors: [{ statusCode: 'UNABLE_TO_LOCK_ROW' }] },
  ])
  sandbox.chaos(account.id)
  await connection.sobject('Account').update({ Id: id!, Name: 'X' })
})

it('a duplicate rule refuses a contact twice, unless it is told to save', async () => {
  const strict = sandbox.createAccount({ connector: 'salesforce', limits: { refuseDuplicates: true } })
  const strictly = new jsforce.Connection({
    instanceUrl: sandbox.url,
    accessToken: strict.accessToken,
    version: '60.0',
  })
  await strictly.sobject('Contact').create({ LastName: 'A', Email: 'a@b.example' })
  await expect(strictly.sobject('Contact').create({ LastName: 'A', Email: 'a@b.example' })).rejects.toMatchObject({
    errorCode: 'DUPLICATES_DETECTED',
  })
  const saved = await strictly
    .sobject('Contact')
    .create({ LastName: 'A', Email: 'a@b.example' }, { headers: { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' } })
  expect(saved.success).toBe(true)
})

it('an edition has its own daily limit', async () => {
  for (const [edition, users, max] of [
    ['developer', 0, 15_000],
    ['enterprise', 10, 110_000],
  ] as const) {
    const { accessToken, url } = sandbox.createAccount({ connector: 'salesforce', edition, users })
    const response = await fetch(`${url}/services/data/v60.0/limits`, {
      headers: { authorization: `Bearer ${accessToken}` },
    })
    expect(response.headers.get('sforce-limit-info')).toBe(`api-usage=1/${max}`)
  }
  expect(() => sandbox.createAccount({ connector: 'salesforce', edition: 'huge' })).toThrow('no edition huge')
})

describe('notes and tasks', () => {
  it('a note takes no custom field, and never leaves the record it is about', async () => {
    const [first, second] = [
      (await connection.sobject('Account').create({ Name: 'First' })).id!,
      (await connection.sobject('Account').create({ Name: 'Second' })).id!,
    ]
    const note = (await connection.sobject('Note').create({ ParentId: first, Title: 'N' })).id!
    await expect(connection.sobject('Note').update({ Id: note, ParentId: second })).rejects.toMatchObject({
      errorCode: 'INVALID_FIELD_FOR_INSERT_UPDATE',
    })
    const described = await connection.sobject('Note').describe()
    expect(described.fields.find(({ name }) => name === 'ParentId')).toMatchObject({
      createable: true,
      updateable: false,
    })
    expect(described.fields.filter(({ custom }) => custom)).toEqual([])
    expect(() => sandbox.person(account.id).addField('Note', { name: 'Colour__c', type: 'text' })).toThrow(/refused/)
    await expect(
      connection.tooling.create('CustomField', {
        FullName: 'Note.Colour__c',
        Metadata: { type: 'Text', length: 9 },
      } as never),
    ).rejects.toThrow(/custom fields/)
  })

  it('a task has a status and a priority when none are given, and the custom fields of activities', async () => {
    const task = (await connection.sobject('Task').create({ Subject: 'Call' })).id!
    expect(await connection.sobject('Task').retrieve(task)).toMatchObject({ Status: 'Not Started', Priority: 'Normal' })
    await expect(connection.sobject('Task').update({ Id: task, Status: null } as never)).rejects.toMatchObject({
      errorCode: 'REQUIRED_FIELD_MISSING',
    })
    const field = (object: string) => ({ FullName: `${object}.Mood__c`, Metadata: { type: 'Text', length: 80 } })
    await expect(connection.tooling.create('CustomField', field('Task') as never)).rejects.toThrow(/No such object/)
    await connection.tooling.create('CustomField', field('Activity') as never)
    const described = await connection.sobject('Task').describe()
    expect(described.fields.map(({ name }) => name)).toContain('Mood__c')
  })
})
