import { createHmac } from 'node:crypto'

import { expect, test } from 'vitest'

import { resolveActor } from './context.ts'
import type { Context } from './context.ts'
import { TokenSource, mintToken } from './token.ts'

const organizationId = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'
const actor = resolveActor({ organizationId, service: 'a"b|c' })
const key = { databaseId: 'dddddddd-dddd-4ddd-8ddd-dddddddddddd', keyId: 'abcd1234', key: Buffer.alloc(32, 7) }
const nowMs = Date.parse('2030-01-01T00:00:00.900Z')

test('a token says who, where and until when, under a signature of everything before it', () => {
  const token = mintToken(actor, key, nowMs)
  const dashes = '-'.repeat(36)
  const rest = '{"service":"a\\"b|c","reason":null,"origin":"app","request":null,"ip":null}'
  const signed = `v1.abcd1234.${key.databaseId}${organizationId}s${dashes}${(nowMs / 1000 + 45).toFixed(3)}${rest}`
  expect(token).toBe(`${signed}.${createHmac('sha256', key.key).update(signed).digest('hex')}`)
  expect(signed.indexOf('{')).toBe(135)
})

test('who acts stands in the same place, whatever the kind', () => {
  const id = 'cccccccc-cccc-4ccc-8ccc-cccccccccccc'
  const whoOf = (context: Context): string => mintToken(resolveActor(context), key, nowMs).slice(48, 121)
  expect(whoOf({ organizationId, userId: id })).toBe(`${organizationId}u${id}`)
  expect(whoOf({ organizationId: null, userId: id })).toBe(`${'-'.repeat(36)}u${id}`)
  expect(whoOf({ organizationId, connectionId: id })).toBe(`${organizationId}c${id}`)
  expect(whoOf({ organizationId, report: 'r', reason: 'x' })).toBe(`${organizationId}r${'-'.repeat(36)}`)
  expect(whoOf({ organizationId, operator: 'o', reason: 'x' })).toBe(`${organizationId}o${'-'.repeat(36)}`)
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
