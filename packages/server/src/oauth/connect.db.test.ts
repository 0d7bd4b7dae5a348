// Connecting an account on the CRM's own page: a real server, a real sandbox, and the browser's part done by hand.
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectors, createHttp } from '@rowhouse/connectors'
import type { Connector } from '@rowhouse/connectors'
import { startSandbox } from '@rowhouse/sandbox'
import type { CreatedAccount, Sandbox } from '@rowhouse/sandbox'
import { useTestDatabase, withClient } from '@rowhouse/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { operatorKey, startTestServer } from '../test-server.ts'
import type { Answer, TestServer } from '../test-server.ts'

const database = useTestDatabase()
let sandbox: Sandbox
let server: TestServer
let accounts: Readonly<Record<'hubspot' | 'other' | 'salesforce' | 'netsuite', CreatedAccount>>
let owner = ''

const organizationId = (): string => server.worlds.a.organizationId
const clientSecret = 'the-secret-of-the-app'
const appOf = (connector: string): { clientId: string; clientSecret: string } => ({
  clientId: `${connector}-app`,
  clientSecret,
})

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 })
  server = await startTestServer(database(), { simulatedProviders: [sandbox.url] })
  await withClient(database().migratorUrl, (migrator) => migrator.query(TABLES))
  accounts = {
    hubspot: sandbox.createAccount({ connector: 'hubspot', name: 'One', apps: [appOf('hubspot')] }),
    other: sandbox.createAccount({ connector: 'hubspot', name: 'Two', apps: [appOf('hubspot')] }),
    salesforce: sandbox.createAccount({ connector: 'salesforce', name: 'Three', apps: [appOf('salesforce')] }),
    netsuite: sandbox.createAccount({ connector: 'netsuite', name: 'Four', apps: [appOf('netsuite')] }),
  }
  owner = await server.token(server.worlds.a.ownerId)
})
afterAll(async () => {
  await server?.stop()
  await sandbox?.close()
})

const TABLES = `
create table companies (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
  name text not null, domain text, industry text, employees integer, primary key (organization_id, id));
create table contacts (
  organization_id uuid not null default rowhouse.organization_id(), id uuid not null default gen_random_uuid(),
  email text, first_name text, last_name text, phone text, title text, company_id uuid,
  primary key (organization_id, id), unique (organization_id, email),
  foreign key (organization_id, company_id) references companies (organization_id, id) on delete set null (company_id));
select rowhouse.protect('companies'); select rowhouse.protect('contacts');`

/** A browser: it keeps its cookies and, where somebody is signed in, says who. */
class Browser {
  readonly #bearer: string | undefined
  readonly #cookies = new Map<string, string>()

  constructor(bearer?: string) {
    this.#bearer = bearer
  }

  async visit(url: string): Promise<Answer> {
    const path = url.replace(server.url, '')
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await server.call('GET', path, {
      headers: { cookie },
      ...(this.#bearer !== undefined && { bearer: this.#bearer }),
    })
    for (const set of answer.headers.getSetCookie()) {
      const [name = '', value = ''] = (set.split(';')[0] ?? '').split('=')
      this.#cookies.set(name, value)
    }
    return answer
  }
}

/** The person at the CRM says yes or no. @returns the address that the CRM sends the browser back to */
async function consent(url: string, account: CreatedAccount, change: Record<string, string> = {}): Promise<string> {
  const asked = new URL(url)
  const answer = await fetch(asked.origin + asked.pathname, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      ...Object.fromEntries(asked.searchParams),
      account: account.id,
      decision: 'approve',
      ...change,
    }),
  })
  return answer.headers.get('location') ?? ''
}

async function begin(body: object, bearer = owner): Promise<Answer> {
  return server.call('POST', `/v1/organizations/${organizationId()}/connections/authorize`, { bearer, body })
}

interface Journey {
  readonly browser: Browser
  /** Where the CRM asked the person. */
  readonly consentUrl: string
}

async function leave(body: object, bearer = owner): Promise<Journey> {
  const browser = new Browser(bearer)
  const begun = await begin({ baseUrl: sandbox.url, ...body }, bearer)
  expect(begun.status).toBe(200)
  const started = await browser.visit(begun.body.url)
  expect(started.status).toBe(302)
  return { browser, consentUrl: started.headers.get('location') ?? '' }
}

const setApp = (connector: string): Promise<Answer> =>
  server.call('PUT', `/v1/connectors/${connector}/app`, { bearer: operatorKey, body: appOf(connector) })

const connections = async (): Promise<{ id: string; account: string; state: string }[]> =>
  (await server.call('GET', `/v1/organizations/${organizationId()}/connections`, { bearer: owner })).body.items

