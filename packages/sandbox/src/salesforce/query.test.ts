// SOQL through jsforce: what is selected, what matches, in which order, in which pages.
import jsforce from 'jsforce'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let connection: InstanceType<typeof jsforce.Connection>
let now = Date.parse('2026-03-10T12:00:00.000Z')

beforeAll(async () => {
  sandbox = await startSandbox({ now: () => now })
  const account = sandbox.createAccount({ connector: 'salesforce' })
  connection = new jsforce.Connection({ instanceUrl: sandbox.url, accessToken: account.accessToken, version: '60.0' })
  const acme = await connection.sobject('Account').create({ Name: 'Acme', NumberOfEmployees: 10, Site: "O'Hara 100%" })
  now += 86_400_000
  const globex = await connection.sobject('Account').create({ Name: 'Globex', NumberOfEmployees: 200 })
  await connection
    .sobject('Contact')
    .create([
      { LastName: 'Alpha', Email: 'a@acme.example', AccountId: acme.id, Birthdate: '1990-01-01' },
      { LastName: 'beta', Email: 'b@acme.example', AccountId: acme.id, DoNotCall: true },
      { LastName: 'Gamma', AccountId: globex.id },
      { LastName: 'Delta' },
    ])
})
afterAll(() => sandbox.close())

async function names(where: string): Promise<unknown[]> {
  const { records } = await connection.query<{ LastName: string }>(
    `SELECT LastName FROM Contact WHERE ${where} ORDER BY LastName`,
  )
  return records.map((record) => record.LastName)
}

describe('conditions', () => {
  it.each([
    ["LastName = 'ALPHA'", ['Alpha']],
    ["LastName != 'alpha'", ['beta', 'Delta', 'Gamma']],
    ["LastName > 'beta'", ['Delta', 'Gamma']],
    ["LastName LIKE '%a' AND LastName LIKE '_e%'", ['beta', 'Delta']],
    ["Email = null AND (LastName = 'Delta' OR LastName = 'Alpha')", ['Delta']],
    ["Email != null OR Account.Name = 'Globex'", ['Alpha', 'beta', 'Gamma']],
    ["NOT LastName IN ('Alpha', 'Beta')", ['Delta', 'Gamma']],
    ["LastName NOT IN ('Alpha', 'Beta')", ['Delta', 'Gamma']],
    ['Account.NumberOfEmployees >= 200', ['Gamma']],
    ['DoNotCall = TRUE', ['beta']],
    ['Birthdate <= 1990-01-01', ['Alpha']],
    ['SystemModstamp >= 2026-03-11T12:00:00Z', ['Alpha', 'beta', 'Delta', 'Gamma']],
    ['SystemModstamp > 2026-03-11T14:00:00+02:00', []],
    ['CreatedDate = TODAY', ['Alpha', 'beta', 'Delta', 'Gamma']],
    ['CreatedDate < LAST_N_DAYS:3', []],
  ])('%s', async (where, expected) => {
    expect(await names(where)).toEqual(expected)
  })

  it('knows ids of both lengths and escapes in text', async () => {
    const { records } = await connection.query<{ Id: string }>(
      String.raw`SELECT Id FROM Account WHERE Site LIKE 'O\'Hara 100\%'`,
    )
    expect(records).toHaveLength(1)
    const { totalSize } = await connection.query(
      `SELECT Id FROM Contact WHERE AccountId = '${records[0]!.Id.slice(0, 15)}'`,
    )
    expect(totalSize).toBe(2)
  })
})

