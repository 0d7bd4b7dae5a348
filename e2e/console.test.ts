// The console on the running product, in a real browser: what a newcomer does in their first minutes.
import { rm } from 'node:fs/promises'
import { Client as HubSpot } from '@hubspot/api-client'
import { createClient } from '@rowhouse/client'
import type { Browser, Page } from 'playwright-core'
import { createRowhouse } from 'rowhouse'
import type { Rowhouse } from 'rowhouse'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { launchBrowser } from '../packages/console/dev/browser.ts'
import { eventually, startStack } from './processes.ts'
import type { Stack } from './processes.ts'

let stack: Stack
let rowhouse: Rowhouse
let browser: Browser
const pages: { page: Page; errors: string[]; hosts: Set<string> }[] = []

beforeAll(async () => {
  stack = await startStack()
  const { ready } = stack
  rowhouse = createRowhouse({ url: ready.databaseUrl, signingKey: ready.signingKey })
  browser = await launchBrowser()
  const api = createClient({ baseUrl: ready.api, headers: { authorization: `Bearer ${ready.operatorKey}` } })
  await eventually(
    () => api.listOrganizations(),
    ({ items }) => items.every(({ connection }) => connection?.state === 'live' && connection.records === 5900),
    { what: 'every organization live' },
  )
})

afterEach(async () => {
  for (const { page, errors, hosts } of pages.splice(0)) {
    await page.context().close()
    // oxlint-disable-next-line vitest/no-standalone-expect -- holds for every page that a test opens
    expect(errors).toEqual([])
    // The console's own and the identity provider's, both of this computer.
    // oxlint-disable-next-line vitest/no-standalone-expect -- as above
    expect([...hosts]).toEqual(['127.0.0.1'])
  }
})

afterAll(async () => {
  await browser?.close()
  await rowhouse?.close()
  await stack?.stop()
  if (stack !== undefined) await rm(stack.dataDir, { recursive: true, force: true })
})

async function open(): Promise<Page> {
  const context = await browser.newContext({ baseURL: stack.ready.console, viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const errors: string[] = []
  const hosts = new Set<string>()
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => (message.type() === 'error' ? errors.push(message.text()) : undefined))
  page.on('request', (request) => hosts.add(new URL(request.url()).hostname))
  pages.push({ page, errors, hosts })
  await page.goto('/')
  return page
}

const acme = (): Stack['ready']['organizations'][number] =>
  stack.ready.organizations.find(({ slug }) => slug === 'acme') as Stack['ready']['organizations'][number]
const changes = (page: Page) => page.getByRole('list', { name: 'Changes, newest first' })

it('Ada signs in with two clicks and sees edits of both sides arrive in her organization', async () => {
  const page = await open()
  await page.getByRole('link', { name: 'Continue with the sign-in of this computer' }).click()
  await page.getByRole('button', { name: /Ada Okafor/ }).click()
  await page.waitForURL(`${stack.ready.console}/organizations/${acme().id}`)
  await page.getByRole('heading', { name: 'Acme Robotics', level: 1 }).waitFor()
  // She owns it, so she may pause it.
  await page.getByRole('button', { name: 'Pause syncing' }).waitFor()
  // What the backfill read is one line.
  await changes(page)
    .getByText(/read from HubSpot at once/)
    .first()
    .waitFor()
  await page.getByRole('status').getByText('Live', { exact: true }).first().waitFor()

  const acting = rowhouse.as({ organizationId: acme().id, userId: acme().ownerId })
  const { rows } = await acting.query(
    'select id, email, title from contacts where email is not null order by id limit 1',
  )
  const contact = rows[0] as { id: string; email: string; title: string }
  const crm = new HubSpot({ accessToken: acme().connection.accessToken, basePath: acme().connection.sandboxUrl })
  const found = await crm.crm.contacts.basicApi.getById(
    contact.email,
    ['jobtitle'],
    undefined,
    undefined,
    false,
    'email',
  )
  await crm.crm.contacts.basicApi.update(found.id, { properties: { jobtitle: 'Keeper of the Looms' } })
  const fromThere = changes(page).getByRole('listitem').filter({ hasText: 'Keeper of the Looms' })
  await fromThere.waitFor()
  expect(await fromThere.locator('del').innerText()).toBe(contact.title)
  await fromThere.getByText('Applied').waitFor()

  await acting.query('update contacts set title = $1 where id = $2', ['Keeper of the Keys', contact.id])
  const fromHere = changes(page).getByRole('listitem').filter({ hasText: 'Keeper of the Keys' })
  await fromHere.getByText(/^Delivered in /).waitFor()
  expect(await fromHere.locator('del').innerText()).toBe('Keeper of the Looms')

  await fromHere.getByRole('button').click()
  const panel = page.getByRole('complementary', { name: 'Change' })
  await panel.getByText('Life of this record').waitFor()
  await panel.getByRole('listitem').nth(1).waitFor()
})

it('an operator sees every organization', async () => {
  const page = await open()
  await page.getByRole('button', { name: /operator key/ }).click()
  await page.getByLabel('Operator key').fill(stack.ready.operatorKey)
  await page.keyboard.press('Enter')
  for (const name of ['Acme Robotics', 'Birch Health', 'Cedar Freight'])
    await page.getByRole('row').filter({ hasText: name }).getByText('Live', { exact: true }).waitFor()
  expect(await page.getByRole('row').count()).toBe(4)
})

it('an operator bounds a plan and one organization, and sees what holds and which column is which field', async () => {
  const page = await open()
  await page.getByRole('button', { name: /operator key/ }).click()
  await page.getByLabel('Operator key').fill(stack.ready.operatorKey)
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'Plans' }).click()
  await page.getByRole('button', { name: 'Change Team' }).click()
  await page.getByRole('form', { name: 'Plan team' }).getByLabel('Longest statement, ms').fill('60000')
  await page.keyboard.press('Enter')
  await page.getByRole('listitem').filter({ hasText: 'Team' }).getByText('statements up to 1 min.').waitFor()

  await page.goto(`/organizations/${acme().id}?tab=load`)
  const limits = page.getByRole('region', { name: 'Plan and limits' })
  await limits.getByRole('button', { name: 'Set limits of its own' }).click()
  await limits.getByLabel('Transactions at a time').fill('7')
  await page.keyboard.press('Enter')
  const limit = (name: string) => limits.getByRole('row').filter({ hasText: name }).getByRole('cell')
  await limit('Transactions at a time').getByText('its own').waitFor()
  expect(await limit('Transactions at a time').allInnerTexts()).toEqual(['7', 'its own'])
  expect(await limit('Longest statement').allInnerTexts()).toEqual(['1 min', 'its plan'])
  const { rows } = await rowhouse
    .as({ organizationId: acme().id, userId: acme().ownerId })
    .query("select current_setting('statement_timeout') as timeout")
  expect(rows).toEqual([{ timeout: '1min' }])

  await page.goto(`/organizations/${acme().id}`)
  await page.getByRole('button', { name: 'Fields of contact' }).click()
  await page.getByRole('row', { name: 'title jobtitle' }).waitFor()
})

