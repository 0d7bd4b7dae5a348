import { expect, it } from 'vitest'
import { safeReturnTo } from './return-to.ts'

it.each([
  [undefined, '/'],
  ['/organizations/1?tab=members#x', '/organizations/1?tab=members#x'],
  ['https://evil.example/', '/'],
  ['//evil.example', '/'],
  ['/\\evil.example', '/'],
  ['/\t/evil.example', '/'],
  ['/.//evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['/sign-in?returnTo=/', '/'],
])('%s leads to %s', (path, safe) => expect(safeReturnTo(path)).toBe(safe))
