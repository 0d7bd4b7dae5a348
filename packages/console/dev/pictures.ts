// Takes a picture of every page and state, for a person to look at:
// node packages/console/dev/pictures.ts FOLDER [name …]
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { buildConsole, consoleDir } from '../src/assets.ts'
import { launchBrowser, openPage } from './browser.ts'
import { fixtureOperatorKey, nextActivity, person, startFixtureServer } from './fixture-server.ts'
import type { Fixture, FixtureOptions } from './fixture-server.ts'
import { uuid } from './fixtures.ts'

interface Picture {
  readonly path: string
  readonly options?: FixtureOptions
  readonly before?: (fixture: Fixture) => void
  readonly act?: (page: Page, fixture: Fixture) => Promise<unknown>
}

const organization = (index: number, rest = ''): string => `/organizations/${uuid(0xa, index)}${rest}`
const pictures: Record<string, Picture> = {
  'sign-in': { path: '/sign-in', options: { me: null } },
  'sign-in-wrong-key': {
    path: '/sign-in',
    options: { me: null, identityProvider: false },
    act: async (page) => {
      await page.getByLabel('Operator key').fill(`${fixtureOperatorKey}x`)
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
    },
  },
  organizations: { path: '/' },
  'organizations-10k': {
    path: '/?sort=-errors',
    options: { organizations: 10_000 },
    act: (page) => page.getByText(/^10,000$/).waitFor(),
  },
  'organizations-alerts': { path: '/', options: { alerts: 'some' } },
  'organizations-empty': { path: '/', options: { organizations: 0 } },
  'organizations-loading': { path: '/', before: (fixture) => void fixture.hold('listOrganizations') },
  'organizations-error': { path: '/', before: (fixture) => fixture.fail('listOrganizations', 'internal') },
  'organizations-filtered': { path: '/?q=zebra' },
  organization: { path: organization(0) },
  'organization-backfilling': { path: organization(2) },
  'organization-paused': { path: organization(4) },
  'organization-degraded': { path: organization(6) },
  'organization-unconnected': { path: organization(9) },
  'organization-pausing': {
    path: organization(0),
    act: (page) => page.getByRole('button', { name: 'Pause syncing' }).click(),
  },
  'organization-removing': {
    path: organization(0),
    act: async (page) => {
      await page.getByRole('button', { name: 'Remove this connection' }).click()
      await page.getByRole('button', { name: 'Keep it' }).scrollIntoViewIfNeeded()
    },
  },
  'organization-granting': {
    path: organization(0),
    act: (page) => page.getByRole('button', { name: 'Grant access' }).click(),
  },
  'organization-change': { path: organization(0, '?change=390') },
  'organization-new': {
    path: organization(0),
    act: async (page, fixture) => {
      await page.getByRole('list', { name: 'Changes, newest first' }).waitFor()
      await page.evaluate(() => window.scrollTo(0, 1600))
      fixture.emit({ type: 'activity', organizationId: uuid(0xa, 0), items: [nextActivity(0, 1), nextActivity(0, 2)] })
      await page.getByRole('button', { name: /new change/ }).waitFor()
    },
  },
  'organization-dead-letters': { path: organization(3, '?tab=dead-letters') },
  'organization-conflicts': { path: organization(3, '?tab=conflicts') },
  'organization-log': {
    path: organization(0, '?tab=log'),
    act: (page) => page.getByRole('list', { name: 'Lines of the log, newest first' }).waitFor(),
  },
  'organization-log-line': { path: organization(0, '?tab=log&change=394') },
  'organization-log-bringing-back': {
    path: organization(0, '?tab=log&change=398'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Bring it back' }).click()
      await page.getByRole('button', { name: 'Leave it deleted' }).scrollIntoViewIfNeeded()
    },
  },
  'organization-log-blocked': {
    path: organization(0, '?tab=log&change=399'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Bring it back' }).click()
      await page.getByRole('group').getByRole('button', { name: 'Bring it back' }).click()
      await page.getByRole('complementary').getByRole('alert').scrollIntoViewIfNeeded()
    },
  },
  'organization-log-none': { path: organization(0, '?tab=log&action=truncate') },
  'organization-log-empty': { path: organization(0, '?tab=log'), options: { log: 'empty' } },
  'organization-settings': {
    path: organization(1, '?tab=settings'),
    act: (page) => page.getByRole('region', { name: 'Suspension' }).waitFor(),
  },
  'organization-suspending': {
    path: organization(1, '?tab=settings'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Suspend this organization' }).click()
      await page.getByRole('button', { name: 'Leave it open' }).scrollIntoViewIfNeeded()
    },
  },
  'organization-suspended': {
    path: organization(1, '?tab=settings'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Suspend this organization' }).click()
      await page.getByLabel('Type birch-vale to confirm').fill('birch-vale')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Resume this organization' }).scrollIntoViewIfNeeded()
    },
  },
  'organization-suspended-person': {
    path: organization(0),
    options: { me: person('viewer') },
    before: (fixture) => fixture.fail('getOrganization', 'organization_suspended'),
  },
  'organization-retention': {
    path: organization(0, '?tab=settings'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Keep it for another time' }).click()
      await page.getByLabel('For so many days').check()
      await page.getByLabel('Days', { exact: true }).fill('7')
      await page.getByRole('button', { name: 'See what it does' }).click()
    },
  },
  'organization-retention-asked': {
    path: organization(0, '?tab=settings'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Keep it for another time' }).click()
      await page.getByLabel('For so many days').check()
      await page.getByLabel('Days', { exact: true }).fill('90')
      await page.getByRole('button', { name: 'See what it does' }).click()
      await page.getByRole('button', { name: 'Leave it as it is' }).waitFor()
    },
  },
  ...Object.fromEntries(
    (
      [
        ['organization-mapping', async () => {}],
        [
          'organization-mapping-wrong',
          async (page) => {
            await page.getByRole('button', { name: 'Add a field' }).click()
            await page.getByLabel('Column of a new row').selectOption('created_at')
            await page.getByLabel('Field of created_at').selectOption('score')
            await page.getByRole('button', { name: 'See what it does' }).click()
          },
        ],
        [
          'organization-mapping-asked',
          async (page) => {
            await page.getByRole('button', { name: 'Take out last_name' }).click()
            await page.getByRole('checkbox', { name: 'Match by first_name' }).check()
            await page.getByRole('button', { name: 'See what it does' }).click()
          },
        ],
        [
          'organization-mapping-set',
          async (page) => {
            await page.getByRole('button', { name: 'Take out last_name' }).click()
            await page.getByRole('button', { name: 'See what it does' }).click()
            await page.getByRole('button', { name: 'Set the fields' }).click()
            await page.getByText('The fields are set.').waitFor()
          },
        ],
      ] satisfies [string, (page: Page) => Promise<unknown>][]
    ).map(([name, then]): [string, Picture] => [
      name,
      {
        path: organization(0),
        act: async (page) => {
          await page.getByRole('button', { name: 'Pause syncing' }).click()
          await page.getByRole('button', { name: 'Pause', exact: true }).click()
          await page.getByRole('button', { name: 'Resume syncing' }).waitFor()
          const more = page.getByRole('button', { name: 'Records, budget and access' })
          if ((page.viewportSize()?.width ?? 0) < 600) await more.click()
          await page.getByRole('button', { name: 'Fields of contact' }).click()
          await page.getByRole('button', { name: 'Choose other fields' }).click()
          await page.getByRole('form', { name: 'Fields of contact' }).waitFor()
          await then(page)
        },
      },
    ]),
  ),
  'organization-load': {
    path: organization(0, '?tab=load'),
    options: { alerts: 'some' },
    act: (page) => page.getByRole('list', { name: 'Signals' }).waitFor(),
  },
  'organization-advice': {
    path: organization(0, '?tab=load'),
    options: { alerts: 'some' },
    act: async (page) => {
      await page.getByRole('list', { name: 'Signals' }).waitFor()
      await page.getByRole('region', { name: 'Alerts' }).evaluate((section) => section.scrollIntoView())
    },
  },
  'organization-load-calm': {
    path: organization(9, '?tab=load'),
    act: (page) => page.getByRole('list', { name: 'Signals' }).waitFor(),
  },
  'organization-load-person': { path: organization(0, '?tab=load'), options: { me: person('viewer'), alerts: 'some' } },
  alerts: { path: '/alerts', options: { alerts: 'some' } },
  'alerts-none': { path: '/alerts' },
  'alerts-error': { path: '/alerts', before: (fixture) => fixture.fail('listAlerts', 'internal') },
  'organization-members': { path: organization(1, '?tab=members') },
  'organization-member-role': {
    path: organization(1, '?tab=members'),
    act: async (page) => {
      await page.getByLabel('Role of Alan Turing').selectOption('admin')
      await page.getByRole('button', { name: 'Leave it as it is' }).scrollIntoViewIfNeeded()
    },
  },
  'organization-member-remove': {
    path: organization(1, '?tab=members'),
    act: (page) =>
      page.getByRole('listitem').filter({ hasText: 'Grace' }).getByRole('button', { name: 'Remove' }).click(),
  },
  'organization-member-last-owner': {
    path: organization(1, '?tab=members'),
    act: async (page) => {
      await page.getByLabel('Role of Ada Lovelace').selectOption('viewer')
      await page.getByRole('button', { name: 'Change the role' }).click()
      await page.getByRole('alert').waitFor()
    },
  },
  'organization-viewer': { path: '/', options: { me: person('viewer') } },
  'organization-missing': { path: '/organizations/nothing' },
  isolation: { path: '/isolation' },
  'isolation-open': { path: '/isolation?finding=V0802+policy+rowhouse_organization+on+public.contacts' },
  'isolation-clean': { path: '/isolation', options: { findings: 'clean' } },
  'isolation-never': { path: '/isolation', options: { findings: 'never' } },
  'isolation-running': {
    path: '/isolation',
    act: async (page, fixture) => {
      await page.getByRole('button', { name: 'Run now' }).waitFor()
      fixture.hold('getFindings')
      await page.getByRole('button', { name: 'Run now' }).click()
      await page.getByRole('progressbar').waitFor()
    },
  },
  'isolation-person': { path: '/isolation', options: { me: person('viewer') } },
  rollouts: { path: '/rollouts' },
  'rollouts-running': { path: '/rollouts', options: { rollouts: 'running' } },
  'rollouts-none': { path: '/rollouts', options: { rollouts: 'none' } },
  'rollouts-plan': {
    path: '/rollouts',
    options: { rollouts: 'done', destroys: true },
    act: async (page) => {
      await page.getByRole('button', { name: 'Plan a rollout' }).click()
      await page.getByText('I have read what goes for good.').waitFor()
    },
  },
  'rollouts-cancelling': {
    path: '/rollouts',
    options: { rollouts: 'running' },
    act: (page) => page.getByRole('button', { name: 'Cancel' }).click(),
  },
  load: { path: '/load', options: { alerts: 'some' } },
  'load-none': { path: '/load', options: { organizations: 0 } },
  plans: { path: '/plans' },
  'plans-changing': {
    path: '/plans',
    act: async (page) => {
      await page.getByRole('button', { name: 'Change Team' }).click()
      await page.getByLabel('Transactions at a time').fill('many')
      await page.getByRole('button', { name: 'Change the plan' }).click()
    },
  },
  'plans-making': { path: '/plans', act: (page) => page.getByRole('button', { name: 'Make a plan' }).click() },
  'organization-load-day': {
    path: organization(0, '?tab=load&span=day'),
    act: (page) => page.getByRole('list', { name: 'Signals' }).waitFor(),
  },
  'organization-plan': {
    path: organization(0, '?tab=load'),
    act: async (page) => {
      await page.getByRole('list', { name: 'Signals' }).waitFor()
      await page.getByRole('combobox', { name: 'Plan', exact: true }).selectOption('business')
      await page.getByRole('button', { name: 'Set limits of its own' }).click()
      await page.getByRole('region', { name: 'Plan and limits' }).evaluate((section) => section.scrollIntoView())
    },
  },
  'organization-fields': {
    path: organization(0),
    act: async (page) => {
      // On a phone they wait behind a button.
      const more = page.getByRole('button', { name: 'Records, budget and access' })
      if ((page.viewportSize()?.width ?? 0) < 600) await more.click()
      await page.getByRole('button', { name: 'Fields of contact' }).click()
      await page.getByRole('table', { name: /of contact$/ }).scrollIntoViewIfNeeded()
    },
  },
  clusters: { path: '/clusters' },
  'clusters-dead': { path: '/clusters', options: { deadCluster: true } },
  'clusters-person': { path: '/clusters', options: { me: person('viewer') } },
  join: { path: `/join#${'a'.repeat(43)}`, options: { me: person('viewer', 0) } },
  'join-refused': {
    path: '/join#gone',
    options: { me: person('viewer', 0) },
    act: async (page) => {
      await page.getByRole('button', { name: 'Accept the invitation' }).click()
      await page.getByRole('alert').waitFor()
    },
  },
  'organization-inviting': {
    path: organization(1, '?tab=members'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Invite a member' }).click()
      await page.getByLabel('E-mail address').fill('mary.jackson@example.com')
      await page.getByRole('button', { name: 'Make the invitation' }).scrollIntoViewIfNeeded()
    },
  },
  'organization-invited': {
    path: organization(1, '?tab=members'),
    act: async (page) => {
      await page.getByRole('button', { name: 'Invite a member' }).click()
      await page.getByLabel('E-mail address').fill('mary.jackson@example.com')
      await page.getByRole('button', { name: 'Make the invitation' }).click()
      await page.getByRole('button', { name: 'Done' }).scrollIntoViewIfNeeded()
    },
  },
  'no-organization': { path: '/', options: { me: person('viewer', 0) } },
  'rollouts-person': { path: '/rollouts', options: { me: person('viewer') } },
  lost: {
    path: '/',
    act: async (page, fixture) => {
      await page.getByText('Live', { exact: true }).first().waitFor()
      fixture.cutStreams(true)
      await page.getByText('The connection to the server is lost.').waitFor()
    },
  },
  palette: {
    path: '/',
    act: async (page) => {
      await page.getByRole('table').waitFor()
      await page.keyboard.press('Control+k')
      await page.getByRole('dialog').getByRole('option').first().waitFor()
    },
  },
  menu: { path: '/', act: (page) => page.getByRole('button', { name: /theme and sign out/ }).click() },
  'not-found': { path: '/nowhere' },
}

