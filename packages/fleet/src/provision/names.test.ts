import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'

import { homeNames } from './names.ts'

test('a home is called by 16 digits of its id, far from where Postgres cuts names, and no two alike', () => {
  expect(homeNames('0F1E2D3C-4b5a-4978-8695-a4b3c2d1e0f1')).toEqual({
    place: 'h_0f1e2d3c4b5a4978',
    login: 'rowhouse_h_0f1e2d3c4b5a4978',
  })
  const names = Array.from({ length: 1000 }, () => homeNames(randomUUID()).place)
  expect(new Set(names).size).toBe(1000)
})

test('a name never needs quotes', () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      const { place, login } = homeNames(id)
      return /^h_[0-9a-f]{16}$/.test(place) && /^rowhouse_h_[0-9a-f]{16}$/.test(login)
    }),
  )
})
