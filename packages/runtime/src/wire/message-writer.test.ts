import { array, assert, constant, oneof, property, string, uint8Array } from 'fast-check'
import type { Arbitrary } from 'fast-check'
import { serialize } from 'pg-protocol'
import { expect, test } from 'vitest'

import { MessageWriter } from './message-writer.ts'
import type { WireValue } from './message-writer.ts'

const value: Arbitrary<WireValue> = oneof(
  constant(null),
  string({ unit: 'grapheme', maxLength: 50 }),
  uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
)

test('the bytes are those that pg writes', () => {
  assert(
    property(string({ unit: 'grapheme', maxLength: 200 }), array(value, { maxLength: 20 }), (raw, values) => {
      const text = raw.replaceAll('\0', '')
      const writer = new MessageWriter()
      writer.parse('s', text)
      writer.bind('s', values)
      writer.describePortal()
      writer.execute()
      writer.closeStatement('s')
      writer.sync()
      const ours = writer.take()
      const theirs = Buffer.concat([
        serialize.parse({ name: 's', text, types: [] }),
        // pg names its one result format; ours leaves it out, which means the same: text.
        withoutResultFormat(serialize.bind({ statement: 's', values: values as (string | Buffer | null)[] })),
        serialize.describe({ type: 'P', name: '' }),
        serialize.execute({}),
        serialize.close({ type: 'S', name: 's' }),
        serialize.sync(),
      ])
      expect(ours.equals(theirs)).toBe(true)
    }),
  )
})

function withoutResultFormat(bind: Buffer): Buffer {
  const shorter = Buffer.from(bind.subarray(0, -2))
  shorter.writeInt32BE(bind.length - 3, 1)
  shorter.writeInt16BE(0, shorter.length - 2)
  return shorter
}

test('it grows for large values and starts anew after a value that cannot be written', () => {
  const writer = new MessageWriter()
  const large = 'ü'.repeat(2_000_000)
  writer.bind('', [large])
  expect(writer.take().length).toBeGreaterThan(4_000_000)
  expect(() => {
    writer.parse('', 'select 1\0drop')
  }).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  expect(() => {
    writer.bind(
      '',
      Array.from({ length: 65_536 }, () => null),
    )
  }).toThrow(expect.objectContaining({ code: 'invalid_option' }))
  writer.clear()
  writer.sync()
  expect(writer.take()).toEqual(Buffer.from([0x53, 0, 0, 0, 4]))
})
