// The log in a real browser, over the fixture API: narrowed, opened, brought back.
import type { Page } from 'playwright-core'
import { expect, it, vi } from 'vitest'
import { nextActivity, person } from '../../dev/fixture-server.ts'
import { uuid } from '../../dev/fixtures.ts'
import { blockedRecordId } from '../../dev/log.ts'
import { useConsole } from '../test-console.ts'
import { faultsOf } from '../test-faults.ts'
import { faultsOfLooks } from '../test-looks.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const { visit, begin, open } = useConsole()
const log = `/organizations/${uuid(0xa, 0)}?tab=log`
const lines = (page: Page) => page.getByRole('list', { name: 'Lines of the log, newest first' }).getByRole('listitem')
const panel = (page: Page) => page.getByRole('complementary', { name: 'Line of the log' })
const asked = (requests: readonly string[]) => requests.filter((request) => request.includes('/audit-log?'))

it('lists who did what, page by page, and is narrowed by table, record, who, what and when, in the URL', async () => {
  const { page, fixture } = await visit(log)
  await lines(page).nth(49).waitFor()
  expect(await lines(page).count()).toBe(50)
  await page.getByRole('button', { name: 'Read older lines' }).click()
  await lines(page).nth(99).waitFor()
  expect(asked(fixture.requests).at(-1)).toContain('before=351')

  await page.getByLabel('Table', { exact: true }).fill('contacts')
  await page.getByLabel('Table', { exact: true }).press('Enter')
  await page.waitForURL(/table=contacts/)
  await page.getByLabel('Who', { exact: true }).fill('Ada Lovelace')
  await page.waitForURL(new RegExp(`actor=${uuid(0xe, 1)}`))
  await page.getByLabel('What', { exact: true }).selectOption('Deleted')
  await page.waitForURL(/action=delete/)
  await expect.poll(() => lines(page).count()).toBeLessThan(20)
  expect(await lines(page).first().innerText()).toMatch(/Ada Lovelace[\s\S]*Mary Jackson[\s\S]*Deleted · contacts/)
  await page.getByLabel('Record id').fill(blockedRecordId)
  await page.getByLabel('Record id').press('Enter')
  await expect.poll(() => lines(page).count()).toBe(1)
  await page.getByLabel('From', { exact: true }).fill('2026-03-10T11:00')
  await page.getByLabel('Before').fill('2026-03-10T11:30')
  await page.waitForURL(/to=2026-03-10T11/)
  await page.getByText('No line matches these filters.').waitFor()
  expect(asked(fixture.requests).at(-1)).toContain('from=2026-03-10T11%3A00%3A00.000Z')
  const csv = await page.getByRole('link', { name: 'CSV' }).getAttribute('href')
  expect(csv).toContain('/audit-log/export?format=csv&table=contacts&recordId=')
  await page.getByRole('button', { name: 'Clear the filters' }).first().click()
  await lines(page).nth(49).waitFor()
  expect(new URL(page.url()).search).toBe('?tab=log')
})

it('opens a line by key with all that is known of it, and leads to what else the same one did', async () => {
  const { page } = await visit(log)
  await lines(page).first().waitFor()
  for (const key of ['j', 'j', 'k', 'Enter']) await page.keyboard.press(key)
  await page.waitForURL(/change=400/)
  await panel(page).getByRole('heading', { name: 'Life of this record' }).waitFor()
  await page.keyboard.press('j')
  await page.waitForURL(/change=399/)
  await page.keyboard.press('Escape')
  await panel(page).waitFor({ state: 'detached' })

  await page.goto(`${log}&change=394`)
  await panel(page).getByRole('row', { name: 'title Computer Mathematician' }).waitFor()
  await panel(page).getByText('203.0.113.7').waitFor()
  await panel(page).getByRole('button', { name: 'Show only what Ada Lovelace did' }).click()
  await page.waitForURL((url) => url.searchParams.get('actor') === uuid(0xe, 1))
  await panel(page).getByRole('button', { name: 'Show only this record' }).click()
  await expect.poll(() => lines(page).count()).toBe(3)
})

