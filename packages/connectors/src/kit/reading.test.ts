import { describe, expect, it } from 'vitest'
import { parseJson, textOf } from './reading.ts'

describe('a number of JSON', () => {
  it.each([
    ['9007199254740993', '9007199254740993'],
    ['12345678901234567890', '12345678901234567890'],
    ['1234567890123.4567', '1234567890123.4567'],
    ['250', '250'],
    ['0.5', '0.5'],
  ])('%s is read to the last digit', (written, read) => {
    const value = parseJson(`{"records":[{"Amount":${written}}]}`) as { records: [{ Amount: unknown }] }
    expect(textOf(value.records[0].Amount)).toBe(read)
  })

  it('would be another one by itself', () => {
    expect(String(JSON.parse('9007199254740993'))).toBe('9007199254740992')
  })

  it('stays a number where a double holds it, also beside a long one and inside of text', () => {
    expect(parseJson('{"a":5,"b":"12345678901234567890","c":12345678901234567890}')).toEqual({
      a: 5,
      b: '12345678901234567890',
      c: '12345678901234567890',
    })
  })

  it('of a text that is none is undefined', () => {
    expect(parseJson('{"a":12345678901234567890')).toBeUndefined()
  })
})
