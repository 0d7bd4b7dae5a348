// Connects each organization to its CRM account the way a customer would: consent at the provider, a code,
// tokens, and the public API of the server. Once; a later start only repairs addresses that moved.
import { createHash, randomBytes } from 'node:crypto'
import { createClient } from '@rowhouse/client'
import type { Client } from '@rowhouse/client'
import { RowhouseError } from '@rowhouse/contracts'
import { Client as PgClient } from 'pg'
import type { StackAccount } from './crms.ts'
import type { StackOrganization } from './organizations.ts'
import type { SpareAccount } from './spare-account.ts'

export interface ConnectedOrganization {
  readonly organization: StackOrganization
  readonly account: StackAccount
  readonly connectionId: string
}

export interface ConnectOptions {
  readonly apiUrl: string
  readonly operatorKey: string
  readonly controlUrl: string
  readonly sandboxUrl: string
  readonly organizations: readonly StackOrganization[]
  readonly accounts: readonly StackAccount[]
  readonly spare: SpareAccount
}

const paths = {
  hubspot: { authorize: '/oauth/authorize', token: '/oauth/v1/token' },
  salesforce: { authorize: '/services/oauth2/authorize', token: '/services/oauth2/token' },
} as const

const webhookEvents = ['contact', 'company', 'deal'].flatMap((object) =>
  ['creation', 'deletion', 'propertyChange', 'merge', 'associationChange'].map((event) => `${object}.${event}`),
)

/** Properties whose changes HubSpot tells of; it takes one subscription for each. */
const watchedProperties: Record<string, readonly string[]> = {
  contact: ['email', 'firstname', 'lastname', 'phone', 'jobtitle'],
  company: ['name', 'domain', 'industry', 'numberofemployees'],
  deal: ['dealname', 'amount', 'dealstage', 'closedate'],
}

export async function ensureConnections(options: ConnectOptions): Promise<ConnectedOrganization[]> {
  const client = createClient({
    baseUrl: options.apiUrl,
    headers: { authorization: `Bearer ${options.operatorKey}` },
  })
  await moveAddresses(options.controlUrl, options.sandboxUrl)
  await setApps(client, [...options.accounts, options.spare])
  return Promise.all(
    options.organizations.map(async (organization) => {
      const account = options.accounts.find(({ slug }) => slug === organization.slug) as StackAccount
      const connectionId = await ensureConnection(client, organization, account)
      if (account.connector === 'hubspot') await subscribe(options, account, connectionId)
      return { organization, account, connectionId }
    }),
  )
}

/** So that an organization that is made later can connect an account by a click in the console. */
async function setApps(client: Client, accounts: readonly (StackAccount | SpareAccount)[]): Promise<void> {
  const one = new Map(accounts.map((account) => [account.connector, account]))
  await Promise.all(
    [...one].map(([connector, { app, url }]) =>
      client.setConnectorApp({
        params: { connector },
        body: { clientId: app.clientId, clientSecret: app.clientSecret, baseUrl: url },
      }),
    ),
  )
}

async function ensureConnection(
  client: Client,
  organization: StackOrganization,
  account: StackAccount,
): Promise<string> {
  const params = { organizationId: organization.id }
  const { items } = await client.listConnections({ params })
  const existing = items.find((connection) => connection.account === account.account)
  if (existing !== undefined) return existing.id
  const tokens = await authorize(account)
  const created = await client.createConnection({
    params,
    body: {
      connector: account.connector,
      ...tokens,
      clientId: account.app.clientId,
      clientSecret: account.app.clientSecret,
      baseUrl: account.url,
      tokenUrl: account.url + paths[account.connector].token,
    },
  })
  return created.id
}

/** The authorization code flow with PKCE, with the person's click on "Connect" done for them. */
async function authorize(account: StackAccount): Promise<{ accessToken: string; refreshToken: string }> {
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const { authorize: authorizePath, token: tokenPath } = paths[account.connector]
  const consent = await fetch(account.url + authorizePath, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      response_type: 'code',
      client_id: account.app.clientId,
      redirect_uri: account.app.redirectUri,
      scope:
        account.connector === 'hubspot'
          ? 'crm.objects.contacts.write crm.objects.companies.write crm.objects.deals.write'
          : 'api refresh_token',
      state: randomBytes(16).toString('base64url'),
      code_challenge: challenge,
      code_challenge_method: 'S256',
      account: account.account,
      decision: 'approve',
    }),
  })
  const code = new URL(consent.headers.get('location') ?? account.url, account.url).searchParams.get('code')
  if (code === null)
    throw new RowhouseError('connector_failed', `${account.connector} gave no code: ${consent.status}.`)
  const answer = await fetch(account.url + tokenPath, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: account.app.clientId,
      client_secret: account.app.clientSecret,
      redirect_uri: account.app.redirectUri,
      code,
      code_verifier: verifier,
    }),
  })
  if (!answer.ok) throw new RowhouseError('connector_failed', `${account.connector} gave no tokens: ${answer.status}.`)
  const { access_token: accessToken, refresh_token: refreshToken } = (await answer.json()) as Record<
    'access_token' | 'refresh_token',
    string
  >
  return { accessToken, refreshToken }
}

/** Tells the portal's app where its webhooks go. */
async function subscribe(options: ConnectOptions, account: StackAccount, connectionId: string): Promise<void> {
  const subscriptions = webhookEvents.flatMap((eventType) =>
    eventType.endsWith('.propertyChange')
      ? (watchedProperties[eventType.split('.')[0] as string] ?? []).map((propertyName) => ({
          eventType,
          propertyName,
        }))
      : [{ eventType }],
  )
  const answer = await fetch(`${options.sandboxUrl}/_sandbox/webhooks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      clientId: account.app.clientId,
      account: account.account,
      targetUrl: `${options.apiUrl}/webhooks/${account.connector}/${connectionId}`,
      subscriptions,
    }),
  })
  if (!answer.ok) throw new RowhouseError('connector_failed', `The sandbox took no webhooks: ${await answer.text()}`)
}

/** The sandbox may listen elsewhere than at the last start; what was stored follows it. */
async function moveAddresses(controlUrl: string, sandboxUrl: string): Promise<void> {
  const client = new PgClient({ connectionString: controlUrl })
  await client.connect()
  try {
    await client.query(
      `update rowhouse.connections
      set token_url = $1 || substring(token_url from '^https?://[^/]+(/.*)$'),
        base_url = $1 || coalesce(substring(base_url from '^https?://[^/]+(/.*)$'), '')
      where base_url like 'http://127.0.0.1:%' and base_url <> $1 and base_url not like $1 || '/%'`,
      [sandboxUrl],
    )
  } finally {
    await client.end()
  }
}
