// The data API as jsforce sees it, unchanged, over real HTTP.
import jsforce from 'jsforce'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import type { Sandbox } from '../sandbox.ts'

type Connection = InstanceType<typeof jsforce.Connection>

let sandbox: Sandbox
let now = Date.parse('2026-03-10T12:00:00.000Z')
const tick = (durationMs: number): void => {
  now += durationMs
}

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => now })
})
afterAll(() => sandbox.close())

function connect(account: CreatedAccount = sandbox.createAccount({ connector: 'salesforce' })): Connection {
  return new jsforce.Connection({
    instanceUrl: sandbox.salesforceUrl(account.id),
    accessToken: account.accessToken,
    version: '60.0',
  })
}

async function failure(
  work: PromiseLike<unknown>,
): Promise<{ errorCode: string; message: string; data: { fields?: string[] } }> {
  return Promise.resolve(work).then(
    () => {
      throw new Error('it did not fail')
    },
    (error: unknown) => error as { errorCode: string; message: string; data: { fields?: string[] } },
  )
}

async function raw(
  account: CreatedAccount,
  path: string,
  init: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(`${sandbox.url}/services/data/v60.0${path}`, {
    ...init,
    headers: { authorization: `Bearer ${account.accessToken}`, 'content-type': 'application/json', ...init.headers },
  })
}

