import { expect, test } from 'vitest'

import { bearerToken, header } from './bearer.ts'

test('it reads a Web Request and what Node gives', () => {
  const headers = { authorization: 'Bearer a.b.c', 'x-organization-id': 'acme' }
  const requests = [new Request('http://localhost', { headers }), { headers }]
  for (const request of requests) {
    expect(bearerToken(request)).toBe('a.b.c')
    expect(header(request, 'x-organization-id')).toBe('acme')
    expect(header(request, 'x-other')).toBeNull()
  }
})

test.each([
  undefined,
  '',
  'Basic YTpi',
  'Bearer',
  'Bearer ',
  'Bearer a b',
  'Bearer a,b',
  `Bearer ${'a'.repeat(20_000)}`,
])('without a bearer token nobody is signed in: %j', (authorization) => {
  expect(() => bearerToken({ headers: { authorization } })).toThrow(
    expect.objectContaining({ code: 'unauthenticated' }),
  )
})
