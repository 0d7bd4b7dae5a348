// The engine with the simulated Salesforce, whose writes answer without the record and whose conditions are real:
// both directions, parents, deletes, and a grant that is refreshed once however many lanes notice.
import { vi, beforeAll, describe, expect, it } from 'vitest'
import { Connection as Salesforce } from 'jsforce'
import { useHouse } from './fixtures/house.ts'
import type { Household } from './fixtures/house.ts'

const house = useHouse()
const soon = { timeout: 60_000, interval: 20 }

describe('an organization with a Salesforce account', () => {
  let alder: Household
  let salesforce: Salesforce

  beforeAll(async () => {
    const account = house().createAccount({ connector: 'salesforce', name: 'Alder' })
    salesforce = new Salesforce({ instanceUrl: account.url, accessToken: account.personToken })
    const ash = await salesforce.sobject('Account').create({ Name: 'Ash', Website: 'ash.example' })
    for (let n = 0; n < 5; n++)
      await salesforce
        .sobject('Contact')
        .create({ LastName: `Old ${n}`, Email: `p${n}@ash.example`, ...(ash.success ? { AccountId: ash.id } : {}) })
    alder = await house().connect(0, account)
    house().sync.worker.start()
    await house().live(alder)
  })

  const contacts = async (): Promise<Record<string, unknown>[]> =>
    (await salesforce.query('SELECT Id, Email, LastName, Title, AccountId FROM Contact ORDER BY Email')).records

  it('reads contacts with their accounts', async () => {
    const { rows } = await alder.person.query(
      `select c.email, o.name from contacts c join companies o on o.id = c.company_id order by c.email`,
    )
    expect(rows).toEqual([0, 1, 2, 3, 4].map((n) => ({ email: `p${n}@ash.example`, name: 'Ash' })))
  })

  it('sends creates and updates, each once, and takes nothing back', async () => {
    await alder.person.query(
      `with c as (insert into companies (name, domain) values ('Elm', 'elm.example') returning id)
       insert into contacts (email, last_name, company_id) select 'new@elm.example', 'New', id from c`,
    )
    await alder.person.query(`update contacts set title = 'Chief' where email = 'p1@ash.example'`)
    await expect
      .poll(async () => (await contacts()).map((one) => [one['Email'], one['Title'], one['AccountId'] !== null]), soon)
      .toEqual([
        ['new@elm.example', null, true],
        ['p0@ash.example', null, true],
        ['p1@ash.example', 'Chief', true],
        ['p2@ash.example', null, true],
        ['p3@ash.example', null, true],
        ['p4@ash.example', null, true],
      ])
    await expect
      .poll(async () => (await alder.person.query('select from rowhouse_home.sync_marks')).rowCount, soon)
      .toBe(0)
    const { rows } = await alder.person.query(
      `select kind, object, status, count(*)::int as n from rowhouse_home.sync_deliveries group by 1, 2, 3 order by 1, 2`,
    )
    expect(rows).toEqual([
      { kind: 'create', object: 'company', status: 'delivered', n: 1 },
      { kind: 'create', object: 'contact', status: 'delivered', n: 1 },
      { kind: 'update', object: 'contact', status: 'delivered', n: 1 },
    ])
  })

  it('takes an edit and a delete, and parks a contact without the last name that the CRM demands', async () => {
    const [, first, second] = await contacts()
    await salesforce.sobject('Contact').update({ Id: String(first?.['Id']), Title: 'Boss' })
    await expect
      .poll(
        async () => (await alder.person.query(`select title from contacts where email = 'p0@ash.example'`)).rows,
        soon,
      )
      .toEqual([{ title: 'Boss' }])
    await salesforce.sobject('Contact').destroy(String(second?.['Id']))
    await expect
      .poll(
        async () => (await alder.person.query(`select from contacts where email = 'p1@ash.example'`)).rowCount,
        soon,
      )
      .toBe(0)
    await alder.person.query(`insert into contacts (email) values ('nameless@ash.example')`)
    await expect
      .poll(async () => (await house().sync.deadLetters.list(alder.organizationId, alder.acting)).length, soon)
      .toBe(1)
  })
})

describe('an access token that expires', () => {
  it('is refreshed once, by whichever lane notices first, in whichever worker', async () => {
    const app = { clientId: 'app-1', clientSecret: 'secret', redirectUris: ['http://127.0.0.1:9/callback'] }
    const account = house().createAccount({ connector: 'hubspot', name: 'Birch', apps: [app] })
    const form = new URLSearchParams({
      client_id: app.clientId,
      redirect_uri: 'http://127.0.0.1:9/callback',
      scope: 'crm.objects.contacts.write crm.objects.companies.write',
      account: account.id,
      decision: 'approve',
    })
    const consent = await fetch(`${account.url}/oauth/authorize`, { method: 'POST', body: form, redirect: 'manual' })
    const code = new URL(consent.headers.get('location') ?? 'http://none/').searchParams.get('code') ?? ''
    const token = await fetch(`${account.url}/oauth/v1/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: app.clientId,
        client_secret: app.clientSecret,
        redirect_uri: 'http://127.0.0.1:9/callback',
        code,
      }),
    })
    const tokens = (await token.json()) as { access_token: string; refresh_token: string }
    const birch = await house().connect(1, account, {
      accessToken: 'expired long ago',
      refreshToken: tokens.refresh_token,
      clientId: app.clientId,
      clientSecret: app.clientSecret,
    })
    const second = house().engine()
    second.worker.start()
    try {
      await house().live(birch)
      await house().control('chaos', { account: account.id, revokeTokens: true })
      const before = house().events.length
      await birch.person.query(`insert into contacts (email) values ('later@birch.example')`)
      await vi.waitUntil(async () => (await house().records(account, 'contacts')).length === 1, soon)
      const refreshed = house()
        .events.slice(before)
        .filter(({ type }) => type === 'credentials_refreshed')
      expect(refreshed).toHaveLength(1)
    } finally {
      await second.close()
    }
  })
})
