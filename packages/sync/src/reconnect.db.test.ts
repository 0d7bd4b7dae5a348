// A grant that dies, or that is given less later: the connection waits and says why, and after another consent it goes on
// where it stopped – nothing is lost on either side, nothing is read again, and nothing comes twice.
import { connectors } from '@rowhouse/connectors'
import type { Connector, Credentials } from '@rowhouse/connectors'
import type { CreatedAccount } from '@rowhouse/sandbox'
import { withClient } from '@rowhouse/testkit'
import { describe, expect, it } from 'vitest'
import { useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'

const house = useHouse()
const hubspot = connectors.get('hubspot') as Connector
const soon = { timeout: 60_000, interval: 20 }
const [redirectUri] = ['http://127.0.0.1:9/callback']
const app = { clientId: 'the-product', clientSecret: 'secret', redirectUris: [redirectUri] }

/** What the person agrees to on the CRM's page, and what the product gets for it. */
async function consent(account: CreatedAccount): Promise<Credentials> {
  const answer = await fetch(`${account.url}/oauth/authorize`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      client_id: app.clientId,
      redirect_uri: redirectUri,
      scope: hubspot.oauth.scopes.join(' '),
      account: account.id,
      decision: 'approve',
    }),
  })
  const code = new URL(answer.headers.get('location') ?? 'http://none/').searchParams.get('code') ?? ''
  const tokens = await fetch(`${account.url}/oauth/v1/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: app.clientId,
      client_secret: app.clientSecret,
      redirect_uri: redirectUri,
      code,
    }),
  })
  const { access_token: accessToken, refresh_token: refreshToken } = (await tokens.json()) as Record<string, string>
  return {
    accessToken: accessToken ?? '',
    refreshToken: refreshToken ?? '',
    expiresAtMs: null,
    instanceUrl: null,
    scopes: null,
  }
}

async function connected(index: number, name: string): Promise<Household> {
  const account = house().createAccount({ connector: 'hubspot', name, apps: [app] })
  const { accessToken, refreshToken } = await consent(account)
  const household = await house().connect(index, account, {
    accessToken,
    refreshToken,
    clientId: app.clientId,
    clientSecret: app.clientSecret,
  })
  house().sync.worker.start()
  await house().live(household)
  return household
}

const state = ({ connection, organizationId }: Household) => house().sync.connections.get(organizationId, connection.id)
const emailsThere = async ({ account }: Household): Promise<string> =>
  JSON.stringify(await house().records(account, 'contacts'))
const emailsHere = async ({ person }: Household): Promise<string[]> =>
  (await person.query<{ email: string }>('select email from contacts order by email')).rows.map(({ email }) => email)

async function reconnect(household: Household): Promise<void> {
  const { account, connection, organizationId } = household
  await house().sync.connections.reconnect(organizationId, connection.id, {
    connector: hubspot,
    credentials: await consent(account),
    baseUrl: account.url,
    tokenUrl: null,
  })
}

/** What both sides changed while nobody could sync arrives, once; what was read before is not read again. */
async function goesOn(household: Household, before: number): Promise<void> {
  await expect.poll(() => emailsThere(household), soon).toContain('ours@meanwhile.example')
  await expect.poll(() => emailsHere(household), soon).toContain('theirs@meanwhile.example')
  await expect.poll(async () => (await state(household)).state, soon).toBe('live')
  const emails = await emailsHere(household)
  expect(new Set(emails).size).toBe(emails.length)
  const there = (await house().records(household.account, 'contacts')).map((record) => JSON.stringify(record))
  expect(there.filter((record) => record.includes('ours@meanwhile.example'))).toHaveLength(1)
  // A walk over archived records, which a poll makes now and then, is no reading of all; nor is preparing the account.
  const read = house()
    .events.slice(before)
    .filter((event) => event.type === 'applied' && event.lane === 'backfill')
  expect(read).toEqual([])
}

const meanwhile = async ({ account, person }: Household): Promise<void> => {
  await person.query("insert into contacts (email) values ('ours@meanwhile.example')")
  house().sandbox.person(account.id).create('contacts', { email: 'theirs@meanwhile.example' })
}

describe('reconnecting', () => {
  it('after the grant has died resumes without loss, without reading all again', async () => {
    const household = await connected(0, 'Alder')
    await house().control('chaos', { account: household.account.id, revokeTokens: 'all' })
    await meanwhile(household)
    await expect.poll(async () => (await state(household)).state, soon).toBe('paused')
    expect((await state(household)).stateReason).toMatch(/Connect|refused/)
    const before = house().events.length
    await reconnect(household)
    await goesOn(household, before)
    await house().sync.worker.stop()
  })

  it('in the middle of the backfill goes on at the page where it stopped', async () => {
    const account = house().createAccount({ connector: 'hubspot', name: 'Half', apps: [app] })
    const hand = house().sandbox.person(account.id)
    for (let n = 0; n < 1000; n++) hand.create('contacts', { email: `half${n}@example.com` })
    const { accessToken, refreshToken } = await consent(account)
    const { clientId, clientSecret } = app
    const household = await house().connect(1, account, { accessToken, refreshToken, clientId, clientSecret })
    const read = (): number =>
      house()
        .events.flatMap((event) =>
          event.type === 'applied' && event.lane === 'backfill' && event.connectionId === household.connection.id
            ? [event.records]
            : [],
        )
        .reduce((sum, records) => sum + records, 0)
    house().sandbox.chaos(account.id, { latencyMs: 40 })
    house().sync.worker.start()
    await expect.poll(read, { ...soon, interval: 2 }).toBeGreaterThanOrEqual(200)
    await house().control('chaos', { account: account.id, revokeTokens: 'all' })
    await expect.poll(async () => (await state(household)).state, soon).toBe('paused')
    const before = read()
    expect(before).toBeLessThan(1000)
    await reconnect(household)
    await house().live(household)
    // Each page once: what was read before is not read again.
    expect(read()).toBe(1000)
    const emails = (await emailsHere(household)).filter((email) => email.startsWith('half'))
    expect([emails.length, new Set(emails).size]).toEqual([1000, 1000])
    expect(await house().records(account, 'contacts')).toHaveLength(1000)
    await house().sync.worker.stop()
  })

  it('of an account that has moved goes on at its new address', async () => {
    const household = await connected(0, 'Moved')
    const { account, connection, organizationId } = household
    await house().sync.connections.pause(organizationId, connection.id)
    const moved = account.url.replace('127.0.0.1', 'localhost')
    await house().sync.connections.reconnect(organizationId, connection.id, {
      connector: hubspot,
      credentials: { ...(await consent(account)), instanceUrl: moved },
      baseUrl: moved,
      tokenUrl: null,
    })
    const { rows } = await withClient(house().database.controlUrl, (control) =>
      control.query('select base_url, token_url from rowhouse.connections where id = $1', [connection.id]),
    )
    expect(rows).toEqual([{ base_url: moved, token_url: null }])
    await house().sync.worker.stop()
  })

  it('after scopes were taken away later resumes without loss; until then it waits', async () => {
    const household = await connected(1, 'Birch')
    house().sandbox.reduceScopes(household.account.id, ['crm.objects.companies.read', 'crm.objects.companies.write'])
    await meanwhile(household)
    await expect.poll(async () => (await state(household)).lastError?.code ?? null, soon).not.toBeNull()
    await expect.poll(async () => (await state(household)).state, soon).toMatch(/paused|degraded/)
    const before = house().events.length
    house().sandbox.reduceScopes(household.account.id, undefined)
    await reconnect(household)
    await goesOn(household, before)
    expect(await house().sync.deadLetters.list(household.organizationId, household.acting)).toEqual([])
    await house().sync.worker.stop()
  })
})