it('holds new lines back until they are asked for', async () => {
  const { page, fixture } = await visit(log)
  await lines(page).first().waitFor()
  await page.getByText('Live', { exact: true }).first().waitFor()
  const reads = asked(fixture.requests).length
  fixture.emit({ type: 'activity', organizationId: uuid(0xa, 0), items: [nextActivity(0, 1), nextActivity(0, 2)] })
  await page.getByRole('button', { name: '2 new lines' }).click()
  await expect.poll(() => asked(fixture.requests).length).toBe(reads + 1)
})

it('brings a deleted record back after saying what that does, and says what could not come', async () => {
  const { page, fixture } = await visit(`${log}&change=398`)
  const life = panel(page).getByRole('list', { name: 'Life of this record' }).getByRole('listitem')
  await life.nth(2).waitFor()
  expect(await life.allInnerTexts()).toEqual([
    expect.stringContaining('Deleted'),
    expect.stringContaining('title'),
    expect.stringContaining('Created'),
  ])
  await panel(page).getByRole('button', { name: 'Bring it back' }).click()
  const question = panel(page).getByRole('group', { name: 'Bring Katherine Johnson back?' })
  await question.getByText('HubSpot hears of it as of any new record.').waitFor()
  expect(await faultsOf(page)).toEqual([])
  await page.keyboard.press('Escape')
  await question.waitFor({ state: 'detached' })
  expect(fixture.requests.filter((request) => request.startsWith('POST'))).toEqual([])
  await panel(page).getByRole('button', { name: 'Bring it back' }).click()
  await question.getByRole('button', { name: 'Bring it back' }).click()
  await panel(page).getByText('It is back, without these:').waitFor()
  await panel(page).getByText('its values are hidden from the change log').waitFor()
  await life.nth(3).waitFor()
  expect(fixture.requests).toContain(
    `POST /v1/organizations/${uuid(0xa, 0)}/records/public.contacts/${uuid(0xd, 20)}/undelete`,
  )
})

it('says what stands in a record’s way, and asks nobody who may not write', async () => {
  const { page } = await visit(`${log}&change=399`)
  await panel(page).getByRole('button', { name: 'Bring it back' }).click()
  await panel(page).getByRole('group').getByRole('button', { name: 'Bring it back' }).click()
  await panel(page).getByRole('alert').getByText('undelete_conflict').waitFor()
  await panel(page).getByText('Change or delete that row first.').waitFor()

  const viewer = await visit(`${log}&change=399`, { me: person('viewer') })
  await panel(viewer.page).getByText('Who may write data can bring it back.').waitFor()
  expect(await viewer.page.getByRole('button', { name: 'Bring it back' }).count()).toBe(0)
})

it('teaches where nothing is there, says why it cannot be read, and what is older than the log', async () => {
  const { page } = await visit(log, { log: 'empty' })
  await page.getByText('rowhouse audit verify --organization acme-freight').waitFor()
  const failing = await begin()
  failing.fail('listAuditLog', 'permission_denied')
  const broken = await open(failing, log)
  await broken.getByRole('alert').getByText('permission_denied').waitFor()
  failing.fail('listAuditLog', null)
  await broken.getByRole('button', { name: 'Try again' }).click()
  await lines(broken).first().waitFor()
  await broken.goto(`${log}&change=9000`)
  await broken.getByText('This line is not in the log').waitFor()
  expect(await lines(broken).count()).toBeGreaterThan(0)
})

it.each([1440, 390])('has nothing that axe finds wrong and fits, in light and dark at %d px', async (width) => {
  for (const [path, options] of [
    [log, {}],
    [`${log}&change=398`, {}],
    [log, { log: 'empty' }],
  ] as const) {
    const { page } = await visit(path, options, { width })
    await page.getByRole('heading', { level: 1, name: 'Acme Freight' }).waitFor()
    expect(await faultsOfLooks(page)).toEqual([])
  }
})
