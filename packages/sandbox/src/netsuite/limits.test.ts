// How many requests there may be at once, asynchronous jobs, and trouble.
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { startNetsuite } from './fixtures.ts'
import type { Netsuite } from './fixtures.ts'

let netsuite: Netsuite
afterEach(() => netsuite.sandbox.close())

describe('requests at once', () => {
  async function startCrowded(concurrencyError: '429' | '400' | 'login'): Promise<(() => void)[]> {
    const waiting: (() => void)[] = []
    netsuite = await startNetsuite(
      {
        sleep: (durationMs) =>
          durationMs < 1000 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
      },
      { limits: { concurrencyError } },
    )
    netsuite.sandbox.chaos(netsuite.account.id, { latencyMs: 1000 })
    return waiting
  }

  it.each([
    ['429', 429, 'CONCURRENCY_LIMIT_EXCEEDED'],
    ['400', 400, 'SSS_REQUEST_LIMIT_EXCEEDED'],
    ['login', 401, 'INVALID_LOGIN'],
  ] as const)('beyond five are refused as %s', async (form, status, code) => {
    const waiting = await startCrowded(form)
    const five = Array.from({ length: 5 }, () => netsuite.send('GET', '/record/v1/customer'))
    await expect.poll(() => waiting.length).toBe(5)
    const refused = await netsuite.send('GET', '/record/v1/customer')
    expect(refused.status).toBe(status)
    expect(refused.body['o:errorDetails'][0]).toMatchObject({ 'o:errorCode': code })
    for (const resolve of waiting) resolve()
    for (const reply of await Promise.all(five)) expect(reply.status).toBe(200)
    netsuite.sandbox.chaos(netsuite.account.id)
    expect((await netsuite.send('GET', '/record/v1/customer')).status).toBe(200)
  })

  it('are what the edition and its licences allow, as governanceLimits tells', async () => {
    netsuite = await startNetsuite({}, { edition: 'tier1', suiteCloudPlus: 2 })
    expect((await netsuite.send('GET', '/system/v1/governanceLimits')).body).toEqual({
      accountConcurrencyLimit: 35,
      accountUnallocatedConcurrencyLimit: 35,
      integrationLimitType: 'accountLimit',
    })
  })
})

describe('an asynchronous request', () => {
  const collection = {
    'content-type': 'application/vnd.oracle.resource+json; type=collection',
    prefer: 'respond-async',
  }

  it('is a job: pending, then done, with an answer for each record', async () => {
    let now = Date.now()
    netsuite = await startNetsuite({ now: () => now }, { limits: { asyncJobMs: 5000 } })
    const { send } = netsuite
    const items = [{ companyName: 'A', externalId: 'a' }, { companyName: 'B' }, { nosuch: 1 }]
    const submitted = await send('POST', '/record/v1/customer', { items }, collection)
    expect(submitted.status).toBe(202)
    expect(submitted.headers.get('preference-applied')).toBe('respond-async')
    const job = submitted.headers.get('location')!.replace('/services/rest', '')
    expect((await send('GET', job)).body).toMatchObject({ completed: false, progress: 'pending' })
    expect((await send('GET', '/record/v1/customer')).body.totalResults).toBe(0)
    now += 5000
    expect((await send('GET', job)).body).toMatchObject({ completed: true, progress: 'succeeded' })
    const [task] = (await send('GET', `${job}/task`)).body.items
    const result = await send('GET', `${job}/task/${task.id}/result`)
    expect(result.status).toBe(207)
    expect(result.body.items).toMatchObject([
      { status: 204 },
      { status: 204 },
      { status: 400, 'o:errorDetails': [{ 'o:errorCode': 'INVALID_CONTENT' }] },
    ])
    expect((await send('GET', '/record/v1/customer')).body.totalResults).toBe(2)
  })

  it('changes, upserts and deletes many', async () => {
    netsuite = await startNetsuite()
    const { send } = netsuite
    await send(
      'PUT',
      '/record/v1/customer',
      {
        items: [
          { externalId: 'a', companyName: 'A' },
          { externalId: 'b', companyName: 'B' },
        ],
      },
      collection,
    )
    await send('PATCH', '/record/v1/customer', { items: [{ externalId: 'a', phone: '1' }] }, collection)
    expect((await send('GET', '/record/v1/customer/eid:a')).body).toMatchObject({ companyName: 'A', phone: '1' })
    await send('DELETE', '/record/v1/customer?id=eid:a,eid:b', undefined, { prefer: 'respond-async' })
    expect((await send('GET', '/record/v1/customer')).body.totalResults).toBe(0)
  })

  it('with the same idempotency key is one job', async () => {
    netsuite = await startNetsuite()
    const key = { ...collection, 'x-netsuite-idempotency-key': randomUUID() }
    const first = await netsuite.send('POST', '/record/v1/customer', { items: [{ companyName: 'Once' }] }, key)
    const again = await netsuite.send('POST', '/record/v1/customer', { items: [{ companyName: 'Once' }] }, key)
    expect(again.status).toBe(400)
    expect(again.body['o:errorDetails'][0]['o:errorCode']).toBe('IDEMPOTENCY_ERROR')
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    expect((await netsuite.send('GET', '/record/v1/customer')).body.totalResults).toBe(1)
  })

  it('of many has 1 to 100 records, and is never synchronous', async () => {
    netsuite = await startNetsuite()
    const items = Array.from({ length: 101 }, (_, n) => ({ companyName: `C${n}` }))
    expect((await netsuite.send('POST', '/record/v1/customer', { items }, collection)).status).toBe(400)
    expect((await netsuite.send('POST', '/record/v1/customer', { items: [] }, collection)).status).toBe(400)
    const { 'content-type': type } = collection
    expect((await netsuite.send('POST', '/record/v1/customer', { items: [{}] }, { 'content-type': type })).status).toBe(
      400,
    )
    expect((await netsuite.send('GET', '/async/v1/job/404')).status).toBe(404)
  })
})

