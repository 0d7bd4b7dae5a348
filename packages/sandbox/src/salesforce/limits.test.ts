// Salesforce's limits: the day's requests, and long requests under way at once.
import jsforce from 'jsforce'
import { expect, it } from 'vitest'
import { startSandbox } from '../sandbox.ts'
import type { CreatedAccount } from '../control/simulated-crm.ts'

function connect(account: CreatedAccount): InstanceType<typeof jsforce.Connection> {
  return new jsforce.Connection({ instanceUrl: account.url, accessToken: account.accessToken, version: '60.0' })
}

it('refuses above the daily quota, counting one call for 200 records', async () => {
  let now = Date.parse('2026-03-01T12:00:00.000Z')
  const sandbox = await startSandbox({ now: () => now })
  const connection = connect(sandbox.createAccount({ connector: 'salesforce', limits: { dailyMax: 2 } }))
  await connection.sobject('Account').create(Array.from({ length: 200 }, () => ({ Name: 'X' })))
  await connection.sobject('Account').count()
  expect(connection.limitInfo.apiUsage).toEqual({ used: 2, limit: 2 })
  await expect(connection.sobject('Account').count()).rejects.toMatchObject({
    errorCode: 'REQUEST_LIMIT_EXCEEDED',
    message: 'TotalRequests Limit exceeded.',
  })
  now += 25 * 3_600_000
  expect(await connection.sobject('Account').count()).toBe(200)
  await sandbox.close()
})

it('refuses while too many long requests are under way', async () => {
  let now = Date.parse('2026-03-01T12:00:00.000Z')
  // Latency waits until released, so two requests are under way for as long as the test likes.
  const waiting: (() => void)[] = []
  let arrived: () => void
  const bothArrived = new Promise<void>((resolve) => (arrived = resolve))
  const sandbox = await startSandbox({
    now: () => now,
    sleep: () =>
      new Promise((resolve) => {
        waiting.push(resolve)
        if (waiting.length === 2) arrived()
      }),
  })
  const account = sandbox.createAccount({ connector: 'salesforce', limits: { concurrentLongMax: 2 } })
  const connection = connect(account)
  const chaos = (latencyMs: number): Promise<Response> =>
    fetch(`${sandbox.url}/_sandbox/chaos`, { method: 'POST', body: JSON.stringify({ account: account.id, latencyMs }) })
  await chaos(1)
  const long = [connection.describeGlobal(), connection.describeGlobal()]
  await bothArrived
  await chaos(0)
  await connection.sobject('Account').count()
  now += 20_000
  await expect(connection.sobject('Account').count()).rejects.toMatchObject({ errorCode: 'REQUEST_LIMIT_EXCEEDED' })
  for (const release of waiting) release()
  await Promise.all(long)
  await connection.sobject('Account').count()
  await sandbox.close()
})
