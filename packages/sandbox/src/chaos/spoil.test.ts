// Answers that arrive broken although the work is done: HTML, cut short, dribbled, the page before again.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CreatedAccount } from '../control/simulated-crm.ts'
import { startSandbox } from '../sandbox.ts'
import type { Sandbox } from '../sandbox.ts'

let sandbox: Sandbox
let slept: number[] = []
beforeAll(async () => {
  const sleep = (durationMs: number): Promise<void> => {
    slept.push(durationMs)
    return Promise.resolve()
  }
  sandbox = await startSandbox({ sleep })
})
afterAll(() => sandbox.close())

const ask = (account: CreatedAccount, path: string, body?: unknown): Promise<Response> =>
  fetch(account.url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${account.accessToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const lists = {
  hubspot: {
    object: 'contacts',
    create: '/crm/v3/objects/contacts',
    body: { properties: { firstname: 'A' } },
    list: '/crm/v3/objects/contacts?limit=1',
  },
  salesforce: {
    object: 'Account',
    create: '/services/data/v60.0/sobjects/Account',
    body: { Name: 'A' },
    list: '/services/data/v60.0/query?q=select+Id+from+Account',
  },
  netsuite: {
    object: 'customer',
    create: '/services/rest/record/v1/customer',
    body: { companyName: 'A' },
    list: '/services/rest/record/v1/customer?limit=1',
  },
} as const

describe.each(['hubspot', 'salesforce', 'netsuite'] as const)('%s', (connector) => {
  it('answers a page of HTML with status 200', async () => {
    const account = sandbox.createAccount({ connector })
    sandbox.chaos(account.id, { htmlRate: 1 })
    const response = await ask(account, lists[connector].list)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toContain('text/html')
    await expect(response.json()).rejects.toThrow(SyntaxError)
  })

  it('answers an error in JSON with status 200, also where there would be no body', async () => {
    const account = sandbox.createAccount({ connector })
    const { create, body, list } = lists[connector]
    sandbox.chaos(account.id, { errorBodyRate: 1 })
    for (const response of [await ask(account, list), await ask(account, create, body)]) {
      expect(response.status).toBe(200)
      expect(await response.json()).toMatchObject({ status: 'error' })
    }
  })

  it('has done the work when its answer is spoilt', async () => {
    const account = sandbox.createAccount({ connector })
    const { create, body, object } = lists[connector]
    sandbox.chaos(account.id, { htmlRate: 1 })
    await ask(account, create, body)
    const { records } = (await (
      await fetch(`${sandbox.url}/_sandbox/records?account=${account.id}&object=${object}`)
    ).json()) as { records: unknown[] }
    expect(records).toHaveLength(1)
  })

  it('ends its JSON in the middle', async () => {
    const account = sandbox.createAccount({ connector })
    sandbox.chaos(account.id, { truncatedRate: 1 })
    const response = await ask(account, lists[connector].list)
    expect(response.status).toBe(200)
    await expect(response.json()).rejects.toThrow(SyntaxError)
  })

  it('dribbles a body, whole in the end', async () => {
    const account = sandbox.createAccount({ connector })
    sandbox.chaos(account.id, { slowBodyRate: 1, slowPieceMs: 250 })
    slept = []
    expect(await (await ask(account, lists[connector].list)).json()).toBeTypeOf('object')
    expect(slept.filter((durationMs) => durationMs === 250).length).toBeGreaterThan(1)
  })
})

it('gives the page before once more in place of the next', async () => {
  const account = sandbox.createAccount({ connector: 'hubspot' })
  for (let n = 0; n < 3; n++) await ask(account, '/crm/v3/objects/contacts', { properties: { firstname: String(n) } })
  sandbox.chaos(account.id, { repeatedPageRate: 1 })
  const page = async (after: string): Promise<{ results: { id: string }[]; paging: { next: { after: string } } }> =>
    (await (await ask(account, `/crm/v3/objects/contacts?limit=1${after}`)).json()) as never
  const first = await page('')
  expect(await page(`&after=${first.paging.next.after}`)).toEqual(first)
  sandbox.chaos(account.id)
  expect((await page(`&after=${first.paging.next.after}`)).results[0]!.id).not.toBe(first.results[0]!.id)
})

it('is marked in the request log', async () => {
  const account = sandbox.createAccount({ connector: 'hubspot' })
  sandbox.chaos(account.id, { htmlRate: 1 })
  await ask(account, '/crm/v3/objects/contacts')
  const { requests } = (await (await fetch(`${account.url}/_sandbox/requests?account=${account.id}`)).json()) as {
    requests: unknown[]
  }
  expect(requests).toMatchObject([{ status: 200, chaos: 'HTML' }])
})