describe('one record', () => {
  it('is created, read, changed and deleted', async () => {
    const connection = connect()
    const account = await connection.sobject('Account').create({ Name: 'Acme', Industry: 'Energy' })
    expect(account.id).toMatch(/^001[A-Za-z0-9]{15}$/)
    const { id } = await connection
      .sobject('Contact')
      .create({ LastName: ' Lovelace ', FirstName: 'Ada', Email: 'Ada@Example.com', AccountId: account.id })
    const read = await connection.sobject('Contact').retrieve(id!)
    expect(read).toMatchObject({
      attributes: { type: 'Contact', url: `/services/data/v60.0/sobjects/Contact/${id}` },
      Id: id,
      Name: 'Ada Lovelace',
      LastName: 'Lovelace',
      Email: 'ada@example.com',
      AccountId: account.id,
      Phone: null,
      CreatedDate: '2026-03-10T12:00:00.000+0000',
    })
    tick(61_500)
    await connection.sobject('Contact').update({ Id: id!, Phone: '1', FirstName: '' })
    const changed = await connection.sobject('Contact').retrieve(id!.slice(0, 15))
    expect(changed).toMatchObject({ Phone: '1', FirstName: null, SystemModstamp: '2026-03-10T12:01:01.000+0000' })

    await connection.sobject('Contact').delete(id!)
    expect((await failure(connection.sobject('Contact').retrieve(id!))).errorCode).toBe('ENTITY_IS_DELETED')
    expect((await failure(connection.sobject('Contact').update({ Id: id!, Phone: '2' }))).errorCode).toBe(
      'ENTITY_IS_DELETED',
    )
  })

  it('is refused with the code for what is wrong', async () => {
    const connection = connect()
    const contacts = connection.sobject('Contact')
    const codes = async (fields: Record<string, unknown>): Promise<string> =>
      (await failure(contacts.create(fields))).errorCode
    expect(await codes({ FirstName: 'No last name' })).toBe('REQUIRED_FIELD_MISSING')
    expect(await codes({ LastName: 'A', Nonsense: 1 })).toBe('INVALID_FIELD')
    expect(await codes({ LastName: 'A', Name: 'B' })).toBe('INVALID_FIELD_FOR_INSERT_UPDATE')
    expect(await codes({ LastName: 'A', Email: 'nobody' })).toBe('INVALID_EMAIL_ADDRESS')
    expect(await codes({ LastName: 'A'.repeat(81) })).toBe('STRING_TOO_LONG')
    expect(await codes({ LastName: 'A', AccountId: 'x' })).toBe('MALFORMED_ID')
    expect(await codes({ LastName: 'A', AccountId: '001000000000001AAA' })).toBe('INVALID_CROSS_REFERENCE_KEY')
    expect(await codes({ LastName: 'A', DoNotCall: 'perhaps' })).toBe('JSON_PARSER_ERROR')
    expect((await failure(connection.sobject('Nothing').retrieve('003000000000001AAA'))).errorCode).toBe('NOT_FOUND')
    const error = await failure(contacts.create({ FirstName: 'X' }))
    expect(error.message).toBe('Required fields are missing: [LastName]')
    expect(error.data.fields).toEqual(['LastName'])
  })

  it('is upserted by external id: created, updated, ambiguous', async () => {
    const account = sandbox.createAccount({ connector: 'salesforce' })
    const connection = connect(account)
    const contacts = connection.sobject('Contact')
    const created = await contacts.upsert({ External_Id__c: 'A 1', LastName: 'One' }, 'External_Id__c')
    expect(created).toMatchObject({ success: true, created: true })
    const updated = await contacts.upsert({ External_Id__c: 'A 1', LastName: 'Uno' }, 'External_Id__c')
    expect(updated).toMatchObject({ id: created.id, success: true, created: false })
    expect((await failure(contacts.create({ LastName: 'B', External_Id__c: 'a 1' }))).errorCode).toBe('DUPLICATE_VALUE')

    await connection.tooling.create('CustomField', {
      FullName: 'Contact.Legacy__c',
      Metadata: { type: 'Text', length: 40, label: 'Legacy', externalId: true },
    })
    await contacts.create([1, 2].map(() => ({ LastName: 'Twin', Legacy__c: 'T' })))
    const ambiguous = await raw(account, '/sobjects/Contact/Legacy__c/T', { method: 'PATCH', body: '{"Phone":"1"}' })
    expect(ambiguous.status).toBe(300)
    expect(await ambiguous.json()).toHaveLength(2)
    expect((await failure(contacts.upsert({ Phone: '1', LastName: 'X' }, 'Phone'))).errorCode).toBe('NOT_FOUND')
  })

  it('honours conditional headers', async () => {
    const account = sandbox.createAccount({ connector: 'salesforce' })
    const { id } = await connect(account).sobject('Account').create({ Name: 'Acme' })
    const first = await raw(account, `/sobjects/Account/${id}`)
    const etag = first.headers.get('etag')!
    const lastModified = first.headers.get('last-modified')!
    await first.body?.cancel()
    tick(5000)
    const patch = (headers: Record<string, string>): Promise<Response> =>
      raw(account, `/sobjects/Account/${id}`, { method: 'PATCH', body: '{"Site":"x"}', headers })
    expect((await patch({ 'if-match': etag })).status).toBe(204)
    expect((await patch({ 'if-match': etag })).status).toBe(412)
    expect((await patch({ 'if-unmodified-since': lastModified })).status).toBe(412)
    expect((await patch({ 'if-unmodified-since': new Date(now).toUTCString() })).status).toBe(204)
    const unchanged = await raw(account, `/sobjects/Account/${id}`, {
      headers: { 'if-modified-since': new Date(now).toUTCString() },
    })
    expect(unchanged.status).toBe(304)
  })

  it('cannot be seen with the session of another organization', async () => {
    const { id } = await connect().sobject('Account').create({ Name: 'Private' })
    const other = connect()
    expect((await failure(other.sobject('Account').retrieve(id!))).errorCode).toBe('NOT_FOUND')
    expect(await other.sobject('Account').find()).toEqual([])
  })
})

