import { describe, expect, it } from 'vitest'
import { readServerConfig } from './config.ts'

const env = {
  ROWHOUSE_URL: 'postgres://someone@db.example/app',
  ROWHOUSE_SIGNING_KEY: 's'.repeat(32),
  ROWHOUSE_ENCRYPTION_KEY: 'e'.repeat(32),
  ROWHOUSE_OPERATOR_KEY: 'o'.repeat(32),
}

describe('readServerConfig', () => {
  it('resolves defaults and freezes', () => {
    const config = readServerConfig(env)
    expect(config).toMatchObject({ port: 4100, host: '127.0.0.1', publicUrl: null, issuer: null, trustedProxies: [] })
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('reads the issuer and the proxies', () => {
    const config = readServerConfig({
      ...env,
      ROWHOUSE_ISSUER: 'https://id.example/auth/',
      ROWHOUSE_TRUSTED_PROXIES: '10.0.0.0/8, ::1',
    })
    expect(config.issuer).toMatchObject({ issuer: 'https://id.example/auth', clientId: 'rowhouse-console' })
    expect(config.trustedProxies).toEqual(['10.0.0.0/8', '::1'])
  })

  it.each([
    ['url_missing', { ROWHOUSE_URL: '' }],
    ['invalid_option', { ROWHOUSE_URL: 'mysql://x' }],
    ['signing_key_missing', { ROWHOUSE_SIGNING_KEY: undefined }],
    ['signing_key_too_short', { ROWHOUSE_SIGNING_KEY: 'short' }],
    ['encryption_key_missing', { ROWHOUSE_ENCRYPTION_KEY: undefined }],
    ['encryption_key_too_short', { ROWHOUSE_ENCRYPTION_KEY: 'short' }],
    ['encryption_key_too_short', { ROWHOUSE_ENCRYPTION_KEY_PREVIOUS: 'short' }],
    ['invalid_option', { ROWHOUSE_ENCRYPTION_KEY_PREVIOUS: 'e'.repeat(32) }],
    ['operator_key_missing', { ROWHOUSE_OPERATOR_KEY: undefined }],
    ['operator_key_too_short', { ROWHOUSE_OPERATOR_KEY: 'short' }],
    ['invalid_option', { ROWHOUSE_PORT: '70000' }],
    ['invalid_option', { ROWHOUSE_PORT: '80a' }],
    ['invalid_option', { ROWHOUSE_PUBLIC_URL: 'ftp://x' }],
    ['invalid_option', { ROWHOUSE_ISSUER: 'id.example' }],
  ])('refuses with %s', (code, change) => {
    expect(() => readServerConfig({ ...env, ...change })).toThrow(expect.objectContaining({ code }))
  })
})
