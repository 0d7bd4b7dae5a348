import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'

import {
  checkMasterKey,
  deriveLoginPassword,
  deriveTokenKey,
  hmacPads,
  loginUrl,
  scramVerifier,
  tokenKeyId,
} from './keys.ts'
import { createHash } from 'node:crypto'

const master = 'a master key of more than thirty-two characters'

describe('keys', () => {
  it('differ by database and by login, and follow from the master key', () => {
    const key = deriveTokenKey(master, 'one')
    expect(key).toHaveLength(32)
    expect(deriveTokenKey(master, 'one')).toEqual(key)
    expect(deriveTokenKey(master, 'two')).not.toEqual(key)
    expect(deriveTokenKey(`${master}!`, 'one')).not.toEqual(key)
    expect(tokenKeyId(key)).toMatch(/^[0-9a-f]{8}$/)
    expect(deriveLoginPassword(master, 'rowhouse_app')).not.toBe(deriveLoginPassword(master, 'rowhouse_control'))
    expect(deriveLoginPassword(master, 'rowhouse_app')).toMatch(/^[\w-]{43}$/)
  })

  it('of a short or missing master key are refused', () => {
    expect(() => checkMasterKey(undefined)).toThrow(expect.objectContaining({ code: 'signing_key_missing' }))
    expect(() => checkMasterKey('')).toThrow(expect.objectContaining({ code: 'signing_key_missing' }))
    expect(() => checkMasterKey('x'.repeat(31))).toThrow(expect.objectContaining({ code: 'signing_key_too_short' }))
    expect(() => deriveTokenKey('short', 'one')).toThrow(expect.objectContaining({ code: 'signing_key_too_short' }))
    expect(checkMasterKey('x'.repeat(32))).toBe('x'.repeat(32))
  })

  it('as pads give the same MAC as HMAC', () => {
    const key = deriveTokenKey(master, 'one')
    const { inner, outer } = hmacPads(key)
    const sha256 = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
    const message = Buffer.from('message')
    expect(sha256(outer, sha256(inner, message))).toEqual(createHmac('sha256', key).update(message).digest())
  })
})

it('a login URL replaces user and password and keeps the rest', () => {
  const url = loginUrl('postgres://admin:p%40ss@db.example:6543/app?sslmode=require', 'rowhouse_app', master)
  expect(url).toBe(
    `postgres://rowhouse_app:${deriveLoginPassword(master, 'rowhouse_app')}@db.example:6543/app?sslmode=require`,
  )
})

it('a SCRAM verifier has the form Postgres stores', () => {
  expect(scramVerifier('pencil', Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'))).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  )
})
