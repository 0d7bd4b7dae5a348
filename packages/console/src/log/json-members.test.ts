import { expect, it } from 'vitest'
import { membersOf, valueOf } from './json-members.ts'

it.each([
  ['{}', []],
  ['null', []],
  ['[{"a":1}]', []],
  ['{"a":1}', [['a', '1']]],
  [
    '{"a": 12345678901234567890.10, "b": -0}',
    [
      ['a', '12345678901234567890.10'],
      ['b', '-0'],
    ],
  ],
  [
    '{"a":"x, \\"y\\": }","b":null}',
    [
      ['a', '"x, \\"y\\": }"'],
      ['b', 'null'],
    ],
  ],
  [
    '{"a":{"b":[1,{"c":"}"}]},"d":true}',
    [
      ['a', '{"b":[1,{"c":"}"}]}'],
      ['d', 'true'],
    ],
  ],
  [
    '{"a":"ends in \\\\","b":1}',
    [
      ['a', '"ends in \\\\"'],
      ['b', '1'],
    ],
  ],
  [
    '{\n "a" :\n 1 ,\n "\\u00e9" : [ ]\n}',
    [
      ['a', '1'],
      ['é', '[ ]'],
    ],
  ],
  ['{"a":1,"a":2}', [['a', '2']]],
] as const)('%s has its members as they are written', (json, members) => expect([...membersOf(json)]).toEqual(members))

it('agrees with JSON.parse on what both can say', () => {
  const object = { text: 'a "quoted" \\ \n text', list: [1, '}', { '{': null }], none: null, on: false, '': '' }
  for (const spaces of [0, 2]) {
    const members = membersOf(JSON.stringify(object, null, spaces))
    expect(Object.fromEntries([...members].map(([name, written]) => [name, JSON.parse(written)]))).toEqual(object)
  }
})

it.each([
  ['"a\\nb"', 'a\nb'],
  ['null', null],
  [undefined, null],
  ['""', ''],
  ['12345678901234567890', '12345678901234567890'],
  ['{"a":1}', '{"a":1}'],
])('%s reads %j', (written, value) => expect(valueOf(written)).toBe(value))
