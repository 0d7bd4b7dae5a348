// The built console in a real browser over the fixture API, for tests: one build and one browser for a file, and for each visit
// an API and a browser's context of its own, which end with the test. A page that throws fails it.
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'

import { launchBrowser, openPage } from '../dev/browser.ts'
import type { PageOptions } from '../dev/browser.ts'
import { startFixtureServer } from '../dev/fixture-server.ts'
import type { Fixture, FixtureOptions } from '../dev/fixture-server.ts'
import { buildConsole, consoleDir } from './assets.ts'

export interface Visit {
  readonly page: Page
  readonly fixture: Fixture
}

export interface Console {
  /** Opens a path of the console. */
  readonly visit: (path: string, options?: FixtureOptions, look?: PageOptions) => Promise<Visit>
  /** The same in two steps: the API first, which may be told to fail, then the page. */
  readonly begin: (options?: FixtureOptions) => Promise<Fixture>
  readonly open: (fixture: Fixture, path: string, look?: PageOptions) => Promise<Page>
}

export function useConsole(): Console {
  let browser: Browser | undefined
  const fixtures: Fixture[] = []
  const pages: { readonly page: Page; readonly errors: string[] }[] = []

  beforeAll(async () => {
    await buildConsole()
    browser = await launchBrowser()
  })
  afterAll(() => browser?.close())
  afterEach(async () => {
    const errors = pages.flatMap((opened) => opened.errors)
    for (const { page } of pages.splice(0)) await page.context().close()
    for (const fixture of fixtures.splice(0)) await fixture.stop()
    expect(errors).toEqual([])
  })

  const begin: Console['begin'] = async (options = {}) => {
    const fixture = await startFixtureServer({ siteDir: consoleDir, ...options })
    fixtures.push(fixture)
    return fixture
  }
  const open: Console['open'] = async (fixture, path, look = {}) => {
    if (browser === undefined) throw new Error('The browser is there inside hooks and tests only.')
    const page = await openPage(browser, fixture.url, look)
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(error.message))
    pages.push({ page, errors })
    await page.goto(path)
    return page
  }
  return {
    begin,
    open,
    visit: async (path, options, look) => {
      const fixture = await begin(options)
      return { fixture, page: await open(fixture, path, look) }
    },
  }
}
