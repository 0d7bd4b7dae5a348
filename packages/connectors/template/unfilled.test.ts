// What is left of the template. Deleted, with unfilled.ts, once the suite passes.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

it('nothing is left to fill in', () => {
  const open = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.ts') && name !== 'unfilled.ts' && !name.endsWith('.test.ts'))
    .flatMap((name) => [
      ...readFileSync(join(import.meta.dirname, name), 'utf8').matchAll(
        /unfilled\(\s*(['"])(.+?)\1,\s*(['"])(.+?)\3\s*\)|const unstarted = (['"])(.+?)\5/g,
      ),
    ])
    .map((found) => found[6] ?? `${found[2]}: ${found[4]}`)
  expect(open).toEqual([])
})