describe('selecting', () => {
  it('follows relationships, null where there is none', async () => {
    const { records } = await connection.query(
      'SELECT LastName, Account.Name, Account.Owner.Name FROM Contact ORDER BY LastName',
    )
    expect(records[0]).toMatchObject({
      attributes: { type: 'Contact' },
      LastName: 'Alpha',
      Account: { attributes: { type: 'Account' }, Name: 'Acme', Owner: { Name: 'Sandbox Admin' } },
    })
    expect(records[2]).toMatchObject({ LastName: 'Delta', Account: null })
  })

  it('counts, and finds the smallest and the largest', async () => {
    expect(await connection.query('SELECT COUNT() FROM Contact')).toMatchObject({
      totalSize: 4,
      done: true,
      records: [],
    })
    const { records } = await connection.query('SELECT COUNT(Email) n, MIN(LastName), MAX(LastName) FROM Contact')
    expect(records).toEqual([{ attributes: { type: 'AggregateResult' }, n: 2, expr1: 'Alpha', expr2: 'beta' }])
  })

  it('orders by several fields, nulls first unless told otherwise', async () => {
    const order = async (by: string): Promise<unknown[]> =>
      (await connection.query<{ LastName: string }>(`SELECT LastName FROM Contact ORDER BY ${by}`)).records.map(
        (record) => record.LastName,
      )
    expect(await order('Account.Name, LastName DESC')).toEqual(['Delta', 'beta', 'Alpha', 'Gamma'])
    expect(await order('Account.Name DESC NULLS LAST, LastName')).toEqual(['Gamma', 'Alpha', 'beta', 'Delta'])
    const { records } = await connection.query('SELECT LastName FROM Contact ORDER BY LastName LIMIT 2 OFFSET 1')
    expect(records).toMatchObject([{ LastName: 'beta' }, { LastName: 'Delta' }])
  })

  it('gives all fields with FIELDS(ALL), under a limit', async () => {
    const { records } = await connection.query('SELECT FIELDS(ALL) FROM Account LIMIT 1')
    expect(records[0]).toHaveProperty('External_Id__c', null)
    await expect(connection.query('SELECT FIELDS(ALL) FROM Account')).rejects.toMatchObject({
      errorCode: 'MALFORMED_QUERY',
    })
  })
})

describe('wrong queries', () => {
  it.each([
    ['SELECT Nonsense FROM Contact', 'INVALID_FIELD'],
    ['SELECT Nobody.Name FROM Contact', 'INVALID_FIELD'],
    ['SELECT Id FROM Nothing', 'INVALID_TYPE'],
    ['SELECT FROM Contact', 'MALFORMED_QUERY'],
    ["SELECT Id FROM Contact WHERE Name = 'a' AND Name = 'b' OR Name = 'c'", 'MALFORMED_QUERY'],
    ["SELECT Id FROM Contact WHERE SystemModstamp > '2026-01-01T00:00:00Z'", 'INVALID_FIELD'],
    ['SELECT Id FROM Contact WHERE LastName = 5', 'INVALID_FIELD'],
    ["SELECT Id FROM Contact WHERE LastName = 'a", 'MALFORMED_QUERY'],
    ['SELECT Id, Id FROM Contact', 'MALFORMED_QUERY'],
    ['SELECT Id FROM Contact OFFSET 2001', 'NUMBER_OUTSIDE_VALID_RANGE'],
    ['SELECT LastName FROM Contact GROUP BY LastName', 'MALFORMED_QUERY'],
  ])('%s', async (soql, errorCode) => {
    await expect(connection.query(soql)).rejects.toMatchObject({ errorCode })
  })
})

describe('pages', () => {
  it('are consistent while records change, and end after two days', async () => {
    const account = sandbox.createAccount({ connector: 'salesforce' })
    const paged = new jsforce.Connection({
      instanceUrl: sandbox.url,
      accessToken: account.accessToken,
      version: '60.0',
    })
    for (let batch = 0; batch < 3; batch++) {
      await paged.sobject('Account').create(Array.from({ length: 200 }, (_, index) => ({ Name: `${batch}.${index}` })))
    }
    const headers = { 'Sforce-Query-Options': 'batchSize=250' }
    const first = await paged.query('SELECT Id FROM Account ORDER BY Id', { headers })
    expect(first).toMatchObject({ totalSize: 600, done: false })
    expect(first.nextRecordsUrl).toMatch(/\/services\/data\/v60\.0\/query\/01g\w{15}-250$/)
    await paged.sobject('Account').create({ Name: 'Late' })
    const second = await paged.queryMore(first.nextRecordsUrl!)
    const third = await paged.queryMore(second.nextRecordsUrl!)
    const ids = [...first.records, ...second.records, ...third.records].map((record) => record['Id'] as string)
    expect(new Set(ids).size).toBe(600)
    expect(third.done).toBe(true)
    now += 2 * 86_400_000
    await expect(paged.queryMore(first.nextRecordsUrl!)).rejects.toMatchObject({ errorCode: 'INVALID_QUERY_LOCATOR' })
  })
})
