// The console in a real browser, over the fixture API: what a person does. What axe finds is beside it, in accessibility.test.ts.
// Long because one browser serves all of it.
import type { Rollout } from '@rowhouse/contracts'
import type { Page } from 'playwright-core'
import { describe, expect, it, vi } from 'vitest'
import { fixtureOperatorKey, nextActivity, person } from '../dev/fixture-server.ts'
import { alertOf } from '../dev/measures.ts'
import { connectionOf, detailOf, organizationOf, uuid } from '../dev/fixtures.ts'
import { useConsole } from './test-console.ts'
import { faultsOf } from './test-faults.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const { visit, begin, open } = useConsole()
const acme = `/organizations/${uuid(0xa, 0)}`
const row = (page: Page, name: string) =>
  page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) })
const palette = (page: Page) => page.getByPlaceholder('An organization, a page, an action')
const changes = (page: Page) => page.getByRole('list', { name: 'Changes, newest first' })

describe('signing in', () => {
  it('leads to where one wanted to go, and says what is wrong with a key', async () => {
    const { page, fixture } = await visit(`${acme}?tab=members`, { me: null })
    await page.waitForURL(/\/sign-in\?returnTo=/)
    await page.getByRole('button', { name: /operator key/ }).click()
    await page.getByLabel('Operator key').fill('not the key')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('operator_key_wrong').waitFor()
    await page.getByLabel('Operator key').fill(fixtureOperatorKey)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${fixture.url}${acme}?tab=members`)
    await page.getByRole('heading', { name: 'Acme Freight' }).waitFor()
  })

  it('is one click where a development stack prints the key in an address, and leaves it nowhere', async () => {
    const { page } = await visit(`/sign-in#key=${fixtureOperatorKey}`, { me: null })
    await page.getByRole('table').waitFor()
    expect(page.url()).not.toContain('key')
    const wrong = await visit('/sign-in#key=wrong', { me: null })
    await wrong.page.getByRole('alert').getByText('operator_key_wrong').waitFor()
    expect(wrong.page.url()).not.toContain('key')
  })

  it('goes through the identity provider, and lands a person on their only organization', async () => {
    const { page, fixture } = await visit('/', { me: null })
    await page.getByRole('link', { name: 'Continue with Example SSO' }).click()
    await page.waitForURL(`${fixture.url}${acme}`)
    await page.getByRole('button', { name: 'Pause syncing' }).waitFor()
  })

  it('never returns to another origin', async () => {
    const { page, fixture } = await visit('/sign-in?returnTo=//evil.example/', { me: null, identityProvider: false })
    await page.getByLabel('Operator key').fill(fixtureOperatorKey)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${fixture.url}/`)
  })

  it('signs out, and a session that ends elsewhere leads to the sign-in page', async () => {
    const { page, fixture } = await visit('/')
    await page.getByRole('button', { name: /theme and sign out/ }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.waitForURL(/\/sign-in$/)
    const second = await visit('/')
    await row(second.page, 'Acme Freight').waitFor()
    second.fixture.fail('getOrganization', 'unauthenticated')
    await second.page.getByRole('link', { name: 'Acme Freight', exact: true }).click()
    await second.page.waitForURL(/\/sign-in\?returnTo=/)
    expect(fixture.requests).toContain('DELETE /v1/session')
  })
})

describe('organizations', () => {
  it('patches a row in place when something changes', async () => {
    const { page, fixture } = await visit('/')
    await page.getByText('Live', { exact: true }).first().waitFor()
    await row(page, 'Acme Freight').getByText('in step').waitFor()
    await row(page, 'Acme Freight').evaluate((element) => element.setAttribute('data-kept', ''))
    fixture.emit({ type: 'connection', connection: detailOf({ ...connectionOf(0, 'degraded'), lagMs: 94_000 }) })
    await row(page, 'Acme Freight').getByText('Degraded').waitFor()
    await row(page, 'Acme Freight').getByText('1 min 34 s').waitFor()
    await page.getByRole('heading', { name: '5 of 12 organizations need attention.' }).waitFor()
    expect(await row(page, 'Acme Freight').getAttribute('data-kept')).toBe('')
  })

  it('keeps search, filters and order in the URL, both ways', async () => {
    const { page } = await visit('/?show=attention&sort=-errors')
    await page.getByRole('row').nth(4).waitFor()
    expect(await page.getByRole('row').allInnerTexts()).toHaveLength(5)
    expect(await page.getByRole('row').nth(1).innerText()).toContain('Dunmore Legal')
    await page.getByRole('searchbox').fill('granary')
    await page.waitForURL(/q=granary/)
    await page.getByText('1 of 12').waitFor()
    await page.getByLabel('Isolation').selectOption('Database')
    await page.waitForURL(/isolation=database/)
    await page.getByText('No organization matches.').waitFor()
    await page.getByRole('button', { name: 'Clear the filters' }).click()
    await row(page, 'Juniper Travel').waitFor()
    await page.getByRole('columnheader', { name: 'Records' }).getByRole('button').click()
    await page.waitForURL(/sort=-records/)
  })

  it('moves with j and k, opens with enter, finds with a slash', async () => {
    const { page, fixture } = await visit('/')
    await row(page, 'Acme Freight').waitFor()
    for (const key of ['j', 'j', 'j', 'k']) await page.keyboard.press(key)
    expect(await row(page, 'Birch & Vale').getAttribute('aria-current')).toBe('true')
    await page.keyboard.press('Slash')
    await page.keyboard.type('jk')
    expect(await page.getByRole('searchbox').inputValue()).toBe('jk')
    await page.getByRole('searchbox').fill('')
    await page.keyboard.press('Escape')
    await row(page, 'Acme Freight').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => url.href.startsWith(`${fixture.url}/organizations/`))
  })

  it('holds ten thousand, with a few rows in the document', async () => {
    const { page } = await visit('/', { organizations: 10_000 })
    await page.getByText(/^10,000$/).waitFor()
    expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe('10001')
    expect(await page.getByRole('row').count()).toBeLessThan(80)
  })

  it('teaches when there are none, and says why when they cannot be read', async () => {
    const { page } = await visit('/', { organizations: 0 })
    await page.getByText('rowhouse org create').waitFor()
    const failing = await begin()
    failing.fail('listOrganizations', 'query_failed')
    const broken = await open(failing, '/')
    await broken.getByRole('alert').getByText('query_failed').waitFor()
    failing.fail('listOrganizations', null)
    await broken.getByRole('button', { name: 'Try again' }).click()
    await row(broken, 'Acme Freight').waitFor()
  })

  it('says when live changes stop, and catches up by itself', async () => {
    const { page, fixture } = await visit('/')
    await page.getByText('Live', { exact: true }).first().waitFor()
    fixture.cutStreams(true)
    await page.getByText('The connection to the server is lost.').waitFor()
    fixture.organizations[0] = { ...organizationOf(0), name: 'Acme Rail' }
    fixture.cutStreams(false)
    await row(page, 'Acme Rail').waitFor()
    await page.getByText('The connection to the server is lost.').waitFor({ state: 'detached' })
  })
})

describe('one organization', () => {
  it('shows a new change at once, holds it back while one has scrolled, and settles it in place', async () => {
    const { page, fixture } = await visit(acme)
    const organizationId = uuid(0xa, 0)
    await changes(page).getByRole('listitem').first().waitFor()
    await page.getByText('Live', { exact: true }).first().waitFor()
    const pending = {
      ...nextActivity(0, 1),
      label: 'Katherine Johnson',
      direction: 'outbound',
      status: 'pending',
      deliveredAt: null,
    } as const
    fixture.emit({ type: 'activity', organizationId, items: [pending] })
    const first = changes(page).getByRole('listitem').first()
    await first.getByText('Katherine Johnson').waitFor()
    await first.getByText('Pending').waitFor()
    fixture.emit({
      type: 'activity',
      organizationId,
      items: [{ ...pending, status: 'delivered', deliveredAt: new Date(Date.parse(pending.at) + 310).toISOString() }],
    })
    await first.getByText('Delivered in 310 ms').waitFor()
    await page.evaluate(() => window.scrollTo(0, 1200))
    fixture.emit({ type: 'activity', organizationId, items: [nextActivity(0, 2), nextActivity(0, 3)] })
    await page.getByRole('button', { name: '2 new changes' }).click()
    await page.getByRole('button', { name: /new change/ }).waitFor({ state: 'detached' })
    await changes(page).getByText('Katherine Johnson').waitFor()
  })

  it('filters by URL, opens a change beside it and shows the life of its record', async () => {
    const { page, fixture } = await visit(`${acme}?direction=inbound`)
    await changes(page).getByRole('listitem').first().waitFor()
    expect(await changes(page).getByText('Delivered').count()).toBe(0)
    await page.getByLabel('Direction').selectOption('To the CRM')
    await page.waitForURL(/direction=outbound/)
    await changes(page)
      .getByText(/Delivered in/)
      .first()
      .waitFor()
    await page.keyboard.press('Escape')
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/change=\d+/)
    const panel = page.getByRole('complementary', { name: 'Change' })
    await panel.getByRole('heading', { name: 'Life of this record' }).waitFor()
    await panel.getByRole('button', { name: 'Show only this record' }).click()
    await page.waitForURL(/record=/)
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    expect(fixture.requests.some((request) => /activity\?.*recordId=/.test(request))).toBe(true)
  })

  it('says what pausing does before it pauses, and resumes', async () => {
    const { page, fixture } = await visit(acme)
    await page.getByRole('button', { name: 'Pause syncing' }).click()
    await page.getByText('Other organizations notice nothing.').waitFor()
    expect(fixture.requests.filter((request) => request.startsWith('POST'))).toEqual([])
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByText('Paused', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Resume syncing' }).click()
    await page.getByRole('button', { name: 'Pause syncing' }).waitFor()
    fixture.fail('pauseConnection', 'connection_wrong_state')
    await page.getByRole('button', { name: 'Pause syncing' }).click()
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await page.getByText('connection_wrong_state').waitFor()
  })

  it('says what goes before a connection is removed, and removes it', async () => {
    const { page, fixture } = await visit(acme)
    await page.getByRole('button', { name: 'Remove this connection' }).click()
    const question = page.getByRole('group', { name: /^Remove HubSpot .* for good\?$/ })
    await question.getByRole('button', { name: 'Keep it' }).click()
    await page.getByRole('button', { name: 'Remove this connection' }).click()
    await question.getByRole('button', { name: 'Remove for good' }).click()
    await page.getByRole('heading', { name: 'No CRM is connected.' }).waitFor()
    expect(fixture.requests.filter((request) => request.startsWith('DELETE'))).toHaveLength(1)
  })

  it('replays a dead letter, and offers nothing that one may not do', async () => {
    const { page } = await visit(`/organizations/${uuid(0xa, 3)}?tab=dead-letters`)
    const letters = page.getByRole('list', { name: 'Dead letters' }).getByRole('listitem')
    await letters.nth(1).waitFor()
    await letters.first().getByRole('button', { name: 'Try again' }).click()
    await letters.nth(1).waitFor({ state: 'detached' })
    const viewer = await visit('/', { me: person('viewer') })
    await changes(viewer.page).getByRole('listitem').first().waitFor()
    expect(await viewer.page.getByRole('button', { name: /Pause|Resume|Try again/ }).count()).toBe(0)
  })

  it('offers what one was granted for a connection alone, and nothing of another one', async () => {
    const shown = uuid(0xc, 0)
    const granted = person('viewer')
    const withGrant = (connectionId: string) => ({
      me: {
        ...granted,
        memberships: granted.memberships.map((membership) => ({
          ...membership,
          permissions: [...membership.permissions, `connections.manage:${connectionId}`],
        })),
      },
    })
    const mine = await visit(acme, withGrant(shown))
    await mine.page.getByRole('button', { name: 'Pause syncing' }).waitFor()
    const others = await visit(acme, withGrant(uuid(0xc, 1)))
    await changes(others.page).getByRole('listitem').first().waitFor()
    expect(await others.page.getByRole('button', { name: /Pause|Resume|Connect/ }).count()).toBe(0)
  })

  it('shows who was granted a connection alone, grants it and takes it back; others see no buttons', async () => {
    const { page, fixture } = await visit(acme, { me: person('admin') })
    const granted = page.getByRole('list', { name: 'Granted for this connection' }).getByRole('listitem')
    await granted.getByText('Alan Turing').waitFor()
    expect(await granted.count()).toBe(2)
    await page.getByRole('button', { name: 'Grant access' }).click()
    const fields = page.getByRole('form', { name: 'Grant access to this connection' }).getByRole('combobox')
    await fields.first().selectOption({ label: 'Grace Hopper' })
    await fields.last().selectOption({ label: 'see it' })
    await page.getByRole('button', { name: 'Grant', exact: true }).click()
    await granted.getByText('Grace Hopper').waitFor()
    await page.getByRole('button', { name: 'Take back: Role seller manages it' }).click()
    await granted.getByText('Role seller').waitFor({ state: 'detached' })
    fixture.fail('revokeConnectionGrant', 'role_above_own')
    await page.getByRole('button', { name: 'Take back: Alan Turing sees it' }).click()
    await page.getByText('role_above_own').waitFor()
    const viewer = await visit(acme, { me: person('viewer') })
    await viewer.page.getByRole('list', { name: 'Granted for this connection' }).getByText('Alan Turing').waitFor()
    expect(await viewer.page.getByRole('button', { name: /Grant|Take back/ }).count()).toBe(0)
  })

  it('shows which column is which field, and by which of them records were matched', async () => {
    const { page, fixture } = await visit(acme, { me: person('viewer') })
    await page.getByRole('button', { name: 'Fields of contact' }).click()
    const fields = page.getByRole('table', { name: '5 columns of contact' })
    await fields.getByRole('row', { name: /^email ?, matched by email$/ }).waitFor()
    await fields.getByRole('row', { name: 'company_id reference company' }).waitFor()
    await page.getByRole('button', { name: 'Fields of contact' }).click()
    await fields.waitFor({ state: 'detached' })
    fixture.fail('getMapping', 'connection_not_found')
    await page.goto(`${acme}?tab=activity`)
    await page.getByRole('button', { name: 'Fields of company' }).click()
    await page.getByRole('alert').getByText('connection_not_found').waitFor()
  })

  it('is left by Escape where it asks, and has the focus where it was', async () => {
    const { page, fixture } = await visit(`${acme}?change=390`)
    const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '')
    for (const [button, open] of [
      ['Pause syncing', page.getByRole('group', { name: 'Pause syncing with HubSpot?' })],
      ['Remove this connection', page.getByRole('group', { name: /^Remove HubSpot/ })],
      ['Grant access', page.getByRole('form', { name: 'Grant access to this connection' })],
    ] as const) {
      await page.getByRole('button', { name: button }).press('Enter')
      await open.waitFor()
      await page.keyboard.press('Tab')
      await page.keyboard.press('Escape')
      await open.waitFor({ state: 'detached' })
      expect(await focused()).toBe(button)
    }
    // The page's own Escape closes the change; none of these was for it.
    expect(page.url()).toContain('change=390')
    expect(fixture.requests.filter((request) => !request.startsWith('GET'))).toEqual([])
  })

  it('opens in a browser whose language no format knows', async () => {
    const { page } = await visit('/not-yet')
    await page.addInitScript(() =>
      Object.defineProperty(navigator, 'language', { value: 'en-US@posix', configurable: true }),
    )
    await page.goto(acme)
    await page.getByRole('figure').first().waitFor()
  })

  it('answers for what is not there', async () => {
    const { page } = await visit('/organizations/nothing')
    await page.getByRole('alert').getByText('organization_not_found').waitFor()
    await page.goto('/nowhere')
    await page.getByText('There is no page at this address.').waitFor()
  })
})

describe('isolation', () => {
  const findings = (page: Page) => page.getByRole('list', { name: 'Findings, worst first' }).getByRole('listitem')

  it('says what was found, filters and opens by URL, by key and from the picture', async () => {
    const { page } = await visit('/')
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Isolation' }).click()
    await page.getByRole('heading', { name: '2 errors, 1 warning, 1 note found.', level: 1 }).waitFor()
    await page.getByText('checked 3 min ago').waitFor()
    expect(await findings(page).count()).toBe(4)
    await page.getByLabel('Severity').selectOption('Warnings')
    await page.waitForURL(/severity=warning/)
    expect(await findings(page).count()).toBe(1)
    await page.evaluate(() => (document.activeElement as HTMLElement).blur())
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await page.waitForURL(/finding=V0802/)
    await page.getByText("select rowhouse.protect('public.contacts')").waitFor()
    await page.getByText('Planned at 18,334.2').waitFor()
    await page.keyboard.press('Escape')
    await page.waitForURL((url) => !url.search.includes('finding='))
    await page.getByRole('table').getByRole('link', { name: '1 error' }).first().click()
    await page.waitForURL(/finding=V0301/)
    await page.getByText('alter view public.open_invoices').waitFor()
  })

  it('runs now, shows how far it is, and what it came to', async () => {
    const { page, fixture } = await visit('/isolation', { findings: 'never' })
    await page.getByText('Nothing has been checked yet.').waitFor()
    await page.getByText('rowhouse verify --attack').waitFor()
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('progressbar', { name: 'Rules asked' }).waitFor()
    await page.getByRole('heading', { name: 'No rule found a way between organizations.' }).waitFor()
    await page.getByText('Nothing was found.').waitFor()
    expect(fixture.requests.filter((request) => request === 'POST /v1/findings/run')).toHaveLength(1)
    fixture.fail('runFindings', 'database_unreachable')
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('alert').getByText('database_unreachable').waitFor()
  })

  it('is shown to operators, and asked for by nobody else', async () => {
    const { page, fixture } = await visit('/isolation', { me: person('admin', 2) })
    await page.getByText('Only operators see this.').waitFor()
    expect(await page.getByRole('link', { name: 'Isolation' }).count()).toBe(0)
    expect(fixture.requests.filter((request) => request.includes('findings'))).toEqual([])
  })
})

describe('alerts', () => {
  const some = { alerts: 'some' } as const

  it('are what an operator sees first, worst first, and lead to the query', async () => {
    const { page, fixture } = await visit('/', some)
    await page.getByRole('heading', { name: '6 of 12 organizations need attention.' }).waitFor()
    const lines = page.getByRole('list', { name: 'Alerts, worst first' }).getByRole('listitem')
    expect(await lines.count()).toBe(2)
    expect(await lines.first().textContent()).toMatch(/^13 × its usualFjord Roboticsp95 1\.1 s, usually 90 ms/)
    await page.getByRole('link', { name: 'Alerts' }).first().click()
    await page.getByRole('heading', { name: '2 organizations are slower than they usually are.', level: 1 }).waitFor()
    expect(await page.getByRole('list', { name: 'Closed alerts, newest first' }).getByRole('listitem').count()).toBe(2)
    await page.getByRole('link', { name: 'Acme Freight' }).first().click()
    await page.waitForURL(`${fixture.url}${acme}?tab=load`)
    await page.getByText('Slower than usual').waitFor()
    await page.getByText('select c.id, c.email').first().waitFor()
  })

  it('open and close in place, and say what would be there when there are none', async () => {
    const { page, fixture } = await visit('/')
    await page.getByText('with the query that takes the time and since when').waitFor()
    await page.getByText('Live', { exact: true }).first().waitFor()
    fixture.emit({ type: 'alert', alert: alertOf(5) })
    await page.getByText('1 organization is slower than it usually is.').waitFor()
    const closedAt = alertOf(5).openedAt
    fixture.emit({ type: 'alert', alert: { ...alertOf(5), closedAt, closedBecause: 'recovered' } })
    await page.getByText('No organization is slower than it usually is.').waitFor()
    await page.goto('/alerts')
    await page.getByText('rowhouse org alerts').waitFor()
    fixture.fail('listAlerts', 'database_unreachable')
    await page.reload()
    await page.getByRole('alert').getByText('database_unreachable').first().waitFor()
  })

  it('show a person when the own organization was slow, and neither SQL, nor measures, nor advice', async () => {
    const { page, fixture } = await visit(`${acme}?tab=load`, { ...some, me: person('viewer') })
    await page.getByRole('list', { name: 'Alerts, newest first' }).getByText('query a1b2c3d4e5f60000').first().waitFor()
    expect(await page.getByText('select c.id').count()).toBe(0)
    expect(fixture.requests.filter((request) => /measures|advice/.test(request))).toEqual([])
  })

  it('stand beside what statements cost and where the organization should live', async () => {
    const { page, fixture } = await visit(`${acme}?tab=load`, some)
    await page.getByRole('list', { name: 'Statements by the time they took' }).getByText('insert into notes').waitFor()
    const figure = (title: string) => page.getByRole('figure').filter({ hasText: title })
    expect(await figure('Errors').innerText()).toMatch(/Errors\s+4\s+0\.0\d+ % of the statements/)
    await page.getByLabel('How far back').selectOption('Last day')
    await page.waitForURL(/span=day/)
    await figure('Errors').getByText('35', { exact: true }).waitFor()
    await page.getByRole('meter', { name: 'Rows: 14,200,000 of 10,000,000' }).waitFor()
    await page.getByText('Move it').waitFor()
    await page.getByText('database_unreachable').waitFor()
    fixture.fail('getAdvice', 'database_unreachable')
    await page.goto(`/organizations/${uuid(0xa, 9)}?tab=load`)
    await page.getByText('It asked nothing in the last hour.').waitFor()
    await page.getByText('It was never slower than it usually is.').waitFor()
    await page.getByRole('alert').getByText('database_unreachable').waitFor()
  })
})

describe('the palette and the theme', () => {
  it('opens an organization, runs an action, and closes with escape', async () => {
    const { page, fixture } = await visit('/')
    await row(page, 'Acme Freight').waitFor()
    await page.keyboard.press('Control+k')
    await palette(page).fill('theme: dark')
    await page.getByRole('option', { name: 'Theme: dark' }).waitFor()
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark')
    await page.reload()
    expect(await page.evaluate(() => document.documentElement.dataset['theme'])).toBe('dark')
    await row(page, 'Acme Freight').waitFor()
    await page.keyboard.press('Control+k')
    await palette(page).fill('kestrel')
    await page.getByRole('option', { name: /Kestrel Energy/ }).click()
    await page.waitForURL(`${fixture.url}/organizations/${uuid(0xa, 10)}`)
    await page.keyboard.press('Control+k')
    await palette(page).waitFor()
    await page.keyboard.press('Escape')
    await palette(page).waitFor({ state: 'detached' })
  })
})

describe('a phone', () => {
  it('leads to every page from a phone, and says which cluster does not answer', async () => {
    const { page } = await visit('/', { deadCluster: true }, { width: 390 })
    const pages = page.getByRole('navigation', { name: 'Pages' })
    for (const [name, title] of [
      ['Alerts', /No organization is slower/],
      ['Clusters', /^1 of 3 clusters does not answer/],
      ['Load', /Acme Freight most of it/],
      ['Plans', '4 plans for 12 organizations.'],
      ['Organizations', /of 12 organizations/],
    ] as const) {
      await pages.getByRole('link', { name }).click()
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
    }
  })
})

describe('load', () => {
  it('is shown by who takes the most time, with alerts, over minutes or an hour, and leads to the statements', async () => {
    const { page, fixture } = await visit('/load', { alerts: 'some' })
    await page.getByRole('heading', { name: /^12 organizations took 5 min .* in the last 5 minutes/ }).waitFor()
    const acmes = page.getByRole('row').filter({ hasText: 'Acme Freight' })
    await acmes.first().getByText('4.2 × its usual').waitFor()
    expect(await acmes.first().getByRole('cell').first().innerText()).toMatch(/^7\d %\s+4 min$/)
    await page.getByLabel('How far back').selectOption('Last hour')
    await page.waitForURL(/span=hour/)
    await page.getByRole('heading', { name: /in the last hour, Acme Freight most of it/ }).waitFor()
    await page.getByRole('link', { name: 'Acme Freight', exact: true }).click()
    await page.waitForURL(`${fixture.url}${acme}?tab=load`)
    fixture.fail('listUsage', 'database_unreachable')
    await page.goto('/load')
    await page.getByRole('alert').getByText('database_unreachable').waitFor()
  })
})

describe('plans', () => {
  const plan = (page: Page, name: string) =>
    page.getByRole('list', { name: 'Plans' }).getByRole('listitem').filter({ hasText: name })

  it('are shown with what they bound and who has them, changed, and made; what is wrong is said at its field', async () => {
    const { page, fixture } = await visit('/plans')
    await plan(page, 'Team').getByText('20 transactions at a time · statements up to 30 s.').waitFor()
    await page.getByRole('button', { name: 'Change Team' }).click()
    const form = page.getByRole('form', { name: 'Plan team' })
    expect(await form.getByRole('button', { name: 'Change the plan' }).isDisabled()).toBe(true)
    await form.getByText('Limits hold for 3 organizations within about a second').waitFor()
    await form.getByLabel('Transactions at a time').fill('many')
    await form.getByRole('button', { name: 'Change the plan' }).click()
    await form.getByText('A whole number from 1 to 2,000,000,000, or nothing.').waitFor()
    expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-invalid'))).toBe('true')
    expect(fixture.requests.filter((request) => request.startsWith('PUT'))).toEqual([])
    expect(await faultsOf(page)).toEqual([])
    await form.getByLabel('Transactions at a time').fill('2,500')
    fixture.fail('setPlan', 'cluster_unknown')
    await page.keyboard.press('Enter')
    await form.getByRole('alert').getByText('cluster_unknown').waitFor()
    fixture.fail('setPlan', null)
    await page.keyboard.press('Enter')
    await plan(page, 'Team').getByText('2,500 transactions at a time').waitFor()

    await page.getByRole('button', { name: 'Make a plan' }).click()
    const made = page.getByRole('form', { name: 'A new plan' })
    await page.keyboard.type('team')
    await page.keyboard.press('Enter')
    await made.getByText('There is a plan with this id.').waitFor()
    await made.getByLabel('Id').fill('scale')
    await made.getByLabel('Home of its organizations').selectOption('A schema of its own')
    await made.getByRole('button', { name: 'Make the plan' }).click()
    await plan(page, 'scale').getByText('A schema of its own, any region').waitFor()
    await plan(page, 'scale').getByText('nobody').waitFor()

    await plan(page, 'Team').getByRole('link', { name: '3 organizations' }).click()
    await page.waitForURL(/\?plan=team$/)
    await page.getByText('3 of 12').waitFor()
  })

  it('are neither shown to nor asked for by who is no operator', async () => {
    const { page, fixture } = await visit('/plans', { me: person('admin', 2) })
    await page.getByRole('heading', { name: 'Only operators see this.' }).waitFor()
    expect(await page.getByRole('link', { name: /^(Plans|Load)$/ }).count()).toBe(0)
    await page.goto('/load')
    await page.getByRole('heading', { name: 'Only operators see this.' }).waitFor()
    await page.goto(`${acme}?tab=load`)
    await page.getByText('It was never slower than it usually is.').waitFor()
    expect(fixture.requests.filter((request) => /plans|limits|usage/.test(request))).toEqual([])
  })

  it('of one organization: another plan after what it does was said, and limits of its own before those of the plan', async () => {
    const { page, fixture } = await visit(`${acme}?tab=load`)
    const section = page.getByRole('region', { name: 'Plan and limits' })
    const limit = (name: string) => section.getByRole('row').filter({ hasText: name })
    await limit('Transactions at a time').getByText('its plan').waitFor()
    expect(await limit('Transactions at a time').getByRole('cell').allInnerTexts()).toEqual(['5', 'its plan'])
    await section.getByRole('combobox', { name: 'Plan', exact: true }).selectOption('team')
    await section.getByText('It stays where it lives.').waitFor()
    await section.getByRole('combobox', { name: 'Plan', exact: true }).selectOption('business')
    const question = section.getByRole('group', { name: 'Change the plan from free to business?' })
    await question.getByText('The plan asks for: a schema of its own. That is noted').waitFor()
    await question.getByRole('button', { name: 'Leave it as it is' }).click()
    expect(await section.getByRole('combobox', { name: 'Plan', exact: true }).inputValue()).toBe('free')
    await section.getByRole('combobox', { name: 'Plan', exact: true }).selectOption('business')
    await question.getByRole('button', { name: 'Change the plan' }).click()
    await question.waitFor({ state: 'detached' })
    await limit('Transactions at a time').getByText('40').waitFor()

    await section.getByRole('button', { name: 'Set limits of its own' }).click()
    const form = section.getByRole('form', { name: 'Limits of acme-freight' })
    expect(await form.getByLabel('Transactions at a time').getAttribute('placeholder')).toBe('40')
    await form.getByLabel('Longest statement, ms').fill('0')
    await form.getByRole('button', { name: 'Set the limits' }).click()
    await form.getByText('A whole number from 1 to').waitFor()
    await form.getByLabel('Longest statement, ms').fill('90000')
    await page.keyboard.press('Enter')
    await form.waitFor({ state: 'detached' })
    expect(await limit('Longest statement').getByRole('cell').allInnerTexts()).toEqual(['1 min 30 s', 'its own'])
    expect(fixture.requests.filter((request) => request.startsWith('PUT'))).toHaveLength(2)
  })
})

describe('members', () => {
  it('are given another role and removed, after it is said what that does; a refusal is shown', async () => {
    const { page, fixture } = await visit(`${acme}?tab=members`)
    await page.getByLabel('Role of Alan Turing').selectOption('admin')
    const question = page.getByRole('group', { name: 'Change the role of Alan Turing from viewer to admin?' })
    await question.getByRole('button', { name: 'Leave it as it is' }).click()
    expect(await page.getByLabel('Role of Alan Turing').inputValue()).toBe('viewer')
    await page.getByLabel('Role of Alan Turing').selectOption('admin')
    await question.getByRole('button', { name: 'Change the role' }).click()
    await question.waitFor({ state: 'hidden' })
    expect(await page.getByLabel('Role of Alan Turing').inputValue()).toBe('admin')
    const member = (name: string) =>
      page.getByRole('list', { name: 'Members' }).getByRole('listitem').filter({ hasText: name })
    await member('Ada Lovelace').getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('group').getByRole('button', { name: 'Remove' }).click()
    await member('Ada Lovelace').getByRole('alert').getByText('last_owner').waitFor()
    await page.getByRole('button', { name: 'Leave it as it is' }).click()
    await member('Grace Hopper').getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('group').getByRole('button', { name: 'Remove' }).click()
    await member('Grace Hopper').waitFor({ state: 'detached' })
    expect(fixture.requests.filter((request) => /^(PATCH|DELETE)/.test(request))).toHaveLength(3)
  })

  it('are only shown to who may not manage them', async () => {
    const { page } = await visit(`${acme}?tab=members`, { me: person('viewer') })
    await page.getByText('Grace Hopper').waitFor()
    expect(await page.getByLabel('Role of Grace Hopper').count()).toBe(0)
    expect(await page.getByRole('button', { name: 'Remove' }).count()).toBe(0)
  })
})

describe('invitations', () => {
  it('are made into a link that is shown once, taken back, and accepted by the person', async () => {
    const { page } = await visit(`${acme}?tab=members`, { me: person('admin') })
    const open = page.getByRole('list', { name: 'Open invitations' })
    await page.getByRole('button', { name: 'Invite a member' }).click()
    await page.getByLabel('E-mail address').fill('ada@example.com')
    await page.getByRole('button', { name: 'Make the invitation' }).click()
    await page.getByRole('form').getByRole('alert').getByText('already_a_member').waitFor()
    await page.getByLabel('E-mail address').fill('mary@example.com')
    await page.getByRole('button', { name: 'Make the invitation' }).click()
    const link = (await page.getByText(/\/join#/).textContent()) ?? ''
    await open.getByText('mary@example.com').waitFor()
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Done' }).click()
    expect(await page.getByText(/\/join#/).count()).toBe(0)
    await page.getByRole('button', { name: 'Take back the invitation of mary@example.com' }).click()
    await open.getByText('mary@example.com').waitFor({ state: 'detached' })

    const invited = await visit(new URL(link).pathname + new URL(link).hash, { me: person('viewer', 2) })
    await invited.page.getByRole('button', { name: 'Accept the invitation' }).click()
    await invited.page.getByRole('heading', { level: 1, name: 'Birch & Vale' }).waitFor()
    const late = await visit('/join#gone', { me: person('viewer') })
    await late.page.getByRole('button', { name: 'Accept the invitation' }).click()
    await late.page.getByRole('alert').getByText('invitation_invalid').waitFor()
  })

  it('are only shown to who may not manage members', async () => {
    const { page } = await visit(`${acme}?tab=members`, { me: person('viewer') })
    await page.getByText('katherine.johnson@example.com').waitFor()
    expect(await page.getByRole('button', { name: /Invite|Take back/ }).count()).toBe(0)
  })
})

describe('rollouts', () => {
  it('begin after what goes for good was read, move with events, and are cancelled after a question', async () => {
    const { page, fixture } = await visit('/rollouts', { rollouts: 'done', destroys: true })
    await page.getByRole('button', { name: 'Plan a rollout' }).click()
    const begin = page.getByRole('button', { name: 'Roll out to 412 homes' })
    expect(await begin.isDisabled()).toBe(true)
    await page.getByLabel('I have read what goes for good.').check()
    await begin.click()
    const progress = page.getByRole('progressbar').first()
    await page.getByText('0 of 412 homes').waitFor()
    const { rollout } = (await (await fetch(`${fixture.url}/v1/rollouts/${uuid(0xf, 9)}`)).json()) as {
      rollout: Rollout
    }
    fixture.emit({ type: 'rollout', rollout: { ...rollout, homes: { total: 412, done: 100, failed: 0, blocked: 0 } } })
    await page.getByText('100 of 412 homes').waitFor()
    expect(await progress.getAttribute('aria-valuenow')).toBe('100')
    await page.getByRole('button', { name: 'Cancel', exact: true }).click()
    await page.getByRole('button', { name: 'Cancel it' }).click()
    await page.getByText('Stopped', { exact: true }).waitFor()
    expect(fixture.requests).toContain(`POST /v1/rollouts/${uuid(0xf, 9)}/cancel`)
    expect(await faultsOf(page)).toEqual([])
  })

  it('are the operators’ to see', async () => {
    const { page } = await visit('/rollouts', { me: person('viewer') })
    await page.getByRole('heading', { name: 'Only operators see this.' }).waitFor()
  })
})
