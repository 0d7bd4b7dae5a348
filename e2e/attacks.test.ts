// The running product, attacked: with the tenant login and SQL of one's own, as a person over HTTP, by what one
// organization leaves on a connection for the next, and while members are removed. Then everything that was said
// on the way, in logs, metrics and error bodies, is searched for secrets. Long because it is one list of attacks on one
// stack: starting another for a part of it would cost more than it parts.
import { createHmac } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createClient } from '@rowhouse/client'
import { endpoints } from '@rowhouse/contracts'
import type { Endpoint } from '@rowhouse/contracts'
import type { ReadyLine } from '@rowhouse/embedded'
import { mintToken, sqlstateOf, withClient } from '@rowhouse/testkit'
import type { Client } from 'pg'
import { createRowhouse } from 'rowhouse'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, startStack } from './processes.ts'
import type { Stack } from './processes.ts'
import { signIn } from './sign-in.ts'

const planted = 'planted-person@secret.example'
/** Everything the API answered when it refused. */
const refusals: string[] = []
let stack: Stack
let ready: ReadyLine
let a: ReadyLine['organizations'][number]
let b: ReadyLine['organizations'][number]
let cookie: string
let database: { readonly databaseId: string; readonly signingKey: string }
let foreign: { readonly contact: string; readonly company: string }

beforeAll(async () => {
  stack = await startStack()
  ready = stack.ready
  ;[a, b] = ready.organizations as [typeof a, typeof b]
  const operator = createClient({ baseUrl: ready.api, headers: { authorization: `Bearer ${ready.operatorKey}` } })
  await eventually(
    () => operator.listOrganizations(),
    ({ items }) => items.every(({ connection }) => connection?.state === 'live'),
    { what: 'every organization live' },
  )
  cookie = await signIn(ready.api, a.ownerId)
  await withClient(ready.ownerUrl, async (owner) => {
    const id = await owner.query<{ database_id: string }>('select database_id from rowhouse.handshake()')
    database = { databaseId: id.rows[0]?.database_id ?? '', signingKey: ready.signingKey }
    const rows = await owner.query<{ contact: string; company: string }>(
      `select (select id from contacts where organization_id = $1 limit 1) as contact,
        (select id from companies where organization_id = $1 limit 1) as company`,
      [b.id],
    )
    foreign = rows.rows[0] as typeof foreign
  })
})
afterAll(async () => {
  await stack?.stop()
  if (stack !== undefined) await rm(stack.dataDir, { recursive: true, force: true })
})

const get = (path: string, headers: Record<string, string>): Promise<Response> =>
  fetch(ready.api + path, { headers, redirect: 'manual' })

interface CallOptions {
  readonly body?: unknown
  readonly headers?: Record<string, string>
}

