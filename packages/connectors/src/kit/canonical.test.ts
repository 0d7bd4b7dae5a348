import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, instantText } from './canonical.ts'
import type { FieldKind } from './canonical.ts'

describe('canonical text', () => {
  it.each<[FieldKind, unknown, string | null]>([
    ['text', '', null],
    ['text', '   ', null],
    ['text', null, null],
    ['text', undefined, null],
    ['text', {}, null],
    ['text', ' Ada ', 'Ada'],
    ['text', 0, '0'],
    ['text', false, 'false'],
    ['email', ' Ada@Example.COM', 'ada@example.com'],
    ['domain', 'HTTPS://www.Acme.com/about?x=1', 'acme.com'],
    ['domain', 'https://', null],
    ['domain', '/', null],
    ['domain', 'https:// www.acme.com /', 'acme.com'],
    ['number', 250, '250'],
    ['number', '250.00', '250'],
    ['number', '0012.50', '12.5'],
    ['number', '-0', '0'],
    ['number', '-0.5', '-0.5'],
    ['number', '.5', '0.5'],
    ['number', '+7', '7'],
    ['number', '1e3', '1000'],
    ['number', 1e21, '1000000000000000000000'],
    ['number', '-1.250e-3', '-0.00125'],
    ['number', '9007199254740993', '9007199254740993'],
    ['number', '12345678901234567890.10', '12345678901234567890.1'],
    ['number', 'many', 'many'],
    ['number', '.', '.'],
    ['boolean', 't', 'true'],
    ['boolean', 'FALSE', 'false'],
    ['boolean', 'maybe', 'maybe'],
    ['instant', '2026-03-01T12:00:00.000+0000', '2026-03-01T12:00:00.000Z'],
    ['instant', '2026-03-01 12:00:00+00', '2026-03-01T12:00:00.000Z'],
    ['instant', 'soon', 'soon'],
    ['date', '2026-03-01', '2026-03-01'],
    ['date', '1772323200000', '2026-03-01'],
    // A time without a zone is UTC on every machine, and a day that no month has stays text.
    ['instant', '2026-03-29T01:30:00', '2026-03-29T01:30:00.000Z'],
    ['instant', '2026-03-29T01:30:00.123456-07', '2026-03-29T08:30:00.123Z'],
    ['instant', '2026-02-30T00:00:00Z', '2026-02-30T00:00:00Z'],
    ['date', '2026-02-29', '2026-02-29'],
    ['date', 'March 5 2026', 'March 5 2026'],
    ['number', '9007199254740993', '9007199254740993'],
    ['choice', ' Closed Won ', 'Closed Won'],
    ['choices', 'b; a;b;', 'a;b'],
    ['choices', ';', null],
  ])('of a %s %j is %j', (kind, value, text) => {
    expect(canonical(kind, value)).toBe(text)
  })

  it('is a fixed point for every kind', () => {
    const kind = fc.constantFrom<FieldKind>(
      'text',
      'email',
      'domain',
      'number',
      'boolean',
      'instant',
      'date',
      'choice',
      'choices',
    )
    fc.assert(
      fc.property(
        kind,
        fc.oneof(fc.string(), fc.double().map(String), fc.webUrl(), fc.emailAddress()),
        (name, text) => {
          const once = canonical(name, text)
          expect(canonical(name, once)).toBe(once)
        },
      ),
    )
  })

  it('of a number keeps its value', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(9999), (whole, fraction) => {
        const text = `${whole}.${String(fraction).padStart(4, '0')}`
        expect(Number(canonical('number', text))).toBe(Number(text) + 0)
      }),
    )
  })

  it('of an instant far outside the calendar is none', () => {
    expect(instantText('99999999999999999999')).toBeNull()
    expect(instantText(Number.NaN)).toBeNull()
  })
})