const [folder = 'pictures', ...names] = process.argv.slice(2)
await mkdir(folder, { recursive: true })
await buildConsole()
const browser = await launchBrowser()
for (const [name, picture] of Object.entries(pictures)) {
  if (names.length > 0 && !names.includes(name)) continue
  for (const width of [1440, 390]) {
    for (const theme of ['light', 'dark'] as const) {
      const fixture = await startFixtureServer({ siteDir: consoleDir, ...picture.options })
      picture.before?.(fixture)
      const page = await openPage(browser, fixture.url, { width, theme })
      page.on('pageerror', (error) => process.stderr.write(`${name}: ${error.message}\n`))
      page.on('console', (message) => {
        if (message.type() === 'error') process.stderr.write(`${name}: ${message.text()}\n`)
      })
      await page.goto(picture.path)
      await page.locator('main').first().waitFor()
      if (picture.before === undefined) await page.waitForLoadState('load')
      await picture
        .act?.(page, fixture)
        .catch((error: unknown) => process.stderr.write(`${name} ${width}: ${String(error)}\n`))
      await page.evaluate(() => document.fonts.ready)
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 400)))
      await page.screenshot({ path: join(folder, `${name}-${theme}-${width}.png`) })
      await page.context().close()
      await fixture.stop()
    }
  }
}
await browser.close()
