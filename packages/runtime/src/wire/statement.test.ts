import { expect, test } from 'vitest'

import { StatementCache } from './statement.ts'

test('a name is used for one text and never again', () => {
  const cache = new StatementCache('nonce', 10)
  const first = cache.create('select 1')
  cache.forget(first)
  const second = cache.create('select 1')
  expect(second.name).not.toBe(first.name)
  expect(cache.find('select 1')).toBeUndefined()
  cache.keep(second)
  expect(cache.find('select 1')).toBe(second)
})

test('two connections share no name', () => {
  expect(new StatementCache('a', 1).create('x').name).not.toBe(new StatementCache('b', 1).create('x').name)
})

test('it is bounded: the one used longest ago is closed, once', () => {
  const cache = new StatementCache('nonce', 2)
  const [one, two, three] = ['1', '2', '3'].map((text) => cache.create(text))
  if (one === undefined || two === undefined || three === undefined) throw new Error('unreachable')
  cache.keep(one)
  cache.keep(two)
  cache.find('1')
  cache.keep(three)
  expect(cache.find('2')).toBeUndefined()
  expect(cache.find('1')).toBe(one)
  expect(cache.takeClosing()).toEqual([two.name])
  expect(cache.takeClosing()).toEqual([])
})
