import { expect, it } from 'vitest'
import { fromField, toField } from './local-moment.ts'

it('goes from an instant to the field and back, to the minute, in whatever zone', () => {
  const instant = '2026-03-10T12:34:00.000Z'
  expect(fromField(toField(instant))).toBe(instant)
  expect(toField(instant)).toMatch(/^2026-03-(09|10|11)T\d\d:(34|04|19)$/)
})

it.each(['', 'tomorrow', '2026-13-40T99:99'])('%j is no instant', (text) => expect(fromField(text)).toBeUndefined())
it('is empty without one', () => expect(toField(undefined)).toBe(''))
