// Choosing the fields of a connection in a real browser, over the fixture API.
import type { Page } from 'playwright-core'
import { expect, it, vi } from 'vitest'
import { person } from '../../dev/fixture-server.ts'
import type { FixtureOptions } from '../../dev/fixture-server.ts'
import { uuid } from '../../dev/fixtures.ts'
import { useConsole } from '../test-console.ts'
import { faultsOf } from '../test-faults.ts'
import { faultsOfLooks } from '../test-looks.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const { visit } = useConsole()
const acme = `/organizations/${uuid(0xa, 0)}`
const panel = (page: Page) => page.getByRole('complementary', { name: 'Fields of contact' })
const puts = (requests: readonly string[]) => requests.filter((request) => request.startsWith('PUT'))

/** Pauses the connection and opens the fields of its contacts. */
async function edit(options: FixtureOptions = {}, width = 1440) {
  const visited = await visit(acme, options, { width })
  const { page } = visited
  await page.getByRole('button', { name: 'Pause syncing' }).click()
  await page.getByRole('button', { name: 'Pause', exact: true }).click()
  await page.getByRole('button', { name: 'Resume syncing' }).waitFor()
  const more = page.getByRole('button', { name: 'Records, budget and access' })
  if (width < 600) await more.click()
  await page.getByRole('button', { name: 'Fields of contact' }).click()
  await page.getByRole('button', { name: 'Choose other fields' }).click()
  await panel(page).getByRole('form', { name: 'Fields of contact' }).waitFor()
  return visited
}

it('says at its row what is wrong, then what the choice does, sets it, and takes it back', async () => {
  const { page, fixture } = await edit()
  const see = panel(page).getByRole('button', { name: 'See what it does' })
  expect(await see.isDisabled()).toBe(true)
  await panel(page).getByRole('button', { name: 'Add a field' }).click()
  await see.click()
  await panel(page).getByText('Choose a column.').waitFor()
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Column of a new row')
  await panel(page).getByLabel('Column of a new row').selectOption('created_at')
  await panel(page).getByLabel('Field of created_at').selectOption('score')
  await panel(page).getByText('Score of the lead holds values of the kind number, which created_at').waitFor()
  expect(await faultsOf(page)).toEqual([])
  await panel(page).getByLabel('Field of created_at').selectOption('lastmodifieddate')
  await panel(page).getByText('Only HubSpot writes it: it comes from there and is never sent.').waitFor()
  await panel(page).getByRole('button', { name: 'Take out last_name' }).click()
  await panel(page).getByRole('checkbox', { name: 'Match by first_name' }).check()
  await see.click()
  const question = panel(page).getByRole('group', { name: 'Sync contact by these fields?' })
  await question.getByText('Synced from now on: created_at ↔ lastmodifieddate.').waitFor()
  await question.getByText('Synced no more: last_name ↔ lastname. Values stay on both sides as they are.').waitFor()
  await question.getByText('matched by email, then first_name.').waitFor()
  await page.keyboard.press('Escape')
  await see.waitFor()
  expect(puts(fixture.requests)).toEqual([])

  await see.click()
  fixture.fail('setMapping', 'mapping_changed')
  await question.getByRole('button', { name: 'Set the fields' }).click()
  await question.getByRole('alert').getByText('mapping_changed').waitFor()
  fixture.fail('setMapping', null)
  await question.getByRole('button', { name: 'Set the fields' }).click()
  await panel(page).getByText('The fields are set.').waitFor()
  const fields = page.getByRole('table', { name: '5 columns of contact' })
  await fields.getByRole('row', { name: 'created_at lastmodifieddate' }).waitFor()
  await panel(page).getByRole('button', { name: 'Take it back' }).click()
  await panel(page).waitFor({ state: 'detached' })
  await fields.getByRole('row', { name: 'last_name lastname' }).waitFor()
  expect(await fields.getByRole('row', { name: /created_at/ }).count()).toBe(0)
  expect(puts(fixture.requests)).toHaveLength(3)
})

it('is offered while the connection is paused, to who manages connections, and says what the CRM answers', async () => {
  const viewer = await visit(acme, { me: person('viewer') })
  await viewer.page.getByRole('button', { name: 'Fields of contact' }).click()
  await viewer.page.getByRole('table', { name: '5 columns of contact' }).waitFor()
  expect(await viewer.page.getByText(/Choose other fields|Pause syncing/).count()).toBe(0)
  const live = await visit(acme, { me: person('admin') })
  await live.page.getByRole('button', { name: 'Fields of contact' }).click()
  await live.page.getByText('Pause syncing, and you can choose others.').waitFor()
  expect(live.fixture.requests.filter((request) => request.includes('remote-schemas'))).toEqual([])

  const { page, fixture } = await visit(`/organizations/${uuid(0xa, 4)}`)
  const release = fixture.hold('getRemoteSchema')
  await page.getByRole('button', { name: 'Fields of contact' }).click()
  await page.getByRole('button', { name: 'Choose other fields' }).press('Enter')
  await page.getByRole('status', { name: /^Reading what/ }).waitFor()
  fixture.fail('getRemoteSchema', 'credentials_refused')
  release()
  await panel(page).getByRole('alert').getByText('credentials_refused').waitFor()
  await page.keyboard.press('Escape')
  await panel(page).waitFor({ state: 'detached' })
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Choose other fields')
})

it.each([1440, 390])('has nothing that axe finds wrong and fits, in light and dark at %d px', async (width) => {
  const { page } = await edit({}, width)
  expect(await faultsOfLooks(page)).toEqual([])
})
