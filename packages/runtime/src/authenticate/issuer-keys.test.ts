import { createHmac } from 'node:crypto'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { IssuerKeys } from './issuer-keys.ts'
import { startTestIssuer } from './test-issuer.ts'
import type { TestIssuer } from './test-issuer.ts'

const nowMs = Date.parse('2030-06-01T12:00:00Z')
const sub = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'
let issuer: TestIssuer
let keys: IssuerKeys

beforeEach(async () => {
  issuer = await startTestIssuer(() => nowMs)
  keys = new IssuerKeys(
    { issuer: issuer.issuer, jwksUrl: issuer.jwksUrl, audience: 'authenticated', secret: null },
    () => nowMs,
  )
})
afterEach(async () => {
  await issuer.close()
})

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a good token is accepted, and the keys are fetched once for many', async () => {
  const token = await issuer.token({ sub })
  const verified = await Promise.all(Array.from({ length: 20 }, () => keys.verify(token)))
  expect(verified.every((payload) => payload.sub === sub)).toBe(true)
  expect(issuer.requests).toBe(1)
})

test('expired, for another audience, of another issuer, without a subject, tampered with, no token at all', async () => {
  const seconds = nowMs / 1000
  await expect(keys.verify(await issuer.token({ sub }, { expiresAt: seconds - 31 }))).rejects.toMatchObject({
    code: 'jwt_expired',
  })
  await expect(keys.verify(await issuer.token({ sub }, { expiresAt: seconds - 29 }))).resolves.toMatchObject({ sub })
  const bad = [
    await issuer.token({ sub }, { audience: 'somebody-else' }),
    await issuer.token({ sub }, { issuer: 'https://evil.example' }),
    await issuer.token({}),
    (await issuer.token({ sub })).replace(
      /\.[^.]+\./,
      `.${base64({ sub: 'other', exp: seconds + 60, aud: 'authenticated', iss: issuer.issuer })}.`,
    ),
    'not.a.token',
  ]
  for (const token of bad) await expect(keys.verify(token)).rejects.toMatchObject({ code: 'jwt_invalid' })
})

test('algorithm confusion: neither none, nor the public key used as a shared secret', async () => {
  const claims = base64({ sub, exp: nowMs / 1000 + 60, aud: 'authenticated', iss: issuer.issuer })
  const none = `${base64({ alg: 'none', kid: 'key-1' })}.${claims}.`
  const signed = `${base64({ alg: 'HS256', kid: 'key-1' })}.${claims}`
  const confused = `${signed}.${createHmac('sha256', JSON.stringify(issuer.keys[0])).update(signed).digest('base64url')}`
  await expect(keys.verify(none)).rejects.toMatchObject({ code: 'jwt_invalid' })
  await expect(keys.verify(confused)).rejects.toMatchObject({ code: 'jwt_key_kind_differs' })
})

describe('a shared secret', () => {
  const secret = 'a-legacy-secret-of-a-project-40-characters'
  const signWith = (key: string, header: Record<string, unknown> = { alg: 'HS256', typ: 'JWT' }): string => {
    const claims = base64({ sub, exp: nowMs / 1000 + 60, aud: 'authenticated', iss: issuer.issuer })
    const signed = `${base64(header)}.${claims}`
    return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
  }
  const legacy = (): IssuerKeys =>
    new IssuerKeys({ issuer: issuer.issuer, jwksUrl: issuer.jwksUrl, audience: 'authenticated', secret }, () => nowMs)

  test('verifies HS256 when the options give it, and asks no issuer for keys', async () => {
    await expect(legacy().verify(signWith(secret))).resolves.toMatchObject({ sub })
    await legacy().check()
    expect(issuer.requests).toBe(0)
  })

  test('is never believed beside public keys, nor they beside it', async () => {
    await expect(keys.verify(signWith(secret))).rejects.toMatchObject({ code: 'jwt_key_kind_differs' })
    await expect(legacy().verify(await issuer.token({ sub }))).rejects.toMatchObject({ code: 'jwt_key_kind_differs' })
    const publicKey = JSON.stringify(issuer.keys[0])
    for (const token of [
      signWith(publicKey),
      signWith('another secret that is long enough, too'),
      signWith(''),
      signWith(secret, { alg: 'none' }),
      signWith(secret, { alg: 'HS512' }),
      signWith(publicKey, { alg: 'HS256', kid: 'key-1', jwk: issuer.keys[0] }),
    ]) {
      await expect(legacy().verify(token)).rejects.toMatchObject({ code: 'jwt_invalid' })
    }
    expect(issuer.requests).toBe(0)
  })
})

test('a key nobody published: refused, and the issuer is not asked again at once', async () => {
  await keys.verify(await issuer.token({ sub }))
  const stranger = await issuer.token({ sub }, { stranger: true })
  for (let count = 0; count < 5; count += 1)
    await expect(keys.verify(stranger)).rejects.toMatchObject({ code: 'jwt_invalid' })
  expect(issuer.requests).toBe(1)
})

test('an issuer that publishes no keys is named as such', async () => {
  const token = await issuer.token({ sub })
  issuer.keys = []
  await expect(keys.verify(token)).rejects.toMatchObject({
    code: 'issuer_without_keys',
    details: { jwksUrl: issuer.jwksUrl },
  })
})

test('a look at the keys before the first request says the same', async () => {
  await keys.check()
  issuer.keys = []
  await expect(keys.check()).rejects.toMatchObject({ code: 'issuer_without_keys' })
  await issuer.close()
  await expect(keys.check()).rejects.toMatchObject({ code: 'issuer_unreachable' })
})

test('an issuer that does not answer is told apart from a bad token', async () => {
  const token = await issuer.token({ sub })
  await issuer.close()
  await expect(keys.verify(token)).rejects.toMatchObject({ code: 'issuer_unreachable', retryable: true })
})
