import { randomUUID } from 'node:crypto'
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
  for (let count = 0; count < 100; count += 1) {
    const { place, login } = homeNames(randomUUID())
    expect([place, login]).toEqual([
      expect.stringMatching(/^h_[0-9a-f]{16}$/),
      expect.stringMatching(/^rowhouse_h_[0-9a-f]{16}$/),
    ])
  }
})
