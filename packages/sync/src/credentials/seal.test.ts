import { describe, expect, it } from 'vitest'
import { createCredentialSeal } from './seal.ts'

const seal = createCredentialSeal('k'.repeat(32))
const place = { organizationId: 'a', connectionId: 'c', field: 'accessToken' }

describe('sealed credentials', () => {
  it('open where they belong, and never look alike', () => {
    expect(seal.open(place, seal.seal(place, 'secret'))).toBe('secret')
    expect(seal.seal(place, 'secret')).not.toBe(seal.seal(place, 'secret'))
  })

  it.each([
    ['organization', { ...place, organizationId: 'b' }],
    ['connection', { ...place, connectionId: 'd' }],
    ['field', { ...place, field: 'refreshToken' }],
  ])('do not open for another %s', (_name, other) => {
    expect(() => seal.open(other, seal.seal(place, 'secret'))).toThrowError(
      expect.objectContaining({ code: 'credentials_unreadable' }),
    )
  })

  it('would open in another row if they were not bound to theirs', () => {
    const unbound = createCredentialSeal('k'.repeat(32), () => '')
    expect(unbound.open({ ...place, connectionId: 'd' }, unbound.seal(place, 'secret'))).toBe('secret')
  })

  it('do not open with another key, changed, or cut', () => {
    const sealed = seal.seal(place, 'secret')
    const refused = expect.objectContaining({ code: 'credentials_unreadable' })
    expect(() => createCredentialSeal('x'.repeat(32)).open(place, sealed)).toThrowError(refused)
    expect(() => seal.open(place, `${sealed.slice(0, -2)}AA`)).toThrowError(refused)
    expect(() => seal.open(place, 'v1.')).toThrowError(refused)
  })

  it('refuses a short key', () => {
    expect(() => createCredentialSeal('short')).toThrowError(
      expect.objectContaining({ code: 'encryption_key_too_short' }),
    )
  })
})
