// What axe finds wrong in a page of the console, for tests.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const axeSource = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

/**
 * What axe finds wrong, by every rule that it has or by the one of `rule`. Told what is wrong only: all it tells, carried out of
 * the page, takes twice as long as its look.
 */
export async function faultsOf(page: Page, rule?: 'color-contrast'): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axeSource)
  const { violations, passes } = await page.evaluate(async (only) => {
    type Rule = { readonly id: string; readonly nodes: readonly { readonly html: string }[] }
    const { axe } = window as unknown as {
      axe: { run(options: object): Promise<{ violations: Rule[]; passes: Rule[] }> }
    }
    // Colours that change take a moment each, and what inherits one begins when its parent ends.
    const changing = () => document.getAnimations().filter((animation) => animation instanceof CSSTransition)
    for (let level = 0; level < 100 && changing().length > 0; level += 1)
      await Promise.all(changing().map(({ finished }) => finished.catch(() => {})))
    const told = await axe.run({ resultTypes: ['violations'], ...(only === undefined ? {} : { runOnly: [only] }) })
    return {
      violations: told.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`)),
      passes: told.passes.length,
    }
  }, rule)
  expect(passes).toBeGreaterThan(rule === undefined ? 5 : 0)
  return violations
}