it('trouble is in NetSuite’s own words; what is done is done', async () => {
  netsuite = await startNetsuite({ sleep: () => Promise.resolve() })
  const { sandbox, account, send } = netsuite
  sandbox.chaos(account.id, { status429Rate: 1 })
  expect((await send('POST', '/record/v1/customer', { companyName: 'A' })).status).toBe(429)
  sandbox.chaos(account.id, { status5xxRate: 1 })
  expect(
    (await send('POST', '/record/v1/customer', { companyName: 'A' })).body['o:errorDetails'][0]['o:errorCode'],
  ).toBe('UNEXPECTED_ERROR')
  sandbox.chaos(account.id, { timeoutAfterRate: 1 })
  await expect(send('POST', '/record/v1/customer', { companyName: 'A' })).rejects.toThrow('fetch failed')
  sandbox.chaos(account.id, { revokeTokens: true })
  expect((await send('GET', '/record/v1/customer')).status).toBe(401)
  sandbox.chaos(account.id, { revokeTokens: false })
  expect((await send('GET', '/record/v1/customer')).body.totalResults).toBe(1)
})

it('what may be asked is told to who may enter', async () => {
  netsuite = await startNetsuite()
  const told = await netsuite.send('OPTIONS', '/*')
  expect([told.status, told.headers.get('allow')]).toEqual([204, 'GET, POST, PATCH, PUT, DELETE, OPTIONS'])
  expect((await netsuite.send('OPTIONS', '/*', undefined, { authorization: 'Bearer nobody' })).status).toBe(401)
})

it('a company’s own domain has its links, and takes no token of another', async () => {
  netsuite = await startNetsuite()
  const { account, sandbox } = netsuite
  const other = sandbox.createAccount({ connector: 'netsuite' })
  const ask = (base: string, accessToken: string): Promise<Response> =>
    fetch(`${base}/services/rest/record/v1/customer`, { headers: { authorization: `Bearer ${accessToken}` } })
  expect(account.url).toBe(`${sandbox.url}/${account.id}`)
  const mine = await ask(account.url, account.accessToken)
  const { links } = (await mine.json()) as { links: unknown[] }
  expect(links).toEqual([{ rel: 'self', href: expect.stringContaining(`${account.url}/services/rest/record/v1/`) }])
  expect((await ask(account.url, other.accessToken)).status).toBe(401)
  expect((await ask(`${sandbox.url}/NOBODY`, account.accessToken)).status).toBe(401)
})

it('two companies share nothing: neither tokens nor ids', async () => {
  netsuite = await startNetsuite()
  const other = netsuite.sandbox.createAccount({ connector: 'netsuite' })
  const id = await netsuite.create('customer', { companyName: 'Mine' })
  const response = await fetch(`${netsuite.sandbox.url}/services/rest/record/v1/customer/${id}`, {
    headers: { authorization: `Bearer ${other.accessToken}` },
  })
  expect(response.status).toBe(404)
  const records = async (account: string): Promise<unknown[]> =>
    (
      (await (await fetch(`${netsuite.sandbox.url}/_sandbox/records?account=${account}&object=customer`)).json()) as {
        records: unknown[]
      }
    ).records
  expect(await records(netsuite.account.id)).toMatchObject([{ companyName: 'Mine' }])
  expect(await records(other.id)).toEqual([])
})
