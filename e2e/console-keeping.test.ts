// The console on the running product, in a real browser: an organization's log and what is brought back from it, how long it is
// kept, an organization that is closed and opened again, and the fields of a connection.
import { readFile, rm } from 'node:fs/promises'
import { createClient } from '@rowhouse/client'
import type { Client } from '@rowhouse/client'
import type { AuditLine } from '@rowhouse/contracts'
import type { Browser, Page } from 'playwright-core'
import { createRowhouse } from 'rowhouse'
import type { Organization, Rowhouse } from 'rowhouse'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { launchBrowser } from '../packages/console/dev/browser.ts'
import { eventually, startStack } from './processes.ts'
import type { Stack } from './processes.ts'

let stack: Stack
let rowhouse: Rowhouse
let browser: Browser
let api: Client
let acme: Stack['ready']['organizations'][number]
let asOwner: Organization
const pages: Page[] = []

beforeAll(async () => {
  stack = await startStack()
  const { ready } = stack
  rowhouse = createRowhouse({ url: ready.databaseUrl, signingKey: ready.signingKey })
  api = createClient({ baseUrl: ready.api, headers: { authorization: `Bearer ${ready.operatorKey}` } })
  acme = ready.organizations.find(({ slug }) => slug === 'acme') as typeof acme
  asOwner = rowhouse.as({ organizationId: acme.id, userId: acme.ownerId })
  browser = await launchBrowser()
})
afterEach(async () => {
  for (const page of pages.splice(0)) await page.context().close()
})
afterAll(async () => {
  await browser?.close()
  await rowhouse?.close()
  await stack?.stop()
  if (stack !== undefined) await rm(stack.dataDir, { recursive: true, force: true })
})

async function begin(): Promise<Page> {
  const context = await browser.newContext({ baseURL: stack.ready.console, viewport: { width: 1440, height: 900 } })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  pages.push(page)
  await page.goto('/')
  return page
}

/** Ada owns Acme. */
async function asAda(): Promise<Page> {
  const page = await begin()
  await page.getByRole('link', { name: 'Continue with the sign-in of this computer' }).click()
  await page.getByRole('button', { name: /Ada Okafor/ }).click()
  await page.waitForURL(/\/organizations\//)
  return page
}

async function asOperator(): Promise<Page> {
  const page = await begin()
  await page.getByRole('button', { name: /operator key/ }).click()
  await page.getByLabel('Operator key').fill(stack.ready.operatorKey)
  await page.keyboard.press('Enter')
  await page.getByRole('row').nth(1).waitFor()
  return page
}

it('an owner finds who deleted a record, brings it back, and takes its lines along as a file', async () => {
  const { rows } = await asOwner.query(
    "insert into contacts (first_name, last_name, email) values ('Hedy', 'Lamarr', 'hedy@example.com') returning id",
  )
  const { id } = rows[0] as { id: string }
  await asOwner.query('update contacts set title = $2 where id = $1', [id, 'Inventor'])
  await asOwner.query('delete from contacts where id = $1', [id])

  const page = await asAda()
  await page.getByRole('link', { name: 'Log', exact: true }).click()
  await page.getByLabel('Record id').fill(id)
  await page.getByLabel('Record id').press('Enter')
  await page.getByLabel('What', { exact: true }).selectOption('Deleted')
  const line = page.getByRole('list', { name: 'Lines of the log, newest first' }).getByRole('listitem')
  await line.getByText('Ada Okafor').waitFor()
  await line.getByRole('button', { name: 'Hedy Lamarr' }).click()
  const panel = page.getByRole('complementary', { name: 'Line of the log' })
  await panel.getByRole('button', { name: 'Bring it back' }).click()
  await panel.getByRole('group').getByRole('button', { name: 'Bring it back' }).click()
  await panel.getByText('It is back, as it was.').waitFor()
  expect((await asOwner.query('select first_name, title from contacts where id = $1', [id])).rows).toEqual([
    { first_name: 'Hedy', title: 'Inventor' },
  ])
  await panel.getByRole('button', { name: 'Close' }).click()

  await page.getByLabel('What', { exact: true }).selectOption('Anything')
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'JSON lines' }).click()
  const file = await download
  expect(file.suggestedFilename()).toBe('acme-change-log.jsonl')
  const text = await readFile(await file.path(), 'utf8')
  const lines = text
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one) as AuditLine)
  expect(lines.map(({ action }) => action).slice(-4)).toEqual(['insert', 'delete', 'update', 'insert'])
  expect(new Set(lines.map(({ recordId }) => recordId))).toEqual(new Set([id]))
})

