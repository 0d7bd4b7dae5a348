import * as fc from 'fast-check'
import { expect, it } from 'vitest'

import { needles } from './test-needles.ts'

const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\0', '漢'), minLength: 4, maxLength: 6 })

it('finds what includes() finds', () => {
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 8 }), fc.array(letters), (wanted, parts) => {
      const text = parts.join('')
      const named = wanted.map((one) => [one, one] as const)
      expect(needles(named).in(text)).toEqual(new Set(wanted.filter((one) => text.includes(one))))
    }),
  )
})

it('finds every one of many, at the beginning and at the end, and a name by any of its texts', () => {
  const all = Array.from({ length: 500 }, (_, n) => [`name ${n}`, `secret-${n}-`] as const)
  expect(needles(all).in(all.map(([, text]) => text).join('x')).size).toBe(500)
  const pair = needles([
    ['one', 'first'],
    ['one', 'second'],
  ] as const)
  expect([...pair.in('the second')]).toEqual(['one'])
  expect([...pair.in('secon')]).toEqual([])
})

it('refuses what is too short to be told from anything', () => {
  expect(() => needles([['x', 'abc']])).toThrow('too short')
})
