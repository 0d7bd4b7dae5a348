// What no schema prevents is told to the reader before a report tells it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { attackRules } from '../rules.ts'
import { limits } from './reads.ts'

const page = readFileSync(join(import.meta.dirname, '../../../../../docs/attacks.md'), 'utf8')

describe('docs/attacks.md', () => {
  it('names every limit in the words of the report', () => {
    expect(Object.values(limits).filter((limit) => !page.includes(`- ${limit}`))).toEqual([])
  })

  it('names every finding with its number', () => {
    expect(Object.values(attackRules).filter(({ rule, code }) => !page.includes(`| ${rule} | \`${code}\` `))).toEqual(
      [],
    )
  })
})