it('an owner keeps the log for another time, after reading what that drops', async () => {
  const page = await asAda()
  await page.getByRole('link', { name: 'Settings', exact: true }).click()
  const retention = page.getByRole('region', { name: 'Retention of the log' })
  await retention.getByText('for ever').first().waitFor()
  await retention.getByRole('button', { name: 'Keep it for another time' }).click()
  await retention.getByLabel('For so many days').check()
  await retention.getByLabel('Days', { exact: true }).fill('90')
  await page.keyboard.press('Enter')
  await retention.getByText('No line is older than that now; each goes when it becomes so.').waitFor()
  await retention.getByRole('button', { name: 'Keep it so' }).click()
  await retention.getByText('by a choice of its own.').waitFor()
  const params = { organizationId: acme.id }
  expect(await api.getRetention({ params })).toMatchObject({ days: 90, source: 'organization' })
  // What only operators decide is not offered.
  expect(await page.getByRole('region', { name: 'Suspension' }).count()).toBe(0)
})

it('an operator closes an organization by its slug and opens it again; nobody of it gets in meanwhile', async () => {
  const page = await asOperator()
  await page.goto(`/organizations/${acme.id}?tab=settings`)
  const suspension = page.getByRole('region', { name: 'Suspension' })
  await suspension.getByRole('button', { name: 'Suspend this organization' }).click()
  await suspension.getByLabel('Type acme to confirm').fill('acme')
  await page.keyboard.press('Enter')
  await suspension.getByRole('button', { name: 'Resume this organization' }).waitFor()
  await expect(asOwner.query('select 1')).rejects.toMatchObject({ code: 'organization_suspended' })
  const ada = await asAda()
  await ada.getByRole('heading', { level: 1, name: 'This organization is suspended.' }).waitFor()

  await suspension.getByRole('button', { name: 'Resume this organization' }).click()
  await suspension.getByRole('button', { name: 'Suspend this organization' }).waitFor()
  expect((await asOwner.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  await ada.reload()
  await ada.getByRole('heading', { level: 1, name: 'Acme Robotics' }).waitFor()
})

it('whoever manages connections chooses other fields while syncing rests, and takes it back', async () => {
  const params = { organizationId: acme.id, connectionId: acme.connection.id }
  await eventually(
    () => api.getConnection({ params }),
    ({ state }) => state === 'live',
    { what: 'the connection live' },
  )
  const before = await api.getMapping({ params })
  const columns = async (): Promise<string[]> =>
    (await api.getMapping({ params })).objects
      .flatMap(({ object, fields }) => (object === 'contact' ? fields : []))
      .map(({ column }) => column)
  expect(await columns()).toContain('title')

  const page = await asAda()
  await page.getByRole('button', { name: 'Fields of contact' }).click()
  await page.getByText('Pause syncing, and you can choose others.').waitFor()
  await page.getByRole('button', { name: 'Pause syncing' }).click()
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  await page.getByRole('button', { name: 'Choose other fields' }).click()
  const panel = page.getByRole('complementary', { name: 'Fields of contact' })
  // As HubSpot and the database have them.
  await panel.getByLabel('Field of email').waitFor()
  expect(await panel.getByLabel('Column of email').locator('option').allInnerTexts()).toContain('email (text)')
  await panel.getByRole('button', { name: 'Take out title' }).click()
  await panel.getByRole('button', { name: 'See what it does' }).click()
  await panel.getByText('Synced no more: title ↔ jobtitle.').waitFor()
  // A worker may still be finishing what it had begun.
  const set = panel.getByRole('button', { name: 'Set the fields' })
  await expect
    .poll(async () => {
      // One that rests, or is gone, is not waited for.
      await set.evaluateAll((buttons) => buttons.forEach((button) => (button as unknown as { click(): void }).click()))
      return panel.getByText('The fields are set.').isVisible()
    })
    .toBe(true)
  expect(await columns()).not.toContain('title')
  await panel.getByRole('button', { name: 'Take it back' }).click()
  await panel.waitFor({ state: 'detached' })
  expect((await api.getMapping({ params })).objects).toEqual(before.objects)
  await page.getByRole('button', { name: 'Resume syncing' }).click()
  await page.getByRole('button', { name: 'Pause syncing' }).waitFor()
})
