import { createHmac } from 'node:crypto'

import { expect, test } from 'vitest'

import { resolveActor } from './context.ts'
import { TokenSource, mintToken } from './token.ts'

const organizationId = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'
const actor = resolveActor({ organizationId, service: 'a"b|c' })
const key = { databaseId: 'dddddddd-dddd-4ddd-8ddd-dddddddddddd', keyId: 'abcd1234', key: Buffer.alloc(32, 7) }
const nowMs = Date.parse('2030-01-01T00:00:00.900Z')

test('a token says who, where and until when, under a signature of everything before it', () => {
  const [version, keyId, payload = '', signature] = mintToken(actor, key, nowMs).split('.')
  expect([version, keyId]).toEqual(['v1', 'abcd1234'])
  expect(signature).toBe(createHmac('sha256', key.key).update(`v1.abcd1234.${payload}`).digest('base64url'))
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
  expect(claims).toEqual({
    db: key.databaseId,
    org: organizationId,
    kind: 'service',
    user: null,
    service: 'a"b|c',
    connection: null,
    reason: null,
    origin: 'app',
    request: null,
    ip: null,
    exp: Math.floor(nowMs / 1000) + 45,
  })
})

test('one token serves for a few seconds, never past that, never with another key, never from the future', () => {
  const source = new TokenSource(actor)
  const first = source.token(key, nowMs)
  expect(source.token(key, nowMs + 4_999)).toBe(first)
  expect(source.token(key, nowMs + 5_000)).not.toBe(first)
  const later = source.token(key, nowMs + 6_000)
  expect(source.token(key, nowMs - 60_000)).not.toBe(later)
  const other = { ...key, keyId: 'ffff0000' }
  expect(source.token(other, nowMs - 60_000)).toContain('v1.ffff0000.')
})
