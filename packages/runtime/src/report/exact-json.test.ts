import { expect, test } from 'vitest'

import { parseExactly } from './exact-json.ts'

test.each([
  ['1', 1],
  ['-0.5', -0.5],
  ['1.50', 1.5],
  ['10.00', 10],
  ['9007199254740993', '9007199254740993'],
  ['0.1234567890123456789', '0.1234567890123456789'],
  ['100000000000000000000000', '100000000000000000000000'],
  ['1e400', '1e400'],
  ['"1e400"', '1e400'],
  ['null', null],
])('%s', (text, value) => {
  expect(parseExactly(`{"value":${text}}`)).toEqual({ value })
})
