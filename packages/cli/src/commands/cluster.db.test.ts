// `rowhouse cluster`, `plan` and `org`, on a server.
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, expect, it } from 'vitest'

import { useServed } from './test-served.ts'

const database = useTestDatabase()
// Registered before the server: it is stopped first.
afterAll(() =>
  withClient(database().adminUrl, async (admin) => {
    const { rows } = await admin.query<{ login: string }>('select login from rowhouse.homes where login is not null')
    for (const { login } of rows) await admin.query(`drop owned by ${login} cascade; drop role ${login}`)
  }),
)
const { rowhouse } = useServed(database)

it('a plan is set, an organization created by it, shown, and given another', async () => {
  const plan = await rowhouse('plan', 'set', 'enterprise', '--isolation', 'schema', '--login-connections-max', '5')
  expect(plan).toMatchObject({ code: 0, stdout: 'enterprise: schema, region any, 5 of the login\n' })
  const created = await rowhouse('org', 'create', 'acme', '--plan', 'enterprise', '--json')
  expect(created.code).toBe(0)
  expect(JSON.parse(created.stdout)).toMatchObject({ slug: 'acme', isolation: 'schema' })
  const shown = await rowhouse('org', 'show', 'acme')
  expect(shown.stderr).toBe('')
  expect(shown.stdout).toMatch(/home {7}schema h_[0-9a-f]{16} on main \(default\)\n/)
  const limited = await rowhouse('org', 'limit', 'acme', '--concurrency-max', '3', '--login-connections-max', '9')
  expect(limited.stdout).toBe('acme: 3 at a time, 9 of the login (of its own: 3 at a time, 9 of the login)\n')
  const unlimited = await rowhouse(
    'org',
    'limit',
    'acme',
    '--concurrency-max',
    'none',
    '--login-connections-max',
    'none',
  )
  expect(unlimited).toMatchObject({ stderr: '', stdout: 'acme: 5 of the login (of its own: no limits)\n' })
  const moved = await rowhouse('org', 'plan', 'acme', 'standard')
  expect(moved.stdout).toMatch(
    /^acme has the plan standard, whose limits hold now\. It lives in schema h_\w+ on main \(default\); wanted: shared\.\nIt stays there, and works as before, until it is moved\.\n$/,
  )
  const freed = await rowhouse('plan', 'set', 'enterprise', '--login-connections-max', 'none', '--region', 'any')
  expect(freed).toMatchObject({ stderr: '', stdout: 'enterprise: schema, region any, no limits\n' })
  const listed = await rowhouse('plan', 'list', '--json')
  expect(JSON.parse(listed.stdout)).toHaveLength(2)
})

it('clusters are listed, set and checked; a refusal has a code and says what to do', async () => {
  expect(await rowhouse('cluster', 'set', 'main', '--schemas-max', '9', '--databases-max', 'none')).toMatchObject({
    code: 0,
  })
  const [cluster] = JSON.parse((await rowhouse('cluster', 'list', '--json')).stdout) as Record<string, unknown>[]
  expect(cluster).toMatchObject({ id: 'main', schemasMax: 9, databasesMax: null, status: 'active' })
  expect(await rowhouse('cluster', 'check')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^main: active, Postgres \d+/),
  })
  const refused = await rowhouse('cluster', 'add', 'far', '--url', 'postgres://a:b@db.example.com/x', '--json')
  expect(refused.code).toBe(2)
  expect(refused.stdout + refused.stderr).toContain('cluster_tls_required')
  expect(refused.stdout + refused.stderr).not.toContain('a:b')
  expect((await rowhouse('cluster', 'add', 'far')).code).toBe(2)
})
