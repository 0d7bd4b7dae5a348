import { expect, it } from 'vitest'
import { organizationId, recordId, toLongId } from './ids.ts'

it('gives the 18-character form that Salesforce gives', () => {
  expect(toLongId('00Dxx0000001gPL')).toBe('00Dxx0000001gPLEAY')
  expect(toLongId('001000000000001')).toBe('001000000000001AAA')
  expect(organizationId('xx0000001gPL')).toBe('00Dxx0000001gPLEAY')
})

it('restores the case of an 18-character id', () => {
  expect(toLongId('00DXX0000001GPLEAY')).toBe('00Dxx0000001gPLEAY')
  expect(toLongId('00dxx0000001gpleay')).toBe('00Dxx0000001gPLEAY')
})

it('is undefined for what is no id', () => {
  for (const text of ['', '001', '00100000000000!', '0010000000000011']) expect(toLongId(text)).toBeUndefined()
})

it('ascends with the sequence number', () => {
  const ids = [1, 61, 62, 3844].map((sequence) => recordId('003', 'xx000', sequence))
  expect(ids.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(ids)
})
