// What is decided about an organization as a whole, in a real browser, over the fixture API.
import type { Page } from 'playwright-core'
import { expect, it, vi } from 'vitest'
import { person } from '../../dev/fixture-server.ts'
import { uuid } from '../../dev/fixtures.ts'
import { useConsole } from '../test-console.ts'
import { faultsOf } from '../test-faults.ts'
import { faultsOfLooks } from '../test-looks.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const { visit } = useConsole()
const settings = (index = 0): string => `/organizations/${uuid(0xa, index)}?tab=settings`
const part = (page: Page, name: string) => page.getByRole('region', { name })
const changing = (requests: readonly string[]) => requests.filter((request) => !request.startsWith('GET'))

it('suspends an organization once its slug is typed, says what stops, and opens it again', async () => {
  const { page, fixture } = await visit(settings())
  const suspension = part(page, 'Suspension')
  await suspension.getByRole('button', { name: 'Suspend this organization' }).click()
  const question = suspension.getByRole('group', { name: 'Suspend Acme Freight?' })
  await question.getByText('Operators still get in. Other organizations notice nothing.').waitFor()
  const yes = question.getByRole('button', { name: 'Suspend it' })
  expect(await yes.isDisabled()).toBe(true)
  await question.getByLabel('Type acme-freight to confirm').fill('acme')
  await page.keyboard.press('Enter')
  expect(await yes.isDisabled()).toBe(true)
  expect(await faultsOf(page)).toEqual([])
  await page.keyboard.press('Escape')
  await question.waitFor({ state: 'detached' })
  expect(changing(fixture.requests)).toEqual([])

  fixture.fail('suspendOrganization', 'organization_busy')
  await suspension.getByRole('button', { name: 'Suspend this organization' }).click()
  await question.getByLabel('Type acme-freight to confirm').fill('acme-freight')
  await page.keyboard.press('Enter')
  await question.getByRole('alert').getByText('organization_busy').waitFor()
  fixture.fail('suspendOrganization', null)
  await yes.click()
  await page
    .getByRole('banner')
    .or(page.getByRole('main'))
    .getByText('Suspended: every request is refused')
    .first()
    .waitFor()
  expect(await faultsOf(page)).toEqual([])
  await suspension.getByRole('button', { name: 'Resume this organization' }).click()
  await suspension.getByRole('button', { name: 'Suspend this organization' }).waitFor()
  expect(await page.getByText('Suspended: every request is refused').count()).toBe(0)
})

it('tells members of a suspended organization what is so, and offers suspending to operators alone', async () => {
  const { page, fixture } = await visit(settings(), { me: person('admin') })
  await part(page, 'Retention of the log').waitFor()
  expect(await part(page, 'Suspension').count()).toBe(0)
  expect(await part(page, 'Home').count()).toBe(0)
  expect(fixture.requests.filter((request) => request.includes('placement'))).toEqual([])
  fixture.fail('getOrganization', 'organization_suspended')
  await page.reload()
  await page.getByRole('heading', { level: 1, name: 'This organization is suspended.' }).waitFor()
  expect(await faultsOf(page)).toEqual([])
})

it('keeps the log for another time once it is counted and said what goes', async () => {
  const { page, fixture } = await visit(settings(), { me: person('admin') })
  const kept = part(page, 'Retention of the log')
  await kept.getByText('for 400 days').waitFor()
  await kept.getByRole('button', { name: 'Keep it for another time' }).click()
  const form = kept.getByRole('form', { name: 'How long the log is kept' })
  expect(await form.getByRole('button', { name: 'See what it does' }).isDisabled()).toBe(true)
  await form.getByLabel('For so many days').check()
  await form.getByLabel('Days', { exact: true }).fill('7')
  await page.keyboard.press('Enter')
  await form.getByText('A whole number of days, from 30 to 36,500.').waitFor()
  expect(await faultsOf(page)).toEqual([])
  await form.getByLabel('Days', { exact: true }).fill('240')
  await page.keyboard.press('Enter')
  const question = kept.getByRole('group', { name: 'Keep the log of Acme Freight for 240 days?' })
  await question
    .getByText(/^12,000 lines go within about a day: all from before 13 Jul 2025, written from 3 Jul 2025 on\.$/)
    .waitFor()
  expect(changing(fixture.requests)).toEqual([])
  expect(await faultsOf(page)).toEqual([])
  await question.getByRole('button', { name: 'Keep it so, and drop them' }).click()
  await kept.getByText('by a choice of its own.').waitFor()
  await kept.getByText('Its plan free says for 400 days.').waitFor()

  await kept.getByRole('button', { name: 'Keep it for another time' }).click()
  await form.getByLabel('As the plan free says: for 400 days').check()
  await form.getByRole('button', { name: 'See what it does' }).click()
  await kept.getByText('No line goes that is here now.').waitFor()
  fixture.fail('setRetention', 'copy_refused')
  await kept.getByRole('button', { name: 'Keep it so' }).click()
  await kept.getByRole('alert').getByText('copy_refused').waitFor()
  fixture.fail('setRetention', null)
  await kept.getByRole('button', { name: 'Keep it so' }).click()
  await kept.getByText('as the plan free says.').waitFor()
})

it('says that what goes could not be counted, and is only read by who may not manage', async () => {
  const { page, fixture } = await visit(settings())
  fixture.fail('previewRetention', 'permission_denied')
  const kept = part(page, 'Retention of the log')
  await kept.getByRole('button', { name: 'Keep it for another time' }).click()
  await kept.getByLabel('For so many days').check()
  await kept.getByLabel('Days', { exact: true }).fill('30')
  await page.keyboard.press('Enter')
  await kept.getByText('How many lines go could not be counted').waitFor()
  await kept.getByRole('alert').getByText('permission_denied').waitFor()
  const viewer = await visit(settings(), { me: person('viewer') })
  await part(viewer.page, 'Retention of the log').getByText('for 400 days').waitFor()
  expect(await viewer.page.getByRole('button', { name: 'Keep it for another time' }).count()).toBe(0)
})

it('shows an organization’s home beside the one that is wanted', async () => {
  const { page } = await visit(settings(1))
  const home = part(page, 'Home')
  await home.getByText('Wanted elsewhere').waitFor()
  await home.getByRole('row', { name: /^Isolation .*Shared .*Database$/ }).waitFor()
  await home.getByRole('row', { name: 'Cluster main the same' }).waitFor()
  const agreed = await visit(settings(0))
  await part(agreed.page, 'Home').getByText('Where it is wanted').waitFor()
  agreed.fixture.fail('getPlacement', 'database_unreachable')
  await agreed.page.reload()
  await part(agreed.page, 'Home').getByRole('alert').getByText('database_unreachable').waitFor()
  expect(await part(agreed.page, 'Home').getByRole('table').count()).toBe(0)
})

it.each([1440, 390])('has nothing that axe finds wrong and fits, in light and dark at %d px', async (width) => {
  const { page } = await visit(settings(1), {}, { width })
  await part(page, 'Suspension').waitFor()
  expect(await faultsOfLooks(page)).toEqual([])
})