const back = (answer: Answer): URL => new URL(answer.headers.get('location') ?? '', server.url)

describe('the OAuth app of a connector', () => {
  it('is set by operators, and its secret is never shown', async () => {
    expect((await begin({ connector: 'hubspot' })).body).toMatchObject({ code: 'connector_app_missing' })
    expect(
      (await server.call('PUT', '/v1/connectors/hubspot/app', { bearer: owner, body: appOf('hubspot') })).status,
    ).toBe(403)
    expect((await setApp('hubspot')).body).toMatchObject({ connector: 'hubspot', clientId: 'hubspot-app' })
    expect((await setApp('salesforce')).status).toBe(200)
    expect((await setApp('netsuite')).status).toBe(200)
    expect((await setApp('nowhere')).body).toMatchObject({ code: 'connector_unknown' })
    const list = await server.call('GET', '/v1/connectors/apps', { bearer: operatorKey })
    expect(list.body.items).toHaveLength(3)
    expect(list.text).not.toContain(clientSecret)
    const { rows } = await withClient(database().controlUrl, (control) =>
      control.query('select a::text as row from rowhouse.sync_apps a'),
    )
    expect(JSON.stringify(rows)).not.toContain(clientSecret)
  })
})

describe('connecting', () => {
  it.each(['hubspot', 'salesforce', 'netsuite'] as const)('an account of %s on its own page', async (connector) => {
    const { browser, consentUrl } = await leave({ connector, returnTo: '/organizations/a?tab=crm' })
    const asked = new URL(consentUrl).searchParams
    expect(asked.get('code_challenge_method')).toBe('S256')
    expect(asked.get('redirect_uri')).toBe(`${server.url}/oauth/${connector}/callback`)
    const ended = await browser.visit(await consent(consentUrl, accounts[connector]))
    expect(ended.status).toBe(302)
    const address = back(ended)
    expect([address.pathname, address.searchParams.get('tab')]).toEqual(['/organizations/a', 'crm'])
    const id = address.searchParams.get('connected')
    expect(await connections()).toContainEqual(expect.objectContaining({ id, account: accounts[connector].id }))
    const test = await server.call('POST', `/v1/organizations/${organizationId()}/connections/${id}/test`, {
      bearer: owner,
    })
    expect(test.body).toMatchObject({ ok: true, account: accounts[connector].id })
  })

  it('calls a NetSuite account on the domain that its consent named, not where the person was asked', async () => {
    const { rows } = await withClient(database().controlUrl, (control) =>
      control.query('select c.base_url from rowhouse.connections c where c.account = $1', [accounts.netsuite.id]),
    )
    expect(rows).toEqual([{ base_url: `${sandbox.url}/${accounts.netsuite.id}` }])
  })

  it('is offered for every connector whose app is set', async () => {
    const { body } = await server.call('GET', '/v1/connectors', { bearer: owner })
    const offered = body.items.filter((item: { canAuthorize: boolean }) => item.canAuthorize)
    expect(offered).toMatchObject([
      { id: 'hubspot', name: 'HubSpot' },
      { id: 'netsuite', name: 'NetSuite', objects: ['company', 'contact', 'sales_order'], tier: 'certified' },
      { id: 'salesforce', name: 'Salesforce' },
    ])
  })

  it('refreshes with the app when the token has died, and goes on', async () => {
    const id = (await connections()).find(({ account }) => account === accounts.hubspot.id)?.id
    await fetch(`${sandbox.url}/_sandbox/chaos`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account: accounts.hubspot.id, revokeTokens: true }),
    })
    const answer = await server.call('POST', `/v1/organizations/${organizationId()}/connections/${id}/test`, {
      bearer: owner,
    })
    expect(answer.body).toMatchObject({ ok: true })
  })

  it.each(['hubspot', 'salesforce', 'netsuite'] as const)('%s: says so when the person refuses', async (connector) => {
    const before = await connections()
    const { browser, consentUrl } = await leave({ connector })
    const ended = await browser.visit(await consent(consentUrl, accounts[connector], { decision: 'deny' }))
    expect(back(ended).searchParams.get('connectError')).toBe('oauth_consent_refused')
    expect(await connections()).toEqual(before)
  })

  it.each([
    ['hubspot', 'crm.objects.contacts.read'],
    ['salesforce', 'openid refresh_token'],
  ] as const)('%s: wants every scope that the sync needs', async (connector, scope) => {
    const before = await connections()
    const account = connector === 'hubspot' ? accounts.other : accounts.salesforce
    const { browser, consentUrl } = await leave({ connector })
    const ended = await browser.visit(await consent(consentUrl, account, { scope }))
    expect(back(ended).searchParams.get('connectError')).toBe('oauth_scopes_missing')
    expect(await connections()).toEqual(before)
  })

  it('goes back to this console only', async () => {
    const { browser, consentUrl } = await leave({ connector: 'hubspot', returnTo: '//evil.example/x' })
    const ended = await browser.visit(await consent(consentUrl, accounts.other, { decision: 'deny' }))
    expect(ended.headers.get('location')).toBe('/?connectError=oauth_consent_refused')
  })
})

