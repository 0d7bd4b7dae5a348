// Bulk API 2.0 as jsforce's bulk2 client drives it: loads with failures, queries in pages, states.
import jsforce from 'jsforce'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CreatedAccount } from '../../control/simulated-crm.ts'
import { startSandbox } from '../../sandbox.ts'
import type { Sandbox } from '../../sandbox.ts'
import { formatCsv, parseCsv } from './csv.ts'

let sandbox: Sandbox
let account: CreatedAccount
let connection: InstanceType<typeof jsforce.Connection>
beforeAll(async () => {
  sandbox = await startSandbox()
  account = sandbox.createAccount({ connector: 'salesforce' })
  const { accessToken } = account
  connection = new jsforce.Connection({ instanceUrl: sandbox.url, accessToken, version: '60.0' })
})
afterAll(() => sandbox.close())

interface Loaded {
  readonly successfulResults: Record<string, string>[]
  readonly failedResults: Record<string, string>[]
  readonly unprocessedRecords: Record<string, string>[]
}

const load = (object: string, operation: string, input: unknown[], rest: object = {}): Promise<Loaded> =>
  connection.bulk2.loadAndWaitForResults({
    object,
    operation,
    input,
    ...rest,
    pollInterval: 1,
    pollTimeout: 5000,
  } as never) as never

async function request(
  method: string,
  path: string,
  body?: string,
  type = 'application/json',
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(`${sandbox.url}/services/data/v60.0/jobs/${path}`, {
    method,
    headers: { authorization: `Bearer ${account.accessToken}`, 'content-type': type },
    ...(body === undefined ? {} : { body }),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

describe('a load', () => {
  it('inserts what is valid and gives back what is not', async () => {
    const input = [
      { LastName: 'Bulk "A", of them', HasOptedOutOfEmail: 'true', Email: '' },
      { LastName: 'B', HasOptedOutOfEmail: '', Email: 'none' },
      { LastName: 'C', HasOptedOutOfEmail: '', Email: '' },
    ]
    const { successfulResults, failedResults, unprocessedRecords } = await load('Contact', 'insert', input)
    expect(successfulResults).toMatchObject([{ sf__Created: 'true', LastName: 'Bulk "A", of them' }, { LastName: 'C' }])
    expect(failedResults).toMatchObject([{ LastName: 'B' }])
    expect(failedResults[0]!['sf__Error']).toContain('INVALID_EMAIL_ADDRESS')
    expect(unprocessedRecords).toEqual([])
    const { records } = await connection.query(`SELECT HasOptedOutOfEmail FROM Contact WHERE LastName LIKE 'Bulk%'`)
    expect(records).toMatchObject([{ HasOptedOutOfEmail: true }])
  })

  it('upserts by an external id, updates and deletes', async () => {
    const key = { externalIdFieldName: 'External_Id__c' }
    const first = await load('Account', 'upsert', [{ External_Id__c: 'b1', Name: 'One' }], key)
    const again = await load('Account', 'upsert', [{ External_Id__c: 'b1', Name: 'Two' }], key)
    expect([first, again].map(({ successfulResults }) => successfulResults[0]!['sf__Created'])).toEqual([
      'true',
      'false',
    ])
    const Id = first.successfulResults[0]!['sf__Id']!
    await load('Account', 'update', [{ Id, Phone: '1' }])
    expect(await connection.sobject('Account').retrieve(Id)).toMatchObject({ Name: 'Two', Phone: '1' })
    await load('Account', 'update', [{ Id, Phone: '#N/A' }])
    expect(await connection.sobject('Account').retrieve(Id)).toMatchObject({ Name: 'Two', Phone: null })
    await load('Account', 'delete', [{ Id }])
    expect(await connection.sobject('Account').count({ External_Id__c: 'b1' })).toBe(0)
  })

  it('goes through its states, and takes one upload while it is open', async () => {
    const created = await request('POST', 'ingest', '{"object":"Contact","operation":"insert"}')
    const { id, ...opened } = JSON.parse(created.text) as { id: string }
    expect(opened).toMatchObject({ state: 'Open', contentUrl: `services/data/v60.0/jobs/ingest/${id}/batches` })
    expect((await request('PUT', `ingest/${id}/batches`, 'LastName\nX\n', 'text/csv')).status).toBe(201)
    expect((await request('PUT', `ingest/${id}/batches`, 'LastName\nX\n', 'text/csv')).status).toBe(400)
    const state = async (): Promise<unknown> =>
      (JSON.parse((await request('GET', `ingest/${id}`)).text) as { state: string }).state
    await request('PATCH', `ingest/${id}`, '{"state":"UploadComplete"}')
    expect([await state(), await state()]).toEqual(['InProgress', 'JobComplete'])
    expect((await request('PATCH', `ingest/${id}`, '{"state":"Aborted"}')).status).toBe(400)
    expect((await request('DELETE', `ingest/${id}`)).status).toBe(204)
    expect((await request('GET', `ingest/${id}`)).status).toBe(404)
  })

  it('of unknown fields fails as a whole', async () => {
    await expect(load('Contact', 'insert', [{ Nosuch: '1' }])).rejects.toThrow('InvalidBatch')
    expect((await request('POST', 'ingest', '{"object":"Contact","operation":"dance"}')).text).toContain('INVALIDJOB')
    expect((await request('POST', 'ingest', '{"object":"Unicorn","operation":"insert"}')).status).toBe(404)
  })
})

describe('a bulk query', () => {
  it('gives every row as CSV', async () => {
    const poll = { pollInterval: 1, pollTimeout: 5000 }
    const stream = await connection.bulk2.query("SELECT LastName FROM Contact WHERE LastName = 'C'", poll)
    expect(await stream.toArray()).toEqual([{ LastName: 'C' }])
  })

  it('comes in pages of maxRecords, each naming the next', async () => {
    const query = (soql: string): ReturnType<typeof request> =>
      request('POST', 'query', JSON.stringify({ operation: 'query', query: soql }))
    const { id } = JSON.parse((await query('SELECT Id FROM Contact')).text) as { id: string }
    await request('GET', `query/${id}`)
    await request('GET', `query/${id}`)
    const seen: string[] = []
    let locator = '0'
    while (locator !== 'null') {
      const page = await request('GET', `query/${id}/results?maxRecords=1&locator=${locator}`)
      seen.push(...parseCsv(page.text, ',').slice(1).flat())
      locator = page.headers.get('sforce-locator')!
    }
    expect(seen).toHaveLength(await connection.sobject('Contact').count())
    expect((await request('GET', `query/${id}/results?locator=nonsense`)).status).toBe(400)
    expect((await query('SELECT Nosuch FROM Contact')).text).toContain('INVALID_FIELD')
  })
})

it('CSV survives quotes, delimiters and line breaks', () => {
  const rows = [
    ['a"b', 'c,d', 'e\nf'],
    ['', ' ', '1'],
  ]
  expect(parseCsv(formatCsv(rows, ',', '\r\n'), ',')).toEqual(rows)
  expect(parseCsv('a;b\n1;"x;y"', ';')).toEqual([
    ['a', 'b'],
    ['1', 'x;y'],
  ])
})
