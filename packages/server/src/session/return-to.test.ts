import { expect, it } from 'vitest'
import { safeReturnTo } from './return-to.ts'

it.each([
  ['/organizations/x?tab=1#top', '/organizations/x?tab=1#top'],
  ['https://evil.example/', '/'],
  ['//evil.example', '/'],
  [String.raw`/\evil.example`, '/'],
  ['/\t/evil.example', '/'],
  ['/x/..//evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['', '/'],
  [null, '/'],
])('%j goes to %j', (value, path) => {
  expect(safeReturnTo(value)).toBe(path)
})
