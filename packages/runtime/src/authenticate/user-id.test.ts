import { expect, test } from 'vitest'

import { userIdOf } from './user-id.ts'

test('a uuid stays what it is', () => {
  expect(userIdOf('https://issuer.example', 'AAAAAAAA-aaaa-4aaa-8aaa-aaaaaaaaaaaa')).toBe(
    'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
  )
})

test('anything else becomes uuid version 5 over issuer and sub', () => {
  // Computed with Python: uuid.uuid5(uuid.NAMESPACE_URL, 'https://issuer.example#auth0|42')
  expect(userIdOf('https://issuer.example', 'auth0|42')).toBe('5608c5a8-59d4-5ff6-acbc-04dcd3e677c9')
  expect(userIdOf('https://other.example', 'auth0|42')).not.toBe(userIdOf('https://issuer.example', 'auth0|42'))
})
