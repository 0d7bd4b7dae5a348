import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

import { longFiles } from './longest-first.ts'

it('the files that begin first are there', () => {
  expect(longFiles.filter((file) => !existsSync(join(import.meta.dirname, '..', file)))).toEqual([])
  expect(new Set(longFiles).size).toBe(longFiles.length)
})
