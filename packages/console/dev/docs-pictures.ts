// Takes the documentation's pictures from a running stack, so that they show what a newcomer sees:
// node packages/cli/src/main.ts dev --json > ready.json, some minutes of edits, then
// node packages/console/dev/docs-pictures.ts ready.json docs/images
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launchBrowser } from './browser.ts'

/** How much of a page on a phone is shown, of which one screen would cut the changes off. */
const PHONE_HEIGHT_PX = 1560

const [readyFile = 'ready.json', folder = 'docs/images'] = process.argv.slice(2)
const ready = JSON.parse(await readFile(readyFile, 'utf8')) as {
  readonly console: string
  readonly operatorKey: string
  readonly organizations: readonly { readonly id: string }[]
}
const paths = { organizations: '/', organization: `/organizations/${ready.organizations[0]?.id}` }
await mkdir(folder, { recursive: true })
const browser = await launchBrowser()
for (const width of [1440, 390]) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const isPhone = width < 600
    for (const [name, path] of Object.entries(paths)) {
      const height = !isPhone ? 900 : name === 'organization' ? PHONE_HEIGHT_PX : 844
      const context = await browser.newContext({
        baseURL: ready.console,
        viewport: { width, height },
        colorScheme,
        reducedMotion: 'reduce',
        locale: 'en-GB',
        isMobile: isPhone,
        hasTouch: isPhone,
      })
      const page = await context.newPage()
      await page.goto('/sign-in')
      await page.getByRole('button', { name: /operator key/ }).click()
      await page.getByLabel('Operator key').fill(ready.operatorKey)
      await page.keyboard.press('Enter')
      await page.getByRole('table').waitFor()
      await page.goto(path)
      if (name === 'organization') await page.getByRole('list', { name: 'Changes, newest first' }).waitFor()
      else await page.getByRole('row').nth(1).waitFor()
      await page.evaluate(() => document.fonts.ready)
      // A few seconds of live samples, for the lines of the charts.
      await page.waitForTimeout(6000)
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`) })
      await context.close()
    }
  }
}
await browser.close()