/** As the owner of A, from a page of the console. */
async function call(method: string, path: string, { body, headers = {} }: CallOptions = {}) {
  const response = await fetch(ready.api + path, {
    method,
    redirect: 'manual',
    headers: {
      cookie,
      'sec-fetch-site': 'same-origin',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (response.status >= 400) refusals.push(text)
  return { status: response.status, code: /"code":"(\w+)"/.exec(text)?.[1], text }
}

const asTenant = <Result>(use: (tenant: Client) => Promise<Result>): Promise<Result> =>
  withClient(ready.databaseUrl, use)

/** Runs one statement in a transaction of A that is rolled back. @returns the SQLSTATE, or how many rows it met */
const attempt = (tenant: Client, text: string, claims: Record<string, unknown> = {}): Promise<string> =>
  (async () => {
    await tenant.query('begin')
    await tenant.query('select rowhouse.enter($1)', [mintToken(database, { org: a.id, user: a.ownerId, ...claims })])
    const running = tenant.query(text)
    const outcome = await sqlstateOf(running)
    await tenant.query('rollback')
    return outcome === 'done' ? `${(await running).rowCount ?? 0} rows` : outcome
  })()

const relations = async (tenant: Client) =>
  (
    await tenant.query<{ name: string; key: string | null }>(
      `select c.oid::regclass::text as name, (
         select min(a.attname) from pg_attribute a
         where a.attrelid = c.oid and a.attname in ('organization_id', 'organization')
       ) as key
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where n.nspname in ('public', 'rowhouse', 'rowhouse_home') and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
    )
  ).rows

describe('the tenant login', () => {
  it('sees no row of anybody without a token', async () => {
    await asTenant(async (tenant) => {
      const names = (await relations(tenant)).map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining(['contacts', 'rowhouse.keys', 'rowhouse_home.sync_links']))
      for (const name of names.filter((known) => known !== 'rowhouse.plans')) {
        const seen = await tenant.query(`select from ${name}`).then(
          ({ rowCount }) => rowCount,
          ({ code }: { code: string }) => code,
        )
        expect([name, seen]).toEqual([name, seen === '42501' ? '42501' : 0])
      }
    })
  })

  it("sees its own organization's rows only with one", async () => {
    await asTenant(async (tenant) => {
      expect(await attempt(tenant, 'select from contacts')).not.toBe('0 rows')
      for (const { name, key } of await relations(tenant)) {
        if (key === null) continue
        const outcome = await attempt(tenant, `select from ${name} where ${key} <> '${a.id}'`)
        expect([name, outcome]).toEqual([name, outcome === '42501' ? '42501' : '0 rows'])
      }
      expect(await attempt(tenant, `select from rowhouse.organizations where id <> '${a.id}'`)).toBe('0 rows')
    })
  })

  it.each([
    ['create temp table x ()', '42501'],
    ['create schema x', '42501'],
    ["create function public.f() returns int language sql as 'select 1'", '42501'],
    ["select lo_from_bytea(0, 'x')", '42501'],
    ['select pg_terminate_backend(0)', '42501'],
    ['select pg_advisory_lock(1)', '42501'],
    ['select * from pg_prepared_statements', '42501'],
    ['select * from pg_authid', '42501'],
    ["select pg_read_file('postgresql.conf')", '42501'],
    ["copy (select 1) to program 'true'", '42501'],
    ['set session_replication_role = replica', '42501'],
    ['set role rowhouse_owner', '42501'],
    ['set session authorization rowhouse_control', '42501'],
    ['set track_activities = on', '42501'],
    ['alter table contacts disable row level security', '42501'],
    ['truncate contacts', '42501'],
    ['select rowhouse.seal_payload()', '42501'],
    ['select * from rowhouse.changed_organizations(null)', '42501'],
    ["select table_to_xml('rowhouse.keys', true, false, '')", '42501'],
    ["update rowhouse.change_log set actor_id = 'x'", '42501'],
    ['delete from rowhouse.change_log', '42501'],
    ["update rowhouse.members set role = 'owner'", '42501'],
    ["update rowhouse.organizations set plan = 'team'", '42501'],
    ["update rowhouse.connections set base_url = 'http://evil.example'", '42501'],
    ["insert into contacts (email) values ('x') returning set_config('rowhouse.seal', '', true)", 'RH014'],
  ])('cannot: %s', async (text, sqlstate) => {
    expect(await asTenant((tenant) => attempt(tenant, text))).toBe(sqlstate)
  })

  it.each([
    ['a row for it', () => `insert into contacts (organization_id, email) values ('${b.id}', 'x')`, '42501'],
    [
      'a row of it, by conflict',
      () =>
        `insert into contacts (organization_id, id) values ('${b.id}', '${foreign.contact}')
         on conflict (organization_id, id) do update set email = 'x'`,
      '42501',
    ],
    [
      'whether a row of it is there, by conflict',
      () => `insert into contacts (id) values ('${foreign.contact}') on conflict do nothing returning id`,
      '1 rows',
    ],
    ['a reference to it', () => `insert into contacts (company_id) values ('${foreign.company}')`, '23503'],
    ['a row moved to it', () => `update contacts set organization_id = '${b.id}'`, '42501'],
    ['its rows deleted', () => `delete from contacts where organization_id = '${b.id}'`, '0 rows'],
    [
      'its rows by an error',
      () => `select from contacts where 1 / (case organization_id when '${b.id}' then 0 else 1 end) = 0`,
      '0 rows',
    ],
  ] as const)('does not get at another organization: %s', async (_what, text, outcome) => {
    expect(await asTenant((tenant) => attempt(tenant, text()))).toBe(outcome)
  })

  it.each([
    ['a person', {}],
    ['a service', { kind: 'service', user: null, service: 'billing' }],
  ])('cannot forge what the sync engine knows, as %s', async (_who, claims) => {
    await asTenant(async (tenant) => {
      const names = (await relations(tenant))
        .map(({ name }) => name)
        .filter((name) => name.startsWith('rowhouse_home.'))
      expect(names.length).toBeGreaterThan(5)
      for (const name of names) {
        expect([name, await attempt(tenant, `update ${name} set connection_id = connection_id`, claims)]).toEqual([
          name,
          '0 rows',
        ])
        expect([name, await attempt(tenant, `delete from ${name}`, claims)]).toEqual([name, '0 rows'])
        const insert = `insert into ${name} (connection_id) values ('${a.connection.id}')`
        expect([name, await attempt(tenant, insert, claims)]).toEqual([name, '42501'])
      }
    })
  })
})

describe('what one organization leaves on a connection', () => {
  it('reaches no other', async () => {
    const rowhouse = createRowhouse({ url: ready.databaseUrl, signingKey: ready.signingKey, pool: { max: 1 } })
    try {
      const [acme, birch] = [a, b].map(({ id, ownerId }) => rowhouse.as({ organizationId: id, userId: ownerId })) as [
        ReturnType<typeof rowhouse.as>,
        ReturnType<typeof rowhouse.as>,
      ]
      const look = `select rowhouse.organization_id() as id, current_setting('search_path') as path,
        current_setting('TimeZone') as zone, current_setting('transaction_read_only') as "readOnly", 'é' as letter`
      const before = (await birch.query(look)).rows
      await birch.query(`select '${planted}' as literal`)
      for (const text of [
        'select statement from pg_prepared_statements',
        'select 1; select 2',
        'select 1 / 0',
        "select set_config('search_path', 'nowhere', false)",
        "select set_config('TimeZone', 'Asia/Tokyo', false)",
        "select set_config('client_encoding', 'LATIN1', false)",
        "select set_config('default_transaction_read_only', 'on', false)",
        "select set_config('row_security', 'off', false)",
        "select set_config('rowhouse.seal', 'x', false)",
        'explain analyze execute x',
        'with gone as (delete from contacts returning 1) select 1 / 0 from gone',
      ]) {
        const answer = await acme.query(text).then(
          ({ rows }) => JSON.stringify(rows),
          ({ message }: Error) => message,
        )
        expect(answer).not.toContain(planted)
        expect((await birch.query(look)).rows).toEqual(before)
      }
    } finally {
      await rowhouse.close()
    }
  })
})

describe('a person', () => {
  const scoped: Endpoint[] = Object.values(endpoints).filter(({ path }) => path.includes(':organizationId'))
  const pathOf = (endpoint: Endpoint, organizationId: string): string =>
    endpoint.path
      .replace(':organizationId', organizationId)
      .replace(':connectionId', b.connection.id)
      .replace(':deadLetterId', '1')
      .replace(':grantId', '0a0a0a0a-0000-4000-8000-0000000000ff')

  /** What an endpoint takes before it looks at what it is about. */
  const bodies: Readonly<Record<string, object>> = {
    grantConnection: { permission: 'connections.manage', role: 'member' },
    setMapping: { objects: [{ object: 'contact', table: 'contacts', fields: [], references: [], matchBy: [] }] },
  }

  it.each(scoped)('$id: another organization is not there, whatever the headers say', async (endpoint) => {
    const body = endpoint.body === undefined ? {} : { body: { connector: 'hubspot', accessToken: 'x' } }
    for (const headers of [{}, { 'x-organization-id': a.id }, { 'x-forwarded-for': '127.0.0.1' }]) {
      const answer = await call(endpoint.method, pathOf(endpoint, b.id), { ...body, headers })
      expect([answer.status, answer.code]).toEqual([404, 'organization_not_found'])
    }
  })

  it.each(scoped.filter(({ path }) => path.includes(':connectionId')))(
    "$id: another organization's connection is not there under the own one",
    async (endpoint) => {
      const body = bodies[endpoint.id]
      const answer = await call(endpoint.method, pathOf(endpoint, a.id), body === undefined ? {} : { body })
      expect(answer.code).toBe(endpoint.id === 'revokeConnectionGrant' ? 'grant_not_found' : 'connection_not_found')
    },
  )

  it('hears nothing of another organization', async () => {
    expect((await call('GET', `/v1/events?organizationId=${b.id}`)).code).toBe('organization_not_found')
  })

  it.each([
    ['a changed cookie', () => ({ cookie: `${cookie.slice(0, -4)}AAAA`, authorization: '' }), 401],
    ['a token without signature', () => ({ authorization: `Bearer ${jwt({ alg: 'none' }, '')}` }), 401],
    [
      'a token signed with a public thing',
      () => ({ authorization: `Bearer ${jwt({ alg: 'HS256' }, ready.api)}` }),
      401,
    ],
    ['the session as a bearer', () => ({ authorization: `Bearer ${cookie.split('=')[1]}` }), 401],
  ])('is nobody with %s', async (_what, headers, status) => {
    expect((await call('GET', '/v1/me', { headers: headers() })).status).toBe(status)
  })

  const jwt = (header: object, key: string): string => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const signed = `${part({ typ: 'JWT', ...header })}.${part({ sub: b.ownerId, aud: 'rowhouse', exp: 9_999_999_999 })}`
    return `${signed}.${key === '' ? '' : createHmac('sha256', key).update(signed).digest('base64url')}`
  }

  it.each(['cross-site', 'same-site', 'none'])('is not acted for by a page that is %s', async (site) => {
    const answer = await call('POST', '/v1/organizations', {
      body: { name: 'x', slug: 'forged-by-a-page' },
      headers: { 'sec-fetch-site': site },
    })
    expect([answer.status, answer.code]).toEqual([403, 'cross_site_request'])
  })

  it('reads no file beside the console, and is sent to no other site', async () => {
    for (const path of ['/..%2f..%2f..%2fkeys.json', '/assets/..%2f..%2findex.json', '//evil.example/x.js']) {
      expect((await call('GET', path)).code).toBe('not_found')
    }
  })

  it("cannot make the server call its own machine's ports", async () => {
    const answer = await call('POST', `/v1/organizations/${a.id}/connections`, {
      body: { connector: 'hubspot', accessToken: planted, baseUrl: ready.api },
    })
    expect([answer.status, answer.code]).toEqual([400, 'validation_failed'])
  })

  it('cannot forge a webhook, for the own connection or another', async () => {
    for (const { connection } of [a, b]) {
      for (const headers of [
        {},
        { 'x-hubspot-signature-v3': 'x', 'x-hubspot-request-timestamp': String(Date.now()) },
      ]) {
        const answer = await call('POST', `/webhooks/hubspot/${connection.id}`, {
          body: [{ objectId: planted }],
          headers,
        })
        expect([answer.status, answer.code]).toEqual([401, 'webhook_signature_invalid'])
      }
    }
  })
})

describe('while requests and a stream run', () => {
  /** Asks in several loops until told to stop. @returns the answers of requests that began after `cut` was called */
  async function underLoad(path: string, change: () => Promise<void>): Promise<string[]> {
    let cut = false
    const ending = new AbortController()
    const late: string[] = []
    const loop = async (): Promise<void> => {
      while (!ending.signal.aborted) {
        const isLate = cut
        const answer = await call('GET', path)
        if (isLate) late.push(answer.code ?? `${answer.status} ${answer.text.slice(0, 40)}`)
      }
    }
    const loops = Array.from({ length: 8 }, loop)
    await change()
    cut = true
    await eventually(
      () => late.length,
      (count) => count > 50,
      { what: 'fifty late answers' },
    )
    ending.abort()
    await Promise.all(loops)
    return [...new Set(late)]
  }

  it('a suspension holds from the moment it is answered', async () => {
    const operate = async (verb: string): Promise<void> => {
      const response = await fetch(`${ready.api}/v1/organizations/${a.id}/${verb}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ready.operatorKey}` },
      })
      expect(response.status).toBe(200)
    }
    try {
      expect(await underLoad(`/v1/organizations/${a.id}/activity`, () => operate('suspend'))).toEqual([
        'organization_suspended',
      ])
    } finally {
      await operate('resume')
    }
  })

  it('a member who is removed is out at once, and the stream ends', async () => {
    const stream = await get(`/v1/events?organizationId=${a.id}`, { cookie })
    expect(stream.status).toBe(200)
    const ended = (async () => {
      for await (const chunk of stream.body ?? []) expect(chunk.length).toBeGreaterThan(0)
      return 'ended'
    })()
    const late = await underLoad(`/v1/organizations/${a.id}/activity`, () =>
      withClient(ready.ownerUrl, async (owner) => {
        await owner.query('delete from rowhouse.members where organization_id = $1 and user_id = $2', [a.id, a.ownerId])
      }),
    )
    expect(late).toEqual(['organization_not_found'])
    expect(await ended).toBe('ended')
  })
})

describe('afterwards', () => {
  it('no log line, metric or error body holds a secret or what a tenant keeps', async () => {
    const metrics = await (await get('/metrics', {})).text()
    const said = [stack.running.stderr(), metrics, ...refusals].join('\n')
    expect(said.length).toBeGreaterThan(10_000)
    const secrets = [
      planted,
      ready.signingKey,
      ready.operatorKey,
      new URL(ready.databaseUrl).password,
      new URL(ready.ownerUrl).password,
      cookie.split('=')[1] ?? '',
      ...ready.organizations.map(({ connection }) => connection.accessToken),
      // An address of every demo contact, and what SQL would look like.
      '@',
      'select ',
      'rowhouse.enter',
    ]
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(0)
      expect(said.split('\n').filter((line) => line.includes(secret))).toEqual([])
    }
  })
})
