// A page as it looks on a desktop and on a phone, in light and in dark, for tests.
import type { Page } from 'playwright-core'
import { faultsOf } from './test-faults.ts'

/** What axe finds wrong in either theme, once all is read, and whether the page is wider than the screen. */
export async function faultsOfLooks(page: Page): Promise<string[]> {
  await page.locator('main h1, main h2').first().waitFor()
  await page.waitForFunction(() => document.querySelector('[role=status][aria-label^=Reading]') === null)
  const light = await faultsOf(page)
  // Colours are all that a theme changes.
  await page.emulateMedia({ colorScheme: 'dark' })
  const dark = await faultsOf(page, 'color-contrast')
  await page.emulateMedia({ colorScheme: 'light' })
  const width = page.viewportSize()?.width ?? 0
  const takes = await page.evaluate(() => document.documentElement.scrollWidth)
  return [...light, ...dark, ...(takes > width ? [`takes ${takes} px of ${width}`] : [])]
}