describe('collections', () => {
  it('create, update, upsert, retrieve and delete many in one call', async () => {
    const account = sandbox.createAccount({ connector: 'salesforce' })
    const connection = connect(account)
    const contacts = connection.sobject('Contact')
    const created = await contacts.create([{ LastName: 'A' }, { FirstName: 'no last name' }, { LastName: 'C' }])
    expect(created.map(({ success }) => success)).toEqual([true, false, true])
    expect(created[1]!.errors).toEqual([
      {
        statusCode: 'REQUIRED_FIELD_MISSING',
        message: 'Required fields are missing: [LastName]',
        fields: ['LastName'],
      },
    ])
    const ids = [created[0]!.id!, created[2]!.id!]
    const updated = await contacts.update(ids.map((Id) => ({ Id, Title: 'T' })))
    expect(updated.every(({ success }) => success)).toBe(true)
    const upserted = await connection.upsert(
      'Contact',
      ['x', 'y', 'y'].map((value) => ({ External_Id__c: value, LastName: value })),
      'External_Id__c',
    )
    expect(upserted.map(({ success }) => success)).toEqual([true, false, false])
    const retrieved = await connection.retrieve('Contact', [...ids, '003000000000001AAA'], { fields: ['Title'] })
    expect(retrieved.map((record) => record?.['Title'])).toEqual(['T', 'T', undefined])
    const deleted = await contacts.delete(ids)
    expect(deleted.every(({ success }) => success)).toBe(true)
    expect((await contacts.delete(ids)).map(({ errors }) => errors[0]?.errorCode ?? errors[0])).toMatchObject([
      { statusCode: 'ENTITY_IS_DELETED' },
      { statusCode: 'ENTITY_IS_DELETED' },
    ])
  })

  it('take everything back with allOrNone', async () => {
    const connection = connect()
    const existing = await connection.sobject('Account').create({ Name: 'Before' })
    const results = await connection.sobject('Account').update(
      [
        { Id: existing.id!, Name: 'After' },
        { Id: existing.id!, Nonsense: 1 },
      ] as never,
      { allOrNone: true },
    )
    expect(JSON.stringify(results)).toContain('ALL_OR_NONE_OPERATION_ROLLED_BACK')
    expect(await connection.sobject('Account').find({}, ['Name']).execute()).toMatchObject([{ Name: 'Before' }])
    await connection.sobject('Account').create([{ Name: 'X' }, {}] as never, { allOrNone: true })
    expect(await connection.sobject('Account').count()).toBe(1)
  })

  it('refuse more than 200', async () => {
    const records = Array.from({ length: 201 }, () => ({ attributes: { type: 'Account' }, Name: 'X' }))
    const error = await failure(connect().requestPost('/composite/sobjects', { records }))
    expect(error.errorCode).toBe('EXCEEDED_MAX_SIZE_REQUEST')
  })
})

describe('composite', () => {
  const requests = (last: Record<string, unknown>): Record<string, unknown>[] => [
    { method: 'POST', url: '/services/data/v60.0/sobjects/Account', referenceId: 'acme', body: { Name: 'Acme' } },
    {
      method: 'POST',
      url: '/services/data/v60.0/sobjects/Contact',
      referenceId: 'ada',
      body: { AccountId: '@{acme.id}', ...last },
    },
  ]

  it('lets later subrequests use earlier results', async () => {
    const connection = connect()
    const { compositeResponse } = await connection.requestPost<{ compositeResponse: { httpStatusCode: number }[] }>(
      '/composite',
      {
        compositeRequest: requests({ LastName: 'Lovelace' }),
      },
    )
    expect(compositeResponse.map(({ httpStatusCode }) => httpStatusCode)).toEqual([201, 201])
    expect(await connection.query('SELECT Account.Name FROM Contact')).toMatchObject({
      records: [{ Account: { Name: 'Acme' } }],
    })
  })

  it('takes everything back with allOrNone, keeps what worked without', async () => {
    const connection = connect()
    const body = { compositeRequest: requests({}) }
    const kept = await connection.requestPost<{ compositeResponse: { httpStatusCode: number }[] }>('/composite', body)
    expect(kept.compositeResponse.map(({ httpStatusCode }) => httpStatusCode)).toEqual([201, 400])
    const halted = await connection.requestPost('/composite', { ...body, allOrNone: true })
    expect(JSON.stringify(halted)).toContain('PROCESSING_HALTED')
    expect(await connection.sobject('Account').count()).toBe(1)
  })

  it('refuses more than 25', async () => {
    const compositeRequest = Array.from({ length: 26 }, (_, index) => ({
      method: 'GET',
      url: '/services/data/v60.0/limits',
      referenceId: `r${index}`,
    }))
    expect((await failure(connect().requestPost('/composite', { compositeRequest }))).errorCode).toBe('LIMIT_EXCEEDED')
  })
})