describe('an address that a token answer names', () => {
  const heard: string[] = []
  /** Says what Salesforce says, and that the account is elsewhere. */
  const startProvider = async (instanceUrl: () => string): Promise<{ url: string; server: Server }> => {
    const provider = createServer((request, response) => {
      heard.push(`${request.url} ${request.headers.authorization}`)
      const token = { access_token: 'a-token-of-the-account', refresh_token: 'r', instance_url: instanceUrl() }
      const body = request.url?.endsWith('/token') ? token : { organization_id: '00D000000000001' }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
    return { url: `http://127.0.0.1:${(provider.address() as AddressInfo).port}`, server: provider }
  }

  it('is not asked anything, unless it is the provider’s', async () => {
    const inner = await startProvider(() => '')
    const outer = await startProvider(() => inner.url)
    const other = await startTestServer(database(), { simulatedProviders: [outer.url] })
    try {
      const person = await other.token(other.worlds.a.ownerId)
      await other.call('PUT', '/v1/connectors/salesforce/app', { bearer: operatorKey, body: appOf('salesforce') })
      const path = `/v1/organizations/${other.worlds.a.organizationId}/connections/authorize`
      const begun = await other.call('POST', path, {
        bearer: person,
        body: { connector: 'salesforce', baseUrl: outer.url },
      })
      const started = await other.call('GET', begun.body.url.replace(other.url, ''), { bearer: person })
      const state = new URL(started.headers.get('location') ?? '').searchParams.get('state') ?? ''
      const cookie = started.headers
        .getSetCookie()
        .map((line) => line.split(';')[0])
        .join('; ')
      const ended = await other.call('GET', `/oauth/salesforce/callback?code=c&state=${state}`, {
        bearer: person,
        headers: { cookie },
      })
      expect(new URL(ended.headers.get('location') ?? '', other.url).searchParams.get('connectError')).toBe(
        'connector_failed',
      )
      expect(heard).toEqual(['/services/oauth2/token undefined'])
      // Whoever went there would have been given the token.
      const went = createHttp({ baseUrl: inner.url, accessToken: 'a-token-of-the-account' })
      await (connectors.get('salesforce') as Connector).identify(went)
      expect(heard.at(-1)).toContain('Bearer a-token-of-the-account')
    } finally {
      await other.stop()
      inner.server.close()
      outer.server.close()
    }
  })
})

describe('a state', () => {
  const refused = { code: 'oauth_state_invalid' }

  it('is used once', async () => {
    const { browser, consentUrl } = await leave({ connector: 'hubspot' })
    const address = await consent(consentUrl, accounts.other, { decision: 'deny' })
    const state = new URL(address).searchParams.get('state')
    expect((await browser.visit(address)).status).toBe(302)
    expect((await browser.visit(address)).body).toMatchObject(refused)
    // The cookie is gone after the first; whoever kept a copy of both is refused all the same.
    const keeper = await leave({ connector: 'hubspot' })
    const kept = await consent(keeper.consentUrl, accounts.other, { decision: 'deny' })
    const twice = await Promise.all([keeper.browser.visit(kept), keeper.browser.visit(kept)])
    expect(twice.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([302, 400])
    expect(state).not.toBeNull()
  })

  it('is of the person who began', async () => {
    const { consentUrl, browser } = await leave({ connector: 'hubspot' })
    const address = await consent(consentUrl, accounts.other)
    const another = new Browser(await server.token(server.worlds.b.ownerId))
    expect((await another.visit(address)).body).toMatchObject(refused)
    expect((await new Browser().visit(address)).body).toMatchObject({ code: 'unauthenticated' })
    expect((await browser.visit(address.replace(/state=[^&]+/, 'state=guessed'))).body).toMatchObject(refused)
    expect((await browser.visit(address.replace('/hubspot/', '/salesforce/'))).body).toMatchObject(refused)
    expect(back(await browser.visit(address)).searchParams.get('connected')).not.toBeNull()
  })

  it('is of the browser that began: the same person in another one is refused', async () => {
    const { consentUrl } = await leave({ connector: 'hubspot' })
    const address = await consent(consentUrl, accounts.hubspot, { decision: 'deny' })
    expect((await new Browser(owner).visit(address)).body).toMatchObject(refused)
  })

  it('expires, and a ticket too', async () => {
    const { browser, consentUrl } = await leave({ connector: 'hubspot' })
    const begun = await begin({ connector: 'hubspot', baseUrl: sandbox.url })
    await withClient(database().controlUrl, (control) =>
      control.query(
        `update rowhouse.sync_authorizations set created_at = now() - interval '1 hour', expires_at = now() - interval '1 second'`,
      ),
    )
    expect((await browser.visit(await consent(consentUrl, accounts.hubspot))).body).toMatchObject(refused)
    expect((await browser.visit(begun.body.url)).body).toMatchObject(refused)
  })

  it('and its ticket are not in the database as the browser carries them', async () => {
    const begun = await begin({ connector: 'hubspot', baseUrl: sandbox.url })
    const ticket = new URL(begun.body.url).searchParams.get('ticket') ?? ''
    const { rows } = await withClient(database().controlUrl, (control) =>
      control.query('select a::text as row from rowhouse.sync_authorizations a'),
    )
    expect(ticket.length).toBeGreaterThan(40)
    expect(JSON.stringify(rows)).not.toContain(ticket)
  })

  it('ends nothing for somebody who lost the permission meanwhile', async () => {
    const { memberId, organizationId: id } = server.worlds.a
    const setRole = (role: string): Promise<unknown> =>
      withClient(database().controlUrl, (control) =>
        control.query('update rowhouse.members set role = $3 where organization_id = $1 and user_id = $2', [
          id,
          memberId,
          role,
        ]),
      )
    await setRole('admin')
    const { browser, consentUrl } = await leave({ connector: 'hubspot' }, await server.token(memberId))
    const address = await consent(consentUrl, accounts.hubspot)
    await setRole('viewer')
    expect(back(await browser.visit(address)).searchParams.get('connectError')).toBe('permission_denied')
    await setRole('member')
  })
})

describe('a tenant', () => {
  it('cannot begin for another organization, nor with an address that is no CRM', async () => {
    const stranger = await server.token(server.worlds.b.ownerId)
    expect((await begin({ connector: 'hubspot' }, stranger)).body).toMatchObject({ code: 'organization_not_found' })
    const body = { connector: 'hubspot', baseUrl: 'http://169.254.169.254' }
    expect((await begin(body)).body).toMatchObject({ code: 'validation_failed' })
  })

  it('cannot give new credentials to the connection of another organization', async () => {
    const [{ id } = { id: '' }] = await connections()
    const answer = await server.call(
      'POST',
      `/v1/organizations/${server.worlds.b.organizationId}/connections/authorize`,
      { bearer: await server.token(server.worlds.b.ownerId), body: { connector: 'hubspot', connectionId: id } },
    )
    expect(answer.body).toMatchObject({ code: 'connection_not_found' })
  })
})

describe('reconnecting', () => {
  it('takes the same account only, and resumes what a dead grant paused', async () => {
    const mine = (await connections()).find(({ account }) => account === accounts.hubspot.id) ?? { id: '' }
    const path = `/v1/organizations/${organizationId()}/connections/${mine.id}`
    await server.call('POST', `${path}/pause`, { bearer: owner })
    const wrong = await leave({ connector: 'hubspot', connectionId: mine.id })
    const refusedBack = back(await wrong.browser.visit(await consent(wrong.consentUrl, accounts.other)))
    expect(refusedBack.searchParams.get('connectError')).toBe('connection_account_differs')
    expect((await connections()).find(({ id }) => id === mine.id)?.state).toBe('paused')

    const right = await leave({ connector: 'hubspot', connectionId: mine.id })
    const done = back(await right.browser.visit(await consent(right.consentUrl, accounts.hubspot)))
    expect(done.searchParams.get('connected')).toBe(mine.id)
    expect((await connections()).find(({ id }) => id === mine.id)?.state).not.toBe('paused')
  })
})

it('every consent that was ended is in the audit of the control plane, with its outcome', async () => {
  const { rows } = await withClient(database().controlUrl, (control) =>
    control.query<{ action: string; outcome: string }>(
      `select distinct action, outcome from rowhouse.control_audit where action ~ '^connection.(create|reconnect)'`,
    ),
  )
  for (const expected of [
    { action: 'connection.create', outcome: 'done' },
    { action: 'connection.create', outcome: 'oauth_consent_refused' },
    { action: 'connection.reconnect', outcome: 'connection_account_differs' },
    { action: 'connection.reconnect', outcome: 'done' },
  ]) {
    expect(rows).toContainEqual(expected)
  }
})
