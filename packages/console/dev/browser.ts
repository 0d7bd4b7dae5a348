// The one browser of the console's tests and pictures: an installed Chrome or Chromium where there is
// one, the one from npm otherwise. Pages see the fixtures' present.
import { existsSync } from 'node:fs'
import chromium from '@sparticuz/chromium'
import { chromium as playwright } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { FIXTURE_NOW_MS } from './fixtures.ts'

const installed = [
  process.env['CHROME_PATH'] ?? '',
  '/usr/bin/google-chrome',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
]

// The npm one's own arguments put all in one process, which dies with its first page, and draw by a graphics card that software
// imitates: a page that is looked at and closed took a third more of the processor that way.
const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--font-render-hinting=none']

export async function launchBrowser(): Promise<Browser> {
  const own = installed.find((path) => path !== '' && existsSync(path))
  return own === undefined
    ? playwright.launch({ executablePath: await chromium.executablePath(), args, headless: true })
    : playwright.launch({ executablePath: own, args, headless: true })
}

export interface PageOptions {
  readonly width?: number
  readonly theme?: 'light' | 'dark'
}

export async function openPage(
  browser: Browser,
  url: string,
  { width = 1440, theme = 'light' }: PageOptions = {},
): Promise<Page> {
  const options: BrowserContextOptions = {
    baseURL: url,
    viewport: { width, height: width < 600 ? 844 : 900 },
    colorScheme: theme,
    reducedMotion: 'reduce',
    timezoneId: 'UTC',
    locale: 'en-GB',
    isMobile: width < 600,
    hasTouch: width < 600,
  }
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  await page.clock.setFixedTime(FIXTURE_NOW_MS)
  return page
}
