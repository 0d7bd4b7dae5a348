// What axe finds in every page of the console, in light and in dark, at the width of a desktop and of a phone, and whether a page
// fits the width it has.
import type { Page } from 'playwright-core'
import { describe, expect, it, vi } from 'vitest'

import { person } from '../dev/fixture-server.ts'
import type { FixtureOptions } from '../dev/fixture-server.ts'
import { uuid } from '../dev/fixtures.ts'
import { useConsole } from './test-console.ts'
import { faultsOf } from './test-faults.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const { visit } = useConsole()
const acme = `/organizations/${uuid(0xa, 0)}`

/** Until it shows what it asks for. */
async function isRead(page: Page): Promise<void> {
  await page.locator('main h1, main h2').first().waitFor()
  await page.waitForFunction(() => document.querySelector('[role=status][aria-label^=Reading]') === null)
}

/** What the page takes when it has been drawn: by the second frame whatever hears of the window's width has changed by it. */
const widthOf = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 2; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve))
    return document.documentElement.scrollWidth
  })

describe('accessibility', () => {
  const pages: readonly [string, string, FixtureOptions?][] = [
    ['sign in', '/sign-in', { me: null }],
    ['organizations', '/'],
    ['an organization', acme],
    ['a change', `${acme}?change=390`],
    ['dead letters', `/organizations/${uuid(0xa, 3)}?tab=dead-letters`],
    ['conflicts', `/organizations/${uuid(0xa, 3)}?tab=conflicts`],
    ['a degraded connection', `/organizations/${uuid(0xa, 6)}`],
    ['a page that is not there', '/nowhere'],
    ['no organizations', '/', { organizations: 0 }],
    ['findings', '/isolation'],
    ['a finding', '/isolation?finding=V0802+policy+rowhouse_organization+on+public.contacts'],
    ['no findings', '/isolation', { findings: 'clean' }],
    ['never verified', '/isolation', { findings: 'never' }],
    ['alerts', '/alerts', { alerts: 'some' }],
    ['the load of an organization', `${acme}?tab=load`, { alerts: 'some' }],
    ['no load', `/organizations/${uuid(0xa, 9)}?tab=load`],
    ['the load of a day', `${acme}?tab=load&span=day`],
    ['members', `${acme}?tab=members`],
    ['rollouts', '/rollouts'],
    ['a rollout that runs', '/rollouts', { rollouts: 'running' }],
    ['no rollouts', '/rollouts', { rollouts: 'none' }],
    ['clusters', '/clusters'],
    ['a cluster that does not answer', '/clusters', { deadCluster: true }],
    ['plans', '/plans'],
    ['load', '/load', { alerts: 'some' }],
    ['no load at all', '/load', { organizations: 0 }],
    ['an invitation', `/join#${'a'.repeat(43)}`, { me: person('viewer', 0) }],
    ['what only operators see', '/plans', { me: person('viewer', 2) }],
  ]
  const looks = pages.flatMap(([name, path, options]) => [1440, 390].map((width) => ({ name, path, options, width })))
  it.each(looks)(
    'fits, and has nothing wrong in light and in dark, at $width px: $name',
    async ({ path, options, width }) => {
      const { page } = await visit(path, options, { width })
      await isRead(page)
      expect(await widthOf(page)).toBe(width)
      expect(await faultsOf(page)).toEqual([])
      // Colours are all that a theme changes.
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await faultsOf(page, 'color-contrast')).toEqual([])
    },
  )

  it('would find a name that is missing, a colour that only one theme makes faint, and what is too wide', async () => {
    const { page } = await visit('/nowhere')
    await page.locator('main h1, main h2').first().waitFor()
    await page.evaluate(() => {
      document.querySelector('main')?.append(document.createElement('button'))
      const style = document.createElement('style')
      style.textContent = '@media (prefers-color-scheme: dark) { main h1, main h2 { color: #333 } }'
      document.head.append(style)
    })
    expect(await faultsOf(page)).toEqual([expect.stringMatching(/^button-name: /)])
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await faultsOf(page, 'color-contrast')).toEqual([expect.stringMatching(/^color-contrast: /)])
    await page.evaluate(() => document.querySelector('main')?.setAttribute('style', 'min-width: 1500px'))
    expect(await widthOf(page)).toBeGreaterThan(1440)
  })

  it.each([
    '/',
    acme,
    `${acme}?tab=members`,
    `${acme}?tab=load`,
    '/sign-in',
    '/isolation',
    '/alerts',
    '/clusters',
    '/rollouts',
    '/plans',
    '/load',
    `/join#${'a'.repeat(43)}`,
  ])('fits the width of its window without scrolling sideways, however that changes: %s', async (path) => {
    const { page } = await visit(path, { alerts: 'some', deadCluster: true }, { width: 1024 })
    await isRead(page)
    for (const width of [1024, 800, 390, 800, 1024]) {
      await page.setViewportSize({ width, height: 900 })
      expect(await widthOf(page)).toBe(width)
    }
  })
})
