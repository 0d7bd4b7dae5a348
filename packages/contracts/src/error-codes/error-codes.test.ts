// The list is put together from its areas: the later of two entries of one name would silently win.
import { readdir } from 'node:fs/promises'

import { expect, it } from 'vitest'

import { errorCodes } from './index.ts'

it('holds every code of every area once', async () => {
  const files = (await readdir(import.meta.dirname)).filter(
    (file) => file.endsWith('.ts') && !['index.ts', 'code.ts', 'error-codes.test.ts'].includes(file),
  )
  const areas = await Promise.all(
    files.map((file) => import(/* @vite-ignore */ `./${file}`) as Promise<Record<string, object>>),
  )
  const names = areas.flatMap((area) => Object.values(area).flatMap((codes) => Object.keys(codes)))
  expect(names.toSorted()).toEqual(Object.keys(errorCodes).toSorted())
})
