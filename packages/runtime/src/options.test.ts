import { expect, test } from 'vitest'

import { resolveOptions } from './options.ts'

const url = 'postgres://rowhouse_app:secret@localhost:5432/app'
const signingKey = 'k'.repeat(32)

test('defaults are resolved once, and nothing can be changed afterwards', () => {
  const options = resolveOptions({ url, signingKey }, {})
  expect(options).toMatchObject({
    preparedStatements: true,
    issuer: null,
    pool: { max: 10, acquireTimeoutMs: 10_000, idleTimeoutMs: 30_000, statementTimeoutMs: 30_000 },
  })
  expect(Object.isFrozen(options) && Object.isFrozen(options.pool)).toBe(true)
})

test('the environment fills in what is not given', () => {
  const env = {
    ROWHOUSE_URL: url,
    ROWHOUSE_SIGNING_KEY: signingKey,
    ROWHOUSE_ISSUER: 'https://example.supabase.co/auth/v1',
  }
  expect(resolveOptions({}, env)).toMatchObject({
    url,
    signingKey,
    issuer: {
      issuer: 'https://example.supabase.co/auth/v1',
      jwksUrl: 'https://example.supabase.co/auth/v1/.well-known/jwks.json',
      audience: 'authenticated',
      secret: null,
    },
  })
})

test('a pooler without named statements gets no startup parameter it would refuse', () => {
  expect(resolveOptions({ url, signingKey, preparedStatements: false }, {}).pool.statementTimeoutMs).toBe(0)
})

test.each([
  ['url_missing', { signingKey }],
  ['invalid_option', { url: 'mysql://localhost', signingKey }],
  ['signing_key_missing', { url }],
  ['signing_key_too_short', { url, signingKey: 'short' }],
  ['invalid_option', { url, signingKey, pool: { max: 0 } }],
  ['invalid_option', { url, signingKey, pool: { max: 1.5 } }],
  ['invalid_option', { url, signingKey, pool: { acquireTimeoutMs: -1 } }],
  ['invalid_option', { url, signingKey, pool: { idleTimeoutMs: Number.NaN } }],
  ['invalid_option', { url, signingKey, issuer: { issuer: 'ftp://issuer' } }],
  ['invalid_option', { url, signingKey, issuer: { issuer: 'https://issuer.example', jwtSecret: 'short' } }],
] as const)('%s', (code, options) => {
  expect(() => resolveOptions(options, {})).toThrow(expect.objectContaining({ code }))
})