describe('replication', () => {
  it('gives what changed and what was deleted, by the minute', async () => {
    const connection = connect()
    now = Math.ceil(now / 60_000) * 60_000
    const start = now
    const [first, second] = await connection.sobject('Account').create([{ Name: 'A' }, { Name: 'B' }])
    tick(120_000)
    await connection.sobject('Account').delete(second!.id!)
    // 30 seconds past the minute on both ends are ignored.
    const span = [new Date(start + 30_000).toISOString(), new Date(start + 150_000).toISOString()] as const
    tick(120_000)
    const updated = await connection.sobject('Account').updated(...span)
    expect(updated).toEqual({
      ids: [first!.id],
      latestDateCovered: '2026-03-10T12:05:00.000+0000'.replace(
        '12:05',
        new Date(start + 120_000).toISOString().slice(11, 16),
      ),
    })
    const later = await connection.sobject('Account').deleted(span[0], new Date(start + 180_000).toISOString())
    expect(later.deletedRecords.map(({ id }) => id)).toEqual([second!.id])
  })

  it('refuses spans that are too old or too short', async () => {
    const connection = connect()
    const at = (agoMs: number): string => new Date(now - agoMs).toISOString()
    const day = 86_400_000
    expect((await failure(connection.sobject('Account').updated(at(31 * day), at(0)))).errorCode).toBe(
      'INVALID_REPLICATION_DATE',
    )
    expect((await failure(connection.sobject('Account').deleted(at(16 * day), at(0)))).errorCode).toBe(
      'INVALID_REPLICATION_DATE',
    )
    expect((await failure(connection.sobject('Account').updated(at(1000), at(500)))).errorCode).toBe(
      'INVALID_REPLICATION_DATE',
    )
  })
})

describe('deleting an account', () => {
  it('takes its contacts along; queryAll still shows them', async () => {
    const connection = connect()
    const account = await connection.sobject('Account').create({ Name: 'Acme' })
    await connection.sobject('Contact').create({ LastName: 'L', AccountId: account.id })
    await connection.sobject('Account').delete(account.id!)
    expect(await connection.sobject('Contact').count()).toBe(0)
    const all = await connection.query('SELECT Id, IsDeleted FROM Contact', { scanAll: true })
    expect(all.records).toMatchObject([{ IsDeleted: true }])
  })
})

describe('metadata', () => {
  it('lists objects, fields, versions and limits', async () => {
    const account = sandbox.createAccount({ connector: 'salesforce', limits: { dailyMax: 1000 } })
    const connection = connect(account)
    const global = await connection.describeGlobal()
    expect(global.sobjects.map(({ name }) => name)).toEqual([
      'Account',
      'Contact',
      'Opportunity',
      'Task',
      'Note',
      'User',
    ])
    const contact = await connection.describe('Contact')
    expect(contact.fields.find(({ name }) => name === 'AccountId')).toMatchObject({
      type: 'reference',
      referenceTo: ['Account'],
      relationshipName: 'Account',
    })
    expect(contact.fields.find(({ name }) => name === 'LastName')).toMatchObject({
      nillable: false,
      length: 80,
      createable: true,
    })
    expect(contact.fields.find(({ name }) => name === 'External_Id__c')).toMatchObject({
      externalId: true,
      unique: true,
      custom: true,
    })
    const versions = (await (await fetch(`${sandbox.url}/services/data`)).json()) as { version: string }[]
    expect(versions.at(-1)).toMatchObject({ version: '67.0', url: '/services/data/v67.0' })
    expect((await connection.limits())['DailyApiRequests']).toEqual({ Max: 1000, Remaining: 997 })
    expect(connection.limitInfo.apiUsage).toEqual({ used: 3, limit: 1000 })
  })
})