it('a new organization connects its CRM on the CRM’s own page, and hears of a refusal', async () => {
  const { api, operatorKey } = stack.ready
  const control = createClient({ baseUrl: api, headers: { authorization: `Bearer ${operatorKey}` } })
  const created = await control.createOrganization({ body: { slug: 'dune', name: 'Dune Instruments' } })
  const page = await open()
  await page.getByRole('button', { name: /operator key/ }).click()
  await page.getByLabel('Operator key').fill(operatorKey)
  await page.keyboard.press('Enter')
  await page.getByRole('row').filter({ hasText: 'Dune Instruments' }).waitFor()
  await page.goto(`/organizations/${created.id}`)
  await page.getByText('No CRM is connected.').waitFor()

  await page.getByRole('button', { name: 'Connect HubSpot' }).click()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('alert').getByText('oauth_consent_refused').waitFor()

  await page.getByRole('button', { name: 'Connect HubSpot' }).click()
  await page.getByRole('button', { name: 'Connect app' }).click()
  await page.getByText('Connected. Its records are being read now.').waitFor()
  await page.getByRole('button', { name: 'Pause syncing' }).waitFor()
  const { items } = await control.listConnections({ params: { organizationId: created.id } })
  expect(items).toMatchObject([{ connector: 'hubspot' }])
})

it('a new organization connects a NetSuite account, which it chooses at NetSuite, and has its records', async () => {
  const { api, operatorKey } = stack.ready
  const control = createClient({ baseUrl: api, headers: { authorization: `Bearer ${operatorKey}` } })
  const created = await control.createOrganization({ body: { slug: 'elbe', name: 'Elbe Optics' } })
  const page = await open()
  await page.getByRole('button', { name: /operator key/ }).click()
  await page.getByLabel('Operator key').fill(operatorKey)
  await page.keyboard.press('Enter')
  await page.getByRole('row').filter({ hasText: 'Elbe Optics' }).waitFor()
  await page.goto(`/organizations/${created.id}`)
  await page.getByRole('button', { name: 'Connect NetSuite' }).click()
  await page.getByRole('button', { name: 'Connect app' }).click()
  await page.getByText('Connected. Its records are being read now.').waitFor()
  const params = { organizationId: created.id }
  await expect
    .poll(async () => (await control.listConnections({ params })).items)
    .toMatchObject([{ connector: 'netsuite', account: 'TSTDRV1000000', state: 'live' }])
})
