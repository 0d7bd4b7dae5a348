// Plain requests for what no client of others calls: logins, administration, jobs step by step; for tests. Each has to be
// answered with success. Long because it is one list for each CRM, in the order in which they build on one another.
import { createHash } from 'node:crypto'
import type { CreatedAccount } from './control/simulated-crm.ts'
import type { Sandbox } from './sandbox.ts'

export interface Answered {
  readonly method: string
  readonly path: string
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of any shape
  readonly body: any
  readonly headers: Headers
}

type Body = URLSearchParams | string | object
type Ask = (method: string, path: string, body?: Body, headers?: Readonly<Record<string, string>>) => Promise<Answered>

const redirectUri = 'http://localhost:9/callback'
/** One for each CRM: a client id belongs to one. */
const appOf = (connector: string) => ({
  clientId: `plain-${connector}`,
  clientSecret: 'shh',
  redirectUris: [redirectUri],
})
const verifier = 'v'.repeat(50)

/** Asks below a base, remembers what was answered, and throws what was refused. */
function asking(base: string, authorization: string): { ask: Ask; answered: Answered[] } {
  const answered: Answered[] = []
  const ask: Ask = async (method, path, body, headers = {}) => {
    const isPlain = body === undefined || typeof body === 'string' || body instanceof URLSearchParams
    const response = await fetch(base + path, {
      method,
      redirect: 'manual',
      headers: {
        authorization,
        ...(isPlain ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isPlain ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
    const isJson = /json/.test(response.headers.get('content-type') ?? '')
    const answer = {
      method,
      path: new URL(base + path).pathname,
      status: response.status,
      body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text,
      headers: response.headers,
    }
    answered.push(answer)
    return answer
  }
  return { ask, answered }
}

/** The page, the consent, and the code it gives. */
async function consented(ask: Ask, path: string, account: CreatedAccount): Promise<string> {
  const asked = {
    response_type: 'code',
    client_id: appOf(account.connector).clientId,
    redirect_uri: redirectUri,
    scope: account.connector === 'netsuite' ? 'rest_webservices' : 'api refresh_token crm.objects.contacts.read',
    state: 's'.repeat(32),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  await ask('GET', `${path}?${new URLSearchParams(asked).toString()}`)
  const back = await ask('POST', path, new URLSearchParams({ ...asked, account: account.id, decision: 'approve' }))
  return new URL(back.headers.get('location') ?? '').searchParams.get('code') ?? ''
}

const codeGrant = (code: string): Record<string, string> => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: redirectUri,
  code_verifier: verifier,
})
const secretOf = (app: ReturnType<typeof appOf>): Record<string, string> => ({
  client_id: app.clientId,
  client_secret: app.clientSecret,
})

export async function hubspotRequests(sandbox: Sandbox): Promise<readonly Answered[]> {
  const app = appOf('hubspot')
  const account = sandbox.createAccount({ connector: 'hubspot', apps: [app] })
  const { ask, answered } = asking(sandbox.url, `Bearer ${account.accessToken}`)
  const form = (path: string, fields: Record<string, string>): Promise<Answered> =>
    ask('POST', path, new URLSearchParams({ ...secretOf(app), ...fields }))
  await consented(ask, `/oauth/${account.id}/authorize`, account)
  for (const version of ['v1', 'v3', '2026-03']) {
    const code = await consented(ask, '/oauth/authorize', account)
    const { body } = await form(`/oauth/${version}/token`, codeGrant(code))
    await ask('GET', `/oauth/v1/access-tokens/${body.access_token}`)
    await ask('GET', `/oauth/v1/refresh-tokens/${body.refresh_token}`)
    for (const base of [`/oauth/${version}/token`, `/oauth/${version}`])
      await form(`${base}/introspect`, { token: body.access_token })
    await form(`/oauth/${version}/token/revoke`, { token: body.access_token })
    if (version === 'v1') await ask('DELETE', `/oauth/v1/refresh-tokens/${body.refresh_token}`)
    else await form(`/oauth/${version}/revoke`, { token: body.refresh_token })
    if (version === 'v1') await form('/oauth/v1/revoke', { token: body.refresh_token })
  }
  const person = sandbox.person(account.id)
  const [contact, other, company] = [
    person.create('contacts', { email: 'a@plain.example' }),
    person.create('contacts', { email: 'b@plain.example' }),
    person.create('companies', { name: 'C' }),
  ]
  await ask('POST', '/crm/v3/objects/contacts/batch/archive', { inputs: [{ id: other }] })
  await ask('POST', '/crm/v3/objects/contacts/gdpr-delete', { objectId: other })

  const property = (name: string): object => ({
    name,
    label: name,
    type: 'string',
    fieldType: 'text',
    groupName: 'contactinformation',
  })
  const properties = '/crm/v3/properties/contacts'
  await ask('POST', properties, property('one'))
  await ask('POST', `${properties}/batch/create`, { inputs: [property('two')] })
  await ask('POST', `${properties}/batch/read`, { inputs: [{ name: 'one' }], archived: false })
  await ask('PATCH', `${properties}/one`, { label: 'First' })
  await ask('DELETE', `${properties}/one`)
  await ask('POST', `${properties}/batch/archive`, { inputs: [{ name: 'two' }] })
  await ask('POST', `${properties}/groups`, { name: 'ours', label: 'Ours' })

  const pair = [{ from: { id: contact }, to: { id: company } }]
  const named = pair.map((one) => ({ ...one, type: 'contact_to_company' }))
  for (const [action, inputs] of [
    ['create', named],
    ['read', [{ id: contact }]],
    ['archive', named],
  ] as const)
    await ask('POST', `/crm/v3/associations/contacts/companies/batch/${action}`, { inputs })
  await ask('GET', '/crm/v3/associations/contacts/companies/types')
  const edge = `/crm/v4/objects/contacts/${contact}/associations`
  const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 279 }]
  await ask('PUT', `${edge}/default/companies/${company}`)
  await ask('DELETE', `${edge}/companies/${company}`)
  await ask('PUT', `${edge}/companies/${company}`, types)
  const associations = '/crm/v4/associations/contacts/companies'
  await ask('POST', `${associations}/batch/associate/default`, { inputs: pair })
  await ask('POST', `${associations}/batch/labels/archive`, { inputs: pair.map((one) => ({ ...one, types })) })
  const { body: label } = await ask('POST', `${associations}/labels`, { name: 'billing', label: 'Billing' })
  await ask('DELETE', `${associations}/labels/${label.results[0].typeId}`)

  await ask('POST', '/crm/v3/schemas', {
    name: 'robot',
    labels: { singular: 'Robot', plural: 'Robots' },
    requiredProperties: ['serial'],
    primaryDisplayProperty: 'serial',
    properties: [{ name: 'serial', label: 'Serial', type: 'string', fieldType: 'text' }],
    associatedObjects: ['CONTACT'],
  })
  await ask('DELETE', '/crm/v3/schemas/robot')
  const { body: owners } = await ask('GET', '/crm/v3/owners')
  await ask('GET', `/crm/v3/owners/${owners.results[0].id}`)
  const { body: pipelines } = await ask('GET', '/crm/v3/pipelines/deals')
  for (const rest of ['', '/stages']) await ask('GET', `/crm/v3/pipelines/deals/${pipelines.results[0].id}${rest}`)
  await ask('GET', '/account-info/v3/api-usage/daily/private-apps')
  await ask('GET', '/account-info/v3/details')

  const target = {
    clientId: app.clientId,
    targetUrl: 'http://127.0.0.1:9/hook',
    subscriptions: [{ eventType: 'contact.creation' }],
  }
  const { body: hooked } = await ask('POST', '/_sandbox/webhooks', target)
  const key = `?hapikey=${app.clientSecret}`
  const webhooks = `/webhooks/v3/${hooked.appId}`
  await ask('PUT', `${webhooks}/settings${key}`, {
    targetUrl: target.targetUrl,
    throttling: { maxConcurrentRequests: 10 },
  })
  await ask('GET', `${webhooks}/settings${key}`)
  const { body: hook } = await ask('POST', `${webhooks}/subscriptions${key}`, { eventType: 'contact.deletion' })
  await ask('GET', `${webhooks}/subscriptions${key}`)
  await ask('PATCH', `${webhooks}/subscriptions/${hook.id}${key}`, { active: true })
  await ask('DELETE', `${webhooks}/subscriptions/${hook.id}${key}`)
  await ask('DELETE', `${webhooks}/settings${key}`)
  return answered
}

export async function salesforceRequests(sandbox: Sandbox): Promise<readonly Answered[]> {
  const app = appOf('salesforce')
  const account = sandbox.createAccount({ connector: 'salesforce', apps: [app] })
  const { ask, answered } = asking(sandbox.url, `Bearer ${account.accessToken}`)
  const form = (path: string, fields: Record<string, string>): Promise<Answered> =>
    ask('POST', `/services/oauth2/${path}`, new URLSearchParams(fields))
  const code = await consented(ask, '/services/oauth2/authorize', account)
  const { body: tokens } = await form('token', { ...secretOf(app), ...codeGrant(code) })
  await form('introspect', { ...secretOf(app), token: tokens.access_token })
  await ask('GET', '/services/oauth2/userinfo')
  await ask('GET', new URL(tokens.id as string).pathname)
  await ask('GET', `/services/oauth2/revoke?token=${encodeURIComponent(tokens.access_token as string)}`)
  await form('revoke', { token: tokens.refresh_token })
  const login = `<username>${account.username}</username><password>${account.password}</password>`
  await ask('POST', '/services/Soap/u/60.0', login, { 'content-type': 'text/xml' })

  await ask('GET', '/services/data')
  const base = '/services/data/v60.0'
  for (const path of ['', '/limits', '/sobjects', '/sobjects/Account']) await ask('GET', base + path)
  const account1 = `${base}/sobjects/Account`
  await ask('PATCH', `${account1}/External_Id__c/x`, { Name: 'X' })
  await ask('GET', `${account1}/External_Id__c/x`)
  await ask('DELETE', `${account1}/External_Id__c/x`)
  const collections = `${base}/composite/sobjects`
  const attributes = { type: 'Account' }
  const many = Array.from({ length: 200 }, (_, index) => ({ attributes, Name: `N${index}` }))
  const { body: made } = await ask('POST', collections, { records: many })
  await ask('POST', collections, { records: many })
  const id = made[0].id as string
  await ask('PATCH', collections, { records: [{ attributes, id, Phone: '1' }] })
  await ask('PATCH', `${collections}/Account/External_Id__c`, {
    records: [{ attributes, External_Id__c: 'y', Name: 'Y' }],
  })
  await ask('GET', `${collections}/Account?ids=${id}&fields=Name`)
  await ask('POST', `${collections}/Account`, { ids: [id], fields: ['Name'] })
  await ask('DELETE', `${collections}?ids=${id}`)
  await ask('POST', `${base}/composite`, {
    compositeRequest: [{ method: 'GET', url: `${base}/limits`, referenceId: 'limits' }],
  })
  for (const query of ['query', 'queryAll']) {
    const few = { 'sforce-query-options': 'batchSize=200' }
    const { body } = await ask(
      'GET',
      `${base}/${query}?q=${encodeURIComponent('SELECT Id FROM Account')}`,
      undefined,
      few,
    )
    await ask('GET', `${base}/${query}/${String(body.nextRecordsUrl).split('/').at(-1)}`)
  }
  for (const state of ['Aborted', 'UploadComplete']) {
    const { body: job } = await ask('POST', `${base}/jobs/ingest`, { object: 'Account', operation: 'insert' })
    const path = `${base}/jobs/ingest/${job.id}`
    await ask('PUT', `${path}/batches`, 'Name\nX\n', { 'content-type': 'text/csv' })
    await ask('PATCH', path, { state })
    await ask('GET', path)
    if (state === 'UploadComplete') {
      await ask('GET', path)
      await ask('GET', `${path}/successfulResults`)
    }
    await ask('DELETE', path)
  }
  await ask('GET', `${base}/jobs/ingest`)
  const asked = { operation: 'query', query: 'SELECT Id FROM Account' }
  const { body: dropped } = await ask('POST', `${base}/jobs/query`, asked)
  await ask('PATCH', `${base}/jobs/query/${dropped.id}`, { state: 'Aborted' })
  await ask('DELETE', `${base}/jobs/query/${dropped.id}`)
  await ask('GET', `${base}/jobs/query`)
  await ask('POST', '/cometd/60.0', [
    { channel: '/meta/handshake', version: '1.0', supportedConnectionTypes: ['long-polling'] },
  ])
  return answered
}

export async function netsuiteRequests(sandbox: Sandbox): Promise<readonly Answered[]> {
  const app = appOf('netsuite')
  const account = sandbox.createAccount({ connector: 'netsuite', apps: [app] })
  const { ask, answered } = asking(sandbox.url, `Bearer ${account.accessToken}`)
  const code = await consented(ask, '/app/login/oauth2/authorize.nl', account)
  const authorization = `Basic ${Buffer.from(`${app.clientId}:${app.clientSecret}`).toString('base64')}`
  const form = (path: string, fields: Record<string, string>): Promise<Answered> =>
    ask('POST', `/services/rest/auth/oauth2/v1/${path}`, new URLSearchParams(fields), { authorization })
  const { body: tokens } = await form('token', codeGrant(code))
  await form('revoke', { token: tokens.refresh_token })

  const person = sandbox.person(account.id)
  const id = person.create('customer', { companyName: 'A' })
  const item = person.create('inventoryItem', { itemId: 'Widget', basePrice: 2 })
  const order = person.create('salesOrder', { entity: { id }, item: { items: [{ item: { id: item }, quantity: 3 }] } })
  const rest = `/${account.id}/services/rest`
  await ask('OPTIONS', `${rest}/*`)
  const { body: lines } = await ask('GET', `${rest}/record/v1/salesOrder/${order}/item?expandSubResources=true`)
  await ask('GET', `${rest}/record/v1/salesOrder/${order}/item/${lines.items[0].line ?? 1}`)
  const submitted = await ask(
    'POST',
    `${rest}/record/v1/customer`,
    { items: [{ companyName: 'B' }] },
    {
      'content-type': 'application/vnd.oracle.resource+json; type=collection',
      prefer: 'respond-async',
    },
  )
  const job = new URL(submitted.headers.get('location') ?? '', sandbox.url).pathname
  await ask('GET', job)
  const { body: tasks } = await ask('GET', `${job}/task`)
  const task = `${job}/task/${tasks.items[0].id}`
  await ask('GET', task)
  await ask('GET', `${task}/result`)
  return answered
}
