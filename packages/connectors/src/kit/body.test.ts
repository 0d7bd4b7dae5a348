import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactNumber, flatHeaders, readBody, readText, textLengthMax } from './body.ts'

describe('text', () => {
  it('that is UTF-8 is what it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        // A mark at the very beginning says only that this is UTF-8.
        fc.pre(!text.startsWith('\ufeff'))
        expect(readText(Buffer.from(text))).toBe(text)
      }),
    )
  })

  it('that is not keeps every good character, and each bad byte is a half of a pair', () => {
    expect(readText(Buffer.from([0x41, 0xff, 0xc3, 0xa9, 0xc3, 0x42, 0xe2, 0x82]))).toBe('A\udcffé\udcc3B\udce2\udc82')
    expect(readText(Buffer.from([0xc0, 0x80]))).toBe('\udcc0\udc80')
    expect(readText(Buffer.from([0xed, 0xa0, 0x80]))).toBe('\udced\udca0\udc80')
    expect(readBody(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]))).toEqual({
      a: '\udcff',
    })
  })

  it('of any bytes is read, and what is good in it survives', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string({ unit: 'grapheme', minLength: 1 }), (bytes, text) => {
        fc.pre(!text.startsWith('\ufeff'))
        const whole = readText(Buffer.concat([Buffer.from([0xff]), bytes, Buffer.from([0x20]), Buffer.from(text)]))
        expect(whole.endsWith(text)).toBe(true)
      }),
    )
  })

  it('that is no JSON is cut', () => {
    expect(readBody(Buffer.from(''))).toBeNull()
    expect(readBody(Buffer.from('<html>'.repeat(100_000)))).toHaveLength(textLengthMax)
  })
})

it('whole numbers are written with all of their digits', () => {
  for (const text of ['9007199254740993', '12', '-1']) expect(JSON.stringify([exactNumber(text)])).toBe(`[${text}]`)
})

it('headers keep cookies apart', () => {
  expect(
    flatHeaders({ 'Set-Cookie': ['a=1; Expires=Wed, 21 Oct 2026', 'b=2'], Vary: ['x', 'y'], none: undefined }),
  ).toEqual({
    'set-cookie': 'a=1; Expires=Wed, 21 Oct 2026\nb=2',
    vary: 'x, y',
  })
})
