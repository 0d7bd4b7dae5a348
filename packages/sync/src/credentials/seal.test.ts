import { randomUUID } from 'node:crypto'
import { CredentialSeal, KeyCache, MasterKeys, keyIdOf } from '@rowhouse/database'
import { describe, expect, it } from 'vitest'
import { readBundle } from './store/bundle.ts'

const masters = new MasterKeys('k'.repeat(32))
const organizationId = randomUUID()
const key = masters.make(randomUUID(), organizationId)
const seal = new CredentialSeal(masters, new KeyCache())
const place = { organizationId, connectionId: 'c', field: 'accessToken' }
const unreadable = expect.objectContaining({ code: 'credentials_unreadable' })

describe('sealed credentials', () => {
  it('open where they belong, name their key, and never look alike', () => {
    expect(seal.open(key, place, seal.seal(key, place, 'secret'))).toBe('secret')
    expect(keyIdOf(seal.seal(key, place, 'secret'))).toBe(key.id)
    expect(seal.seal(key, place, 'secret')).not.toBe(seal.seal(key, place, 'secret'))
  })

  it.each([
    ['organization', { ...place, organizationId: randomUUID() }],
    ['connection', { ...place, connectionId: 'd' }],
    ['field', { ...place, field: 'refreshToken' }],
  ])('do not open for another %s', (_name, other) => {
    expect(() => seal.open(key, other, seal.seal(key, place, 'secret'))).toThrowError(unreadable)
  })

  it('would open in another row if they were not bound to theirs', () => {
    const unbound = new CredentialSeal(masters, new KeyCache(), () => '')
    expect(unbound.open(key, { ...place, connectionId: 'd' }, unbound.seal(key, place, 'secret'))).toBe('secret')
  })

  it('do not open with another key, changed, cut, of the form before, or with none', () => {
    const sealed = seal.seal(key, place, 'secret')
    const other = masters.make(randomUUID(), organizationId)
    expect(() => seal.open(other, place, sealed)).toThrowError(unreadable)
    expect(() => seal.open(other, place, sealed.replace(key.id, other.id))).toThrowError(unreadable)
    for (const text of [`${sealed.slice(0, -2)}AA`, sealed.slice(0, 60), 'v1.', 'v1.AAAAAAAAAAAAAAAAAAAA', '', 'v2..'])
      expect(() => seal.open(key, place, text)).toThrowError(unreadable)
    expect(() => seal.open(null, place, sealed)).toThrowError(unreadable)
  })
})

describe('a data key', () => {
  it('is unwrapped by the encryption key that wrapped it only, for its own organization and id only', () => {
    const stranger = new MasterKeys('x'.repeat(32))
    expect(() => stranger.unwrap(key)).toThrowError(unreadable)
    expect(() => stranger.unwrap({ ...key, wrappedBy: stranger.currentId })).toThrowError(unreadable)
    expect(() => masters.unwrap({ ...key, organizationId: null })).toThrowError(unreadable)
    expect(() => masters.unwrap({ ...key, id: randomUUID() })).toThrowError(unreadable)
    expect(() => masters.unwrap({ ...key, wrapped: 'w1.AAAA' })).toThrowError(unreadable)
    expect(masters.unwrap(key)).toHaveLength(32)
  })

  it('is unwrapped by the previous encryption key while that is set, and wrapped by the current one', () => {
    const both = new MasterKeys('n'.repeat(32), 'k'.repeat(32))
    const again = both.wrap(key, both.unwrap(key))
    expect(again.wrappedBy).toBe(both.currentId)
    expect(new MasterKeys('n'.repeat(32)).unwrap(again).equals(masters.unwrap(key))).toBe(true)
    expect(() => masters.unwrap(again)).toThrowError(unreadable)
  })

  it('once destroyed opens nothing, also where it was used a moment ago', () => {
    const sealed = seal.seal(key, place, 'secret')
    expect(seal.open(key, place, sealed)).toBe('secret')
    expect(() => seal.open({ ...key, wrapped: null, wrappedBy: null }, place, sealed)).toThrowError(unreadable)
  })

  it('needs an encryption key of 32 characters', () => {
    const short = expect.objectContaining({ code: 'encryption_key_too_short' })
    expect(() => new MasterKeys('short')).toThrowError(short)
    expect(() => new MasterKeys('k'.repeat(32), 'short')).toThrowError(short)
  })
})

describe('unwrapped keys in memory', () => {
  it('are bounded in number and time, and overwritten when they leave', () => {
    let now = 0
    const cache = new KeyCache({ keysMax: 2, lifetimeMs: 100, now: () => now })
    const made = new Map<string, Buffer>()
    const take = (id: string): Buffer =>
      cache.take(id, () => {
        made.set(id, Buffer.alloc(32, 7))
        return made.get(id) as Buffer
      })
    const zeroed = (id: string): boolean => made.get(id)?.equals(Buffer.alloc(32)) === true
    take('a')
    take('b')
    take('a')
    take('c')
    expect([zeroed('a'), zeroed('b'), zeroed('c'), cache.size]).toEqual([false, true, false, 2])
    now = 100
    cache.sweep()
    expect([zeroed('a'), zeroed('c'), cache.size]).toEqual([true, true, 0])
    take('d')
    cache.close()
    expect(zeroed('d')).toBe(true)
  })
})

it.each([null, 'v1.x', 3, [], {}, { version: 1, accessToken: 5 }, { version: '1', accessToken: 'v2.' }])(
  'what is no bundle is unreadable: %j',
  (value) => {
    expect(() => readBundle('c', value)).toThrowError(unreadable)
  },
)
